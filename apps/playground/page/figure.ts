import type { Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";

/** Attributes and texts bound to values. They are written only when they change. */
export class Bindings<Source> {
  readonly #bound: { last: string | undefined; of: (source: Source) => string; put: (text: string) => void }[] = [];

  /** Binds an attribute. */
  attribute(element: Element, name: string, of: (source: Source) => string): void {
    this.#bound.push({ last: undefined, of, put: (text) => element.setAttribute(name, text) });
  }

  /** Binds an element's text. */
  text(element: Element, of: (source: Source) => string): void {
    this.#bound.push({ last: undefined, of, put: (text) => element.textContent = text });
  }

  /** Updates everything that has changed. */
  update(source: Source): void {
    for (const bound of this.#bound) {
      const text = bound.of(source);
      if (text === bound.last) continue;
      bound.put(text);
      bound.last = text;
    }
  }
}

/** The side of a value's cell in x, s and h. */
export const CELL = 9;
/** The space between rows, for the arrows. */
export const GAP = 46;
/** The height of a line of text. */
const LINE = 18;
/** The height of the gradient bars, and the number of powers of ten that they span. */
const [BARS, POWERS] = [96, 8];

/** A row of the figure. */
export interface Row {
  readonly y: number;
  readonly height: number;
}

/** The rows from the top: outputs, states from the highest layer to the lowest, inputs, gradients. */
interface Layout {
  readonly h: Row;
  /** The lowest layer first. */
  readonly s: readonly Row[];
  readonly x: Row;
  /** The baseline of the labels below the inputs. */
  readonly label: number;
  readonly bars: Row;
  readonly height: number;
}

/** What is drawn, and the scales of its colours and bars. */
export interface Scene {
  readonly unfolding: Unfolding;
  readonly layout: Layout;
  /** The largest absolute values of each row. */
  readonly ranges: { readonly x: number; readonly s: number; readonly h: number };
  /** The gradient drawn as 1: the last step's, or the largest if that is 0. */
  readonly one: number;
  /** The highest power of ten on the scale of the gradients. */
  readonly top: number;
}

/** Lays out a figure and computes its scales. */
export function sceneOf(unfolding: Unfolding): Scene {
  const { steps } = unfolding;
  const gradients = steps.map(({ gradient }) => gradient);
  const greatest = Math.max(...gradients);
  const one = gradients.at(-1)! || greatest || 1;
  return {
    unfolding,
    layout: layOut(unfolding),
    ranges: {
      x: largest(...steps.map(({ input }) => input.values)),
      s: largest(...steps.flatMap(({ states }) => states)),
      h: largest(...steps.map(({ output }) => output.values)),
    },
    one,
    // An exploding gradient extends the scale upwards.
    top: greatest === 0 ? 0 : Math.max(0, 2 * Math.ceil(Math.log10(greatest / one) / 2)),
  };
}

function layOut({ steps, recurrentWeights }: Unfolding): Layout {
  const { input, states, output } = steps[0]!;
  const h = { y: LINE, height: output.values.length * CELL };
  let end = h.y + h.height;
  const s = recurrentWeights.map((_, i) => {
    const row = { y: end + GAP, height: states.at(-1 - i)!.length * CELL };
    end = row.y + row.height;
    return row;
  }).reverse();
  const x = { y: end + GAP, height: input.values.length * CELL };
  const label = x.y + x.height + 14;
  const bars = { y: label + 22, height: BARS };
  return { h, s, x, label, bars, height: bars.y + bars.height + LINE };
}

/** The position of a power of ten on the scale of the gradients. */
function placeOf(power: number, { layout: { bars }, top }: Scene): number {
  return bars.y + bars.height * Math.min(1, Math.max(0, (top - power) / POWERS));
}

/** The top of a gradient's bar. */
export function topOf(gradient: number, scene: Scene): number {
  return placeOf(gradient === 0 ? -Infinity : Math.log10(gradient / scene.one), scene);
}

/** Every second power of ten on the scale of the gradients, with its position. */
export function powersOf(scene: Scene): { readonly power: number; readonly y: number }[] {
  return Array.from({ length: POWERS / 2 + 1 }, (_, i) => {
    const power = scene.top - 2 * i;
    return { power, y: placeOf(power, scene) };
  });
}

/** The class of a value's colour: 21 levels from −most to most. */
export function level(value: number, most: number): string {
  return `level-${10 + Math.round(10 * Math.max(-1, Math.min(1, most === 0 ? 0 : value / most)))}`;
}

/** The largest absolute value. */
export function largest(...groups: readonly Float32Array[]): number {
  return groups.reduce((found, group) => group.reduce((a, b) => Math.max(a, Math.abs(b)), found), 0);
}

/** A line of text. */
export function text(x: number, y: number, content: string, attributes: Record<string, string | number> = {}) {
  return makeSvg("text", { x, y, ...attributes }, [content]);
}

/** Groups shapes under one tooltip. */
export function group(
  shapes: readonly SVGElement[],
  bindings: Bindings<Scene>,
  title: (scene: Scene) => string,
): SVGElement {
  const tooltip = makeSvg("title");
  bindings.text(tooltip, title);
  return makeSvg("g", {}, [tooltip, ...shapes]);
}
