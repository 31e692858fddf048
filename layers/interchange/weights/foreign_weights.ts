import {
  formatShape,
  type NamedParameters,
  type Parameter,
  type SafetensorsInput,
  type Shape,
  sizeOf,
} from "@unfold/core";
import { describe, joined, listed, printable, quoted } from "@unfold/core/support";
import type { Layer } from "../../layer.ts";
import { entriesFor } from "../_built_in.ts";
import type { ForeignModule, KerasModule, LayerInterchange, NamedArrays } from "../layer_interchange.ts";

/** Options of {@linkcode toPyTorch} and {@linkcode toKeras}. */
export interface ToForeignOptions {
  /**
   * The names of the other framework's modules, one for each layer with parameters, in order: `["lstm", "head"]`. `""` stands for a
   * module whose tensor names have no prefix. The tensor names must be unique.
   *
   * @default {PyTorch: the indices in the Sequential, as in an nn.Sequential; Keras: layers/lstm, layers/lstm_1, …}
   */
  readonly modules?: readonly string[];
  /**
   * Entries for your own layer classes, or to replace ours: the first entry for a class counts.
   *
   * @default {[]}
   */
  readonly layers?: readonly LayerInterchange[];
}

/** Options of {@linkcode fromPyTorch} and {@linkcode fromKeras}. */
export interface FromForeignOptions extends ToForeignOptions {
  /**
   * Matches the names of tensors to ignore, such as those of an optimizer or of another part of the model. For Keras's files:
   * `/^optimizer\/|\/seed_generator\//`.
   *
   * @default {none: every tensor must belong to a layer}
   */
  readonly ignore?: RegExp;
}

/** Another framework and its naming. */
export interface Framework {
  readonly name: "PyTorch" | "Keras";
  /** Its hook in a {@linkcode LayerInterchange}. */
  readonly hook: "pytorch" | "keras";
  /** The separator between the names of a module and of a tensor in it. */
  readonly separator: string;
  /** The default names of modules. */
  namesOf(modules: readonly LayerModule[]): readonly string[];
}

/** A module of the framework for a layer of ours. */
interface LayerModule {
  /** The prefix of our parameters' names: `0.`. */
  readonly prefix: string;
  readonly layer: Layer;
  readonly module: ForeignModule & Partial<KerasModule>;
}

/** A module with its name. */
interface NamedModule extends LayerModule {
  /** The prefix of its tensors' names: `lstm.`. */
  readonly theirs: string;
}

/** A conversion of a model's weights. */
interface Conversion {
  readonly framework: Framework;
  readonly direction: "from" | "to";
  readonly options: ToForeignOptions;
}

/** Finds the modules for the layers of a model; throws a `TypeError` that lists the layers that have none. */
function findModules(model: Layer, { framework, direction, options }: Conversion): LayerModule[] {
  const { hook } = framework;
  const layers = entriesFor(model, options.layers, `map weights ${direction} ${framework.name}`);
  const found: LayerModule[] = [];
  const problems: string[] = [];
  const visit = (layer: Layer, prefix: string) => {
    const known = layers.filter(({ of }) => of === layer.constructor);
    const name = `${prefix.replace(/\.$/, " ")}${layer.constructor.name}`;
    const modules = known.find((entry) => entry[hook] !== undefined)?.[hook]?.(layer);
    if (typeof modules === "string") problems.push(`${name} cannot be mapped: ${modules}`);
    else if (modules !== undefined) {
      for (const module of [modules].flat()) found.push({ prefix, layer, module: module as LayerModule["module"] });
    } else {
      const inner = known.find((entry) => entry.inner !== undefined)?.inner?.(layer);
      for (const [key, part] of inner ?? []) visit(part, key === "" ? prefix : `${prefix}${key}.`);
      if (inner === undefined && Object.keys(layer.parameters()).length > 0) {
        problems.push(`${name} must have a LayerInterchange with a ${hook} hook; pass one in options.layers`);
      }
    }
  };
  visit(model, "");
  failIfAny(problems, framework, direction);
  return found;
}

/** The modules of a model with their names, which must be unique. */
function namedModules(model: Layer, conversion: Conversion): NamedModule[] {
  const { framework, direction, options } = conversion;
  const { name: theirName, separator } = framework;
  const found = findModules(model, conversion);
  const names = options.modules ?? framework.namesOf(found);
  const failure = (Kind: ErrorConstructor, problem: string) =>
    new Kind(`Cannot map weights ${direction} ${theirName}: ${problem}`);
  if (!Array.isArray(names) || !names.every((one) => typeof one === "string")) {
    throw failure(TypeError, `modules must be an array of names, got ${quoted(names)}`);
  }
  if (names.length !== found.length) {
    throw failure(RangeError, `modules must have ${found.length} names, got ${names.length}`);
  }
  const cut = names.find((one) => one.endsWith(separator));
  if (cut !== undefined) {
    throw failure(RangeError, `modules must be names without a trailing "${separator}", got ${quoted(cut)}`);
  }
  const modules = found.map((one, i) => ({ ...one, theirs: names[i] === "" ? "" : `${names[i]}${separator}` }));
  const tensors = modules.flatMap(({ theirs, module }) => Object.keys(module.shapes).map((one) => theirs + one));
  const repeated = tensors.filter((one, i) => tensors.indexOf(one) < i);
  if (repeated.length > 0) {
    throw failure(
      RangeError,
      `modules must give every tensor a unique name, got ${repeated.map((one) => printable(one)).join(", ")} twice`,
    );
  }
  return modules;
}

function failIfAny(problems: readonly string[], { name }: Framework, direction: "from" | "to"): void {
  if (problems.length === 0) return;
  throw new TypeError(`Cannot map weights ${direction} ${name}: ${joined(problems)}`);
}

/** Converts tensors of another framework to our model's parameters; throws a `TypeError` that lists all problems. */
export function fromForeign(
  model: Layer,
  tensors: ReadonlyMap<string, SafetensorsInput>,
  framework: Framework,
  options: FromForeignOptions,
): Map<string, SafetensorsInput> {
  const modules = namedModules(model, { framework, direction: "from", options });
  if (typeof tensors?.get !== "function" || typeof tensors.keys !== "function") {
    throw new TypeError(
      `Cannot map weights from ${framework.name}: tensors must be a Map of tensors by name, got ${describe(tensors)}`,
    );
  }
  const problems: string[] = [];
  const taken = new Set<string>();
  for (const { theirs, module } of modules) {
    for (const [name, shape] of Object.entries(module.shapes)) {
      const full = theirs + name;
      taken.add(full);
      const found = tensors.get(full);
      const problem = found === undefined ? "is missing" : problemOf(found, shape);
      if (problem !== undefined) problems.push(`${printable(full)} ${problem}`);
    }
  }
  const stray = [...tensors.keys()].filter((name) => {
    return !taken.has(name) && !(options.ignore !== undefined && name.search(options.ignore) >= 0);
  });
  for (const name of stray) problems.push(`${printable(name)} belongs to no layer`);
  const isAbsent = ({ theirs, module }: NamedModule) => {
    return Object.keys(module.shapes).every((name) => !tensors.has(theirs + name));
  };
  if (options.modules === undefined && stray.length > 0 && modules.some(isAbsent)) {
    problems.push(adviceOnModules(stray, modules.length, framework));
  }
  failIfAny(problems, framework, "from");
  const parameters = model.parameters();
  const namesOf = namesByParameter(parameters);
  const mapped = new Map<string, SafetensorsInput>();
  for (const { prefix, layer, theirs, module } of modules) {
    const given = Object.fromEntries(
      Object.keys(module.shapes).map((name) => [name, tensors.get(theirs + name)!.data as Float32Array<ArrayBuffer>]),
    );
    for (const [name, data] of Object.entries(module.read(given))) {
      const full = prefix + name;
      const parameter = layer.parameters()[name];
      const [first, ...others] = parameter === undefined ? [] : namesOf.get(parameter) ?? [];
      if (parameter === undefined || first === undefined) {
        problems.push(`${full} is not a parameter of the model`);
        continue;
      }
      const { shape } = parameter;
      const problem = problemOf({ shape, data }, shape);
      if (problem !== undefined) problems.push(`${full} ${problem}`);
      if (mapped.get(first)?.data.some((value, i) => !Object.is(value, data[i]))) {
        problems.push(`${first} and ${full} are the same parameter and must be equal`);
      }
      // A copy, since some modules return their input.
      for (const one of [first, ...others]) mapped.set(one, { shape, data: data.slice() });
    }
  }
  failIfAny([...problems, ...unmapped(parameters, mapped)], framework, "from");
  return mapped;
}

/** The names of each parameter of a model: several if layers share it. */
function namesByParameter(parameters: NamedParameters): ReadonlyMap<Parameter, readonly string[]> {
  return Map.groupBy(Object.keys(parameters), (name) => parameters[name]!);
}

/** What to try if a whole module is missing: usually the modules of the other model have names. */
function adviceOnModules(stray: readonly string[], count: number, { hook, separator }: Framework): string {
  const prefixes = [...new Set(stray.map((name) => name.slice(0, Math.max(0, name.lastIndexOf(separator)))))];
  const isListed = hook === "pytorch" && prefixes.length <= 8;
  const found = isListed ? `; the tensors' modules are ${listed(prefixes)}` : "";
  return `pass the names of its ${count} modules in options.modules, in the order of the layers${found}`;
}

/** Why a tensor does not have the expected type and shape, or undefined if it does. */
function problemOf({ shape, dtype, data }: SafetensorsInput, expected: Shape): string | undefined {
  // Readers of other formats may return neither data nor a shape.
  if (!(data instanceof Float32Array)) {
    return `must be F32, got ${printable(dtype ?? (data as object | null | undefined)?.constructor.name ?? "nothing")}`;
  }
  const got = Array.isArray(shape) ? formatShape(shape) : shape;
  if (got !== formatShape(expected)) return `must have shape ${formatShape(expected)}, got ${printable(String(got))}`;
  if (data.length !== sizeOf(expected)) return `must have ${sizeOf(expected)} elements, got ${data.length}`;
  return undefined;
}

/** Problems for the parameters that no module covers. */
function unmapped(parameters: NamedParameters, mapped: { has(name: string): boolean }): string[] {
  return Object.keys(parameters).filter((name) => !mapped.has(name)).map((name) => `${name} belongs to no module`);
}

/** Converts our model's parameters to tensors of another framework; throws a `TypeError` that lists all problems. */
export function toForeign(
  model: Layer,
  framework: Framework,
  options: ToForeignOptions,
): Map<string, SafetensorsInput> {
  const modules = namedModules(model, { framework, direction: "to", options });
  const parameters = model.parameters();
  const problems: string[] = [];
  const tensors = new Map<string, SafetensorsInput>();
  const namesOf = namesByParameter(parameters);
  const mapped = new Set<string>();
  for (const { layer, theirs, module } of modules) {
    const own = layer.parameters();
    const written = module.write(copiesOf(own));
    for (const [name, shape] of Object.entries(module.shapes)) {
      const tensor = { shape, data: written[name]! };
      const problem = problemOf(tensor, shape);
      if (problem !== undefined) problems.push(`${theirs + name} ${problem}`);
      tensors.set(theirs + name, tensor);
    }
    for (const name of Object.keys(written)) {
      if (!Object.hasOwn(module.shapes, name)) problems.push(`${theirs + name} has no declared shape`);
    }
    if (problems.length > 0) continue;
    for (const name of Object.keys(module.read(written))) {
      const parameter = own[name];
      for (const one of parameter === undefined ? [] : namesOf.get(parameter) ?? []) mapped.add(one);
    }
  }
  if (problems.length === 0) problems.push(...unmapped(parameters, mapped));
  failIfAny(problems, framework, "to");
  return tensors;
}

/** Copies of a layer's parameters by their names in the layer. */
function copiesOf(parameters: NamedParameters): NamedArrays {
  return Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data.slice()]));
}
