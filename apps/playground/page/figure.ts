import type { Unfolding } from "../worker/unfold_network.ts";
import { makeSvg } from "./element.ts";

/** Parts of a drawing that follow a value: they are touched where they change, and not else. */
export class Bindings<Source> {
  readonly #bound: { last: string | undefined; of: (source: Source) => string; put: (text: string) => void }[] = [];

  /** Lets an attribute follow. */
  attribute(element: Element, name: string, of: (source: Source) => string): void {
    this.#bound.push({ last: undefined, of, put: (text) => element.setAttribute(name, text) });
  }

  /** Lets an element's text follow. */
  text(element: Element, of: (source: Source) => string): void {
    this.#bound.push({ last: undefined, of, put: (text) => element.textContent = text });
  }

  /** Brings all of them up to date. */
  update(source: Source): void {
    for (const bound of this.#bound) {
      const text = bound.of(source);
      if (text === bound.last) continue;
      bound.put(text);
      bound.last = text;
    }
  }
}

/** The side of a cell that stands for a number of x, s or h. */
export const CELL = 9;
/** Space for the arrows from one row to the next. */
export const GAP = 46;
/** Height of a line of text. */
const LINE = 18;
/** Height of the gradients' bars, and the powers of ten that they span. */
const [BARS, POWERS] = [96, 8];

/** A row of the figure. */
export interface Row {
  readonly y: number;
  readonly height: number;
}

/** Where the rows lie from the top: outputs, states from the highest layer to the lowest, inputs, gradients. */
interface Layout {
  readonly h: Row;
  /** The lowest layer first. */
  readonly s: readonly Row[];
  readonly x: Row;
  /** The base line of what is written below the inputs. */
  readonly label: number;
  readonly bars: Row;
  readonly height: number;
}

/** What is drawn, and what its colours and heights go by. */
export interface Scene {
  readonly unfolding: Unfolding;
  readonly layout: Layout;
  /** The largest absolute values of each row. */
  readonly ranges: { readonly x: number; readonly s: number; readonly h: number };
  /** The last step's gradient, or where there is none the greatest. */
  readonly one: number;
  /** The highest power of ten of it that is drawn. */
  readonly top: number;
}

/** Makes out what a figure goes by. */
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
    // Where it explodes the scale reaches up to it.
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

/** The place of a power of ten on the gradients' scale. */
function placeOf(power: number, { layout: { bars }, top }: Scene): number {
  return bars.y + bars.height * Math.min(1, Math.max(0, (top - power) / POWERS));
}

/** The upper end of a gradient's bar. */
export function topOf(gradient: number, scene: Scene): number {
  return placeOf(gradient === 0 ? -Infinity : Math.log10(gradient / scene.one), scene);
}

/** Every second power of ten of the gradients' scale, and where it lies. */
export function powersOf(scene: Scene): { readonly power: number; readonly y: number }[] {
  return Array.from({ length: POWERS / 2 + 1 }, (_, i) => {
    const power = scene.top - 2 * i;
    return { power, y: placeOf(power, scene) };
  });
}

/** The class of a value's colour: from −most to most in 21 levels. */
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

/** Shapes that belong together, and what is said of them where a pointer rests on one. */
export function group(
  shapes: readonly SVGElement[],
  bindings: Bindings<Scene>,
  title: (scene: Scene) => string,
): SVGElement {
  const said = makeSvg("title");
  bindings.text(said, title);
  return makeSvg("g", {}, [said, ...shapes]);
}
