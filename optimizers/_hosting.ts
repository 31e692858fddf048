import {
  formatShape,
  type NamedParameters,
  type PackedParameters,
  type SafetensorsInput,
  type Segment,
  type Slab,
  type Tensor,
  zeros,
} from "@unfold/core";
import { memory, reserve } from "@unfold/core/kernels";
import { describe, printable } from "@unfold/core/support";
import type { OptimizerPlugin, PluginEntry, UpdateInfo } from "./plugin.ts";

/** The most slots that the first update may make without growing the memory under the plugin's views. No known rule has more. */
const MOST_SLOTS = 6;

/** A part of the slab: all parameters, or those of one group. */
interface Stretch {
  /** Its first element, counted from the start of the slab. */
  readonly start: number;
  /** The number of elements. */
  readonly length: number;
  /** The parameters in it, with offsets from its start. */
  readonly segments: readonly Segment[];
}

/** A group of parameters, or all of them if they are not in groups. */
export interface Group {
  /** Its name; empty if there are no groups. */
  readonly label: string;
  readonly stretch: Stretch;
  /** Whether a rule acts on it. Without one, it is always frozen. */
  readonly hasRule: boolean;
  /** Whether its parameters stay as they are. */
  frozen: boolean;
  /** The number of steps taken while it was not frozen. */
  steps: number;
}

/** A plugin with its part of the parameters and its slots. */
export class HostedPlugin {
  readonly plugin: OptimizerPlugin;
  /** The group that it acts on; undefined for a transform of all gradients. */
  readonly group: Group | undefined;
  readonly #stretch: Stretch;
  #slots = new Map<string, Tensor>();
  /** Whether the slots come from a saved state, which must then have all of them. */
  #complete = false;
  /** Whether it has made its slots. */
  #hasRun = false;

  constructor(plugin: OptimizerPlugin, stretch: Stretch, group?: Group) {
    this.plugin = plugin;
    this.#stretch = stretch;
    this.group = group;
  }

  /** Whether its group is frozen. */
  get rests(): boolean {
    return this.group?.frozen ?? false;
  }

  /** Frees the slots. */
  release(): void {
    for (const slot of this.#slots.values()) slot.dispose();
    this.#slots.clear();
  }

  /** Runs one step of the plugin. */
  update(slab: Slab, info: UpdateInfo): void {
    const { segments } = this.#stretch;
    this.#reserveSlots();
    const size = memory.buffer.byteLength;
    const group = {
      params: this.#own(slab.params),
      grads: this.#own(slab.grads),
      segments,
      slot: (name: string) => this.#slot(name).data as Float32Array<ArrayBuffer>,
    };
    this.plugin.update(group, info);
    this.#hasRun = true;
    if (memory.buffer.byteLength === size) return;
    throw new Error(
      `Cannot step: ${this.plugin.name} must not grow the memory in update(), which detaches its arrays; it may use ` +
        `${MOST_SLOTS} slots, and must allocate tensors elsewhere`,
    );
  }

  /**
   * Makes room for the slots that the first update makes: as many as fit, because a rule may need none. A rule asks for all its
   * slots at every step, so later ones need no room.
   */
  #reserveSlots(): void {
    if (this.#hasRun) return;
    for (let slots = MOST_SLOTS - this.#slots.size; slots > 0; slots--) {
      try {
        return reserve(slots, 4 * this.#stretch.length);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }

  /** This plugin's part of an array over all parameters. */
  #own(array: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
    const { start, length } = this.#stretch;
    return array.subarray(start, start + length);
  }

  #slot(name: string): Tensor {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      if (name.includes("/")) {
        throw new TypeError(`Cannot step: the name of a slot must not contain "/", got "${name}"`);
      }
      if (this.#complete) {
        throw new TypeError(`Cannot step: the loaded state must have ${this.plugin.name}.${name}, but does not`);
      }
      slot = zeros([this.#stretch.length], { persistent: true });
      this.#slots.set(name, slot);
    }
    return slot;
  }

  /** Swaps the parameters and a slot. Returns whether the slot exists. */
  swap(slab: Slab, slot: string): boolean {
    const data = this.#slots.get(slot)?.data;
    if (data === undefined) return false;
    const params = this.#own(slab.params);
    const kept = params.slice();
    params.set(data);
    data.set(kept);
    return true;
  }

  /** One entry per slot and parameter. */
  state(): [name: string, entry: SafetensorsInput][] {
    return [...this.#slots].flatMap(([name, { data }]) => entriesOf(this.#stretch.segments, this.#prefix(name), data));
  }

  #prefix(slot: string): string {
    return `${this.plugin.name}.${slot}/`;
  }

  /**
   * Takes the plugin's entries out of a saved state and notes the problems with them. Returns a function that applies them;
   * nothing changes before.
   */
  load(entries: Map<string, SafetensorsInput>, problems: string[], complete: boolean): () => void {
    const own = `${this.plugin.name}.`;
    // The plugin is known to need the slots it already has.
    const names = new Set<string>(complete ? this.#slots.keys() : []);
    for (const key of entries.keys()) {
      const [slot, parameter] = key.startsWith(own) ? splitOnce(key.slice(own.length)) : [];
      if (slot !== undefined && this.#stretch.segments.some(({ name }) => name === parameter)) names.add(slot);
    }
    const found = [...names].map((name) =>
      [name, takeEntries(entries, this.#prefix(name), this.#stretch, problems)] as const
    );
    return () => {
      this.#complete = complete;
      this.#hasRun = false;
      this.release();
      this.#slots = new Map(found.map(([name, values]) => {
        const slot = zeros([this.#stretch.length], { persistent: true });
        slot.data.set(values);
        return [name, slot];
      }));
    };
  }
}

function splitOnce(text: string): string[] {
  const at = text.indexOf("/");
  return at < 0 ? [] : [text.slice(0, at), text.slice(at + 1)];
}

function sizeOf({ shape }: Segment): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** A flat array as one entry per parameter. */
export function entriesOf(
  segments: readonly Segment[],
  prefix: string,
  data: Float32Array,
): [name: string, entry: SafetensorsInput][] {
  return segments.map((segment) => {
    const values = data.slice(segment.offset, segment.offset + sizeOf(segment));
    return [prefix + segment.name, { shape: segment.shape, data: values as Float32Array<ArrayBuffer> }];
  });
}

/** The reverse of {@linkcode entriesOf}: takes the entries out and joins them, noting what is missing or does not fit. */
export function takeEntries(
  entries: Map<string, SafetensorsInput>,
  prefix: string,
  { segments, length }: Pick<Stretch, "segments" | "length">,
  problems: string[],
): Float32Array {
  const flat = new Float32Array(length);
  for (const segment of segments) {
    const name = prefix + segment.name;
    const entry = entries.get(name);
    entries.delete(name);
    if (entry === undefined) problems.push(`${name} is missing`);
    else if (!fits(entry, segment)) {
      const [wanted, got] = [segment, entry].map(({ shape }) => printable(formatShape(shape)));
      const { data } = entry;
      const kind = data.constructor.name;
      problems.push(
        `${name} must be 32-bit floats of shape ${wanted}, got a ${kind} of length ${data.length} and shape ${got}`,
      );
    } else flat.set(entry.data as Float32Array, segment.offset);
  }
  return flat;
}

function fits({ shape, data }: SafetensorsInput, segment: Segment): boolean {
  return data instanceof Float32Array && data.length === sizeOf(segment) &&
    formatShape(shape) === formatShape(segment.shape);
}

function isPlugin(entry: unknown): entry is OptimizerPlugin {
  return typeof (entry as OptimizerPlugin | null)?.update === "function";
}

function refuse(problem: string): never {
  throw new TypeError(`Cannot make an Optimizer: ${problem}`);
}

/**
 * Throws a `TypeError` unless all entries are plugins, or plugins by the names of existing groups, and each group has at most
 * one rule with the transforms before it.
 */
export function checkPlugins(entries: readonly unknown[], labels: readonly string[]): void {
  if (isPlugin(entries)) {
    refuse(`plugins must be an array, got the plugin ${entries.name} alone; write [${entries.name}()]`);
  }
  if (!Array.isArray(entries)) refuse(`plugins must be an array, got ${describe(entries)}`);
  if (entries.length === 0) refuse("there must be at least one plugin, got none");
  entries.forEach((entry, index) => {
    const place = `plugins[${index}]`;
    if (isPlugin(entry) || typeof entry !== "object" || entry === null) return checkPlugin(place, entry);
    if (Array.isArray(entry)) {
      refuse(`${place} must be a plugin, or plugins by group, got an array; list its plugins one by one`);
    }
    if (Object.keys(entry).length === 0) refuse(`${place} must be a plugin, or plugins by group, got an empty object`);
    for (const [label, plugin] of Object.entries(entry)) {
      if (!labels.includes(label)) {
        const known = labels.join(", ") || "there are none";
        refuse(`${place} must be a plugin, or plugins by group (${known}), got ${label}`);
      }
      checkPlugin(`${place}.${label}`, plugin);
    }
  });
  const typed = entries as readonly PluginEntry[];
  checkRules(typed, labels.length > 0 ? labels : [""]);
  const skipping = typed.findIndex((entry, index) => {
    return isPlugin(entry)
      ? index > 0 && entry.skipsNonFinite
      : Object.values(entry).some((plugin) => plugin?.skipsNonFinite);
  });
  if (skipping >= 0) refuse(`plugins[${skipping}] drops whole steps, so it must be first and act on all parameters`);
}

function checkPlugin(place: string, entry: unknown): void {
  if (!isPlugin(entry)) {
    const got = typeof entry === "function" ? `the function ${entry.name}; perhaps call it` : String(entry);
    refuse(`${place} must be a plugin, with a name and update(), got ${got}`);
  }
  if (typeof entry.name !== "string" || !/^[^./]+$/.test(entry.name)) {
    refuse(`${place} must have a name without "." and "/", got ${JSON.stringify(entry.name)}`);
  }
  if (entry.runs !== undefined && entry.runs !== "before" && entry.runs !== "after") {
    refuse(`${place}.runs must be "before", "after" or undefined for a rule, got ${JSON.stringify(entry.runs)}`);
  }
}

/** Throws unless there is a rule, no group has two, and what runs before or after a rule is listed there. */
function checkRules(entries: readonly PluginEntry[], labels: readonly string[]): void {
  const trained = labels.filter((label) => {
    const own = entries.map((entry) => pluginFor(entry, label)).filter((plugin) => plugin !== undefined);
    const [rule, second] = own.filter(({ runs }) => runs === undefined);
    if (second !== undefined) {
      const where = label === "" ? "" : ` for group ${label}`;
      refuse(
        `there must be one rule${where}, got ${
          rule!.name
        } and ${second.name}; remove one, or give each its own group ` +
          'with partition(). A plugin that only changes gradients must declare runs: "before", one that only sees the new ' +
          'parameters runs: "after"',
      );
    }
    const late = rule && own.slice(own.indexOf(rule)).find(({ runs }) => runs === "before");
    if (late) {
      refuse(`${late.name} changes the gradients, so it must come before the rule ${rule.name}, got it after; move it`);
    }
    const early = rule && own.slice(0, own.indexOf(rule)).find(({ runs }) => runs === "after");
    if (early) {
      refuse(
        `${early.name} runs on the new parameters, so it must come after the rule ${rule.name}, got it before; move it`,
      );
    }
    const idle = rule === undefined &&
      entries.find((entry) => !isPlugin(entry) && pluginFor(entry, label) !== undefined);
    if (idle) {
      refuse(
        `group ${label} must have a rule for ${pluginFor(idle, label)!.name} to work with, such as adam(), got none`,
      );
    }
    return rule !== undefined;
  });
  if (trained.length > 0) return;
  const names = entries.flatMap((entry) =>
    isPlugin(entry) ? [entry.name] : Object.values(entry).map((one) => one!.name)
  );
  refuse(`plugins must have a rule, such as adam(), got only ${names.join(", ")}; add one after them`);
}

/** The plugin that an entry has for a group, if any. */
function pluginFor(entry: PluginEntry, label: string): OptimizerPlugin | undefined {
  return isPlugin(entry) ? entry : (entry as Readonly<Record<string, OptimizerPlugin | undefined>>)[label];
}

/**
 * Assigns each plugin its part of the slab, where groups follow one another. A transform of all gradients gets the whole slab;
 * every other plugin gets one group, so that a group can rest, with its own slots and count of steps.
 */
export function hostPlugins(
  entries: readonly PluginEntry[],
  { slab, segments }: PackedParameters,
  groups: Readonly<Record<string, NamedParameters>>,
): { groups: Group[]; hosted: HostedPlugin[] } {
  const all: Stretch = { start: 0, length: slab.length, segments };
  let start = 0;
  let first = 0;
  const hostedGroups = Object.entries(groups).map(([label, group]): Group => {
    const parameters = [...new Set(Object.values(group))];
    const own = segments.slice(first, first += parameters.length);
    const offset = start;
    const length = parameters.reduce((total, { size }) => total + size, 0);
    start += length;
    const hasRule = entries.some((entry) => {
      const plugin = pluginFor(entry, label);
      return plugin !== undefined && plugin.runs === undefined;
    });
    const stretch = {
      start: offset,
      length,
      segments: own.map((segment) => ({ ...segment, offset: segment.offset - offset })),
    };
    return { label, stretch, hasRule, frozen: !hasRule, steps: 0 };
  });

  const taken = new Set<string>();
  const host = (plugin: OptimizerPlugin, stretch: Stretch, group?: Group) => {
    for (const { name } of stretch.segments) {
      const key = `${plugin.name}/${name}`;
      if (taken.has(key)) refuse(`plugins must have different names, got "${plugin.name}" twice`);
      taken.add(key);
    }
    return new HostedPlugin(plugin, stretch, group);
  };
  const hosted = entries.flatMap((entry) => {
    if (isPlugin(entry) && entry.runs === "before") return host(entry, all);
    return hostedGroups.flatMap((group) => {
      const plugin = pluginFor(entry, group.label);
      return plugin === undefined || !group.hasRule ? [] : [host(plugin, group.stretch, group)];
    });
  });
  return { groups: hostedGroups, hosted };
}
