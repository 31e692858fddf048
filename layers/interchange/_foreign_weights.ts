import { formatShape, type NamedParameters, type SafetensorsInput, sizeOf } from "@unfold/core";
import type { Layer } from "../layer.ts";
import { BUILT_IN } from "./_built_in.ts";
import type { ForeignModule, KerasModule, NamedArrays } from "./layer_interchange.ts";
import type { FromForeignOptions, ToForeignOptions } from "./mapping_options.ts";

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
export interface LayerModule {
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
  if (names.length !== found.length) {
    throw new RangeError(
      `Cannot map weights ${direction} ${theirName}: modules must name ${found.length} of its modules, got ${names.length}`,
    );
  }
  return found.map((one, i) => ({ ...one, theirs: names[i] === "" ? "" : `${names[i]}${separator}` }));
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
      if (found === undefined) problems.push(`${full} is missing`);
      else if (!(found.data instanceof Float32Array)) {
        problems.push(`${full} must be F32, got ${found.dtype ?? found.data.constructor.name}`);
      } else if (formatShape(found.shape) !== formatShape(shape)) {
        problems.push(`${full} must have shape ${formatShape(shape)}, got ${formatShape(found.shape)}`);
      } else if (found.data.length !== sizeOf(shape)) {
        problems.push(`${full} must have ${sizeOf(shape)} elements, got ${found.data.length}`);
      }
    }
  }
  for (const name of tensors.keys()) {
    if (taken.has(name) || (options.ignore !== undefined && name.search(options.ignore) >= 0)) continue;
    problems.push(`${name} belongs to no layer`);
  }
  failIfAny(problems, framework, "from");
  const parameters = model.parameters();
  return new Map(modules.flatMap(({ prefix, theirs, module }) => {
    const given = Object.fromEntries(
      Object.keys(module.shapes).map((name) => [name, tensors.get(theirs + name)!.data as Float32Array<ArrayBuffer>]),
    );
    return Object.entries(module.read(given)).map(([name, data]) => {
      const full = prefix + name;
      // A copy: some are theirs as they are. What is no parameter loadParameters will tell.
      return [full, { shape: parameters[full]?.shape ?? [data.length], data: data.slice() }] as const;
    });
  }));
}

/** The parameters of our model as tensors of another framework, by its names. */
export function toForeign(
  model: Layer,
  framework: Framework,
  options: ToForeignOptions,
): Map<string, SafetensorsInput> {
  const modules = modulesOf(model, { framework, direction: "to", options });
  const parameters = model.parameters();
  return new Map(modules.flatMap(({ prefix, theirs, module }) => {
    const written = module.write(ofLayer(parameters, prefix));
    return Object.entries(module.shapes).map(([name, shape]) =>
      [theirs + name, { shape, data: written[name]! }] as const
    );
  }));
}

/** The numbers of a layer's parameters by their names in it. */
function ofLayer(parameters: NamedParameters, prefix: string): NamedArrays {
  return Object.fromEntries(
    Object.entries(parameters).filter(([name]) => name.startsWith(prefix))
      .map(([name, { data }]) => [name.slice(prefix.length), data.slice()]),
  );
}
