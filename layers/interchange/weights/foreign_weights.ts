import {
  formatShape,
  type NamedParameters,
  type Parameter,
  type SafetensorsInput,
  type Shape,
  sizeOf,
} from "@unfold/core";
import type { Layer } from "../../layer.ts";
import { BUILT_IN } from "../_built_in.ts";
import type { ForeignModule, KerasModule, LayerInterchange, NamedArrays } from "../layer_interchange.ts";

/** Options of the mappings to another framework's weights. */
export interface ToForeignOptions {
  /**
   * The names of the other framework's modules, one for each layer that learns, in order: `["lstm", "head"]`. `""` is that of a
   * module whose tensors' names have nothing before them. No two of the tensors may then have the same name.
   *
   * @default {of PyTorch the indices in the Sequential, as in an nn.Sequential; of Keras those that it gives: layers/lstm, layers/lstm_1}
   */
  readonly modules?: readonly string[];
  /**
   * What is known of layers of your own.
   *
   * @default {[]}
   */
  readonly layers?: readonly LayerInterchange[];
}

/** Options of the mappings from another framework's weights. */
export interface FromForeignOptions extends ToForeignOptions {
  /**
   * Names of tensors that may be left aside, such as those of an optimizer or of another part of the model: of Keras's files
   * `/^optimizer\/|\/seed_generator\//`.
   *
   * @default {none: every tensor must belong to a layer}
   */
  readonly ignore?: RegExp;
}

/** Another framework, and how it names things. */
export interface Framework {
  readonly name: "PyTorch" | "Keras";
  /** Its entry in a {@linkcode LayerInterchange}. */
  readonly hook: "pytorch" | "keras";
  /** Between the names of a module and of a tensor in it. */
  readonly separator: string;
  /** The names of modules unless told otherwise. */
  namesOf(modules: readonly LayerModule[]): readonly string[];
}

/** A module of theirs, and the layer of ours that it belongs to. */
interface LayerModule {
  /** What stands before the layer's names in the model: `0.`. */
  readonly prefix: string;
  readonly module: ForeignModule & Partial<KerasModule>;
}

/** A module with its name. */
interface NamedModule extends LayerModule {
  /** What stands before its tensors' names: `lstm.`. */
  readonly theirs: string;
}

/** The modules of a model; throws a `TypeError` that lists the layers that have none. */
function modulesOf(
  model: Layer,
  { framework, direction, options }: {
    readonly framework: Framework;
    readonly direction: "from" | "to";
    readonly options: ToForeignOptions;
  },
): NamedModule[] {
  const { name: theirName, hook, separator } = framework;
  const layers = [...options.layers ?? [], ...BUILT_IN];
  const found: LayerModule[] = [];
  const problems: string[] = [];
  const visit = (layer: Layer, prefix: string) => {
    const known = layers.filter(({ of }) => of === layer.constructor);
    const name = `${prefix.replace(/\.$/, " ")}${layer.constructor.name}`;
    const modules = known.find((entry) => entry[hook] !== undefined)?.[hook]?.(layer);
    if (typeof modules === "string") problems.push(`${name} cannot be mapped: ${modules}`);
    else if (modules !== undefined) {
      for (const module of [modules].flat()) found.push({ prefix, module: module as LayerModule["module"] });
    } else {
      const inner = known.find((entry) => entry.inner !== undefined)?.inner?.(layer);
      for (const [key, part] of inner ?? []) visit(part, key === "" ? prefix : `${prefix}${key}.`);
      if (inner === undefined && Object.keys(layer.parameters()).length > 0) {
        problems.push(`${name} must have a LayerInterchange with ${hook} among the option layers`);
      }
    }
  };
  visit(model, "");
  failIfAny(problems, framework, direction);
  const names = options.modules ?? framework.namesOf(found);
  const refused = (Kind: ErrorConstructor, problem: string) =>
    new Kind(`Cannot map weights ${direction} ${theirName}: ${problem}`);
  if (!Array.isArray(names) || !names.every((one) => typeof one === "string")) {
    throw refused(TypeError, `modules must be an array of names, got ${JSON.stringify(names)}`);
  }
  if (names.length !== found.length) {
    throw refused(RangeError, `modules must name ${found.length} of its modules, got ${names.length}`);
  }
  const cut = names.find((one) => one.endsWith(separator));
  if (cut !== undefined) {
    throw refused(RangeError, `modules must be names without "${separator}" after them, got "${cut}"`);
  }
  const modules = found.map((one, i) => ({ ...one, theirs: names[i] === "" ? "" : `${names[i]}${separator}` }));
  const tensors = modules.flatMap(({ theirs, module }) => Object.keys(module.shapes).map((one) => theirs + one));
  const repeated = tensors.filter((one, i) => tensors.indexOf(one) < i);
  if (repeated.length > 0) {
    throw refused(RangeError, `modules must have names of their own, got ${repeated.join(", ")} twice`);
  }
  return modules;
}

function failIfAny(problems: readonly string[], { name }: Framework, direction: "from" | "to"): void {
  if (problems.length === 0) return;
  throw new TypeError(`Cannot map weights ${direction} ${name}: ${problems.join("; ")}`);
}

/** Tensors of another framework as those of our model, by our names; throws a `TypeError` that lists all that does not fit. */
export function fromForeign(
  model: Layer,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  framework: Framework,
  options: FromForeignOptions,
): Map<string, SafetensorsInput> {
  const modules = modulesOf(model, { framework, direction: "from", options });
  const problems: string[] = [];
  const taken = new Set<string>();
  for (const { theirs, module } of modules) {
    for (const [name, shape] of Object.entries(module.shapes)) {
      const full = theirs + name;
      taken.add(full);
      const found = tensors.get(full);
      const problem = found === undefined ? "is missing" : problemOf(found, shape);
      if (problem !== undefined) problems.push(`${full} ${problem}`);
    }
  }
  for (const name of tensors.keys()) {
    if (taken.has(name) || (options.ignore !== undefined && name.search(options.ignore) >= 0)) continue;
    problems.push(`${name} belongs to no layer`);
  }
  failIfAny(problems, framework, "from");
  const parameters = model.parameters();
  const mapped = new Map<string, SafetensorsInput>();
  const firstOf = new Map<Parameter, string>();
  for (const { prefix, theirs, module } of modules) {
    const given = Object.fromEntries(
      Object.keys(module.shapes).map((name) => [name, tensors.get(theirs + name)!.data as Float32Array<ArrayBuffer>]),
    );
    for (const [name, data] of Object.entries(module.read(given))) {
      const full = prefix + name;
      const parameter = parameters[full];
      if (parameter === undefined) {
        problems.push(`${full} is no parameter of the model`);
        continue;
      }
      const { shape } = parameter;
      const problem = problemOf({ shape, data }, shape);
      if (problem !== undefined) problems.push(`${full} ${problem}`);
      const first = firstOf.get(parameter) ?? full;
      firstOf.set(parameter, first);
      if (mapped.get(first)?.data.some((value, i) => !Object.is(value, data[i]))) {
        problems.push(`${first} and ${full} are one parameter, and must be equal`);
      }
      // A copy: some are theirs as they are.
      mapped.set(full, { shape, data: data.slice() });
    }
  }
  failIfAny([...problems, ...left(parameters, mapped)], framework, "from");
  return mapped;
}

/** What is wrong with a tensor that should have a shape. */
function problemOf({ shape, dtype, data }: SafetensorsInput, expected: Shape): string | undefined {
  // Readers of other formats may give neither numbers nor a shape.
  if (!(data instanceof Float32Array)) {
    return `must be F32, got ${dtype ?? (data as object | null | undefined)?.constructor.name ?? "nothing"}`;
  }
  const got = Array.isArray(shape) ? formatShape(shape) : shape;
  if (got !== formatShape(expected)) return `must have shape ${formatShape(expected)}, got ${got}`;
  if (data.length !== sizeOf(expected)) return `must have ${sizeOf(expected)} elements, got ${data.length}`;
  return undefined;
}

/** The parameters that no module has. */
function left(parameters: NamedParameters, mapped: { has(name: string): boolean }): string[] {
  return Object.keys(parameters).filter((name) => !mapped.has(name)).map((name) => `${name} belongs to no module`);
}

/** The parameters of our model as tensors of another framework, by its names; throws a `TypeError` that lists what is left. */
export function toForeign(
  model: Layer,
  framework: Framework,
  options: ToForeignOptions,
): Map<string, SafetensorsInput> {
  const modules = modulesOf(model, { framework, direction: "to", options });
  const parameters = model.parameters();
  const problems: string[] = [];
  const tensors = new Map<string, SafetensorsInput>();
  const mapped = new Set<string>();
  for (const { prefix, theirs, module } of modules) {
    const written = module.write(ofLayer(parameters, prefix));
    for (const [name, shape] of Object.entries(module.shapes)) {
      const tensor = { shape, data: written[name]! };
      const problem = problemOf(tensor, shape);
      if (problem !== undefined) problems.push(`${theirs + name} ${problem}`);
      tensors.set(theirs + name, tensor);
    }
    for (const name of Object.keys(written)) {
      if (!Object.hasOwn(module.shapes, name)) problems.push(`${theirs + name} has no shape`);
    }
    if (problems.length > 0) continue;
    for (const name of Object.keys(module.read(written))) mapped.add(prefix + name);
  }
  if (problems.length === 0) problems.push(...left(parameters, mapped));
  failIfAny(problems, framework, "to");
  return tensors;
}

/** The numbers of a layer's parameters by their names in it. */
function ofLayer(parameters: NamedParameters, prefix: string): NamedArrays {
  return Object.fromEntries(
    Object.entries(parameters).filter(([name]) => name.startsWith(prefix))
      .map(([name, { data }]) => [name.slice(prefix.length), data.slice()]),
  );
}
