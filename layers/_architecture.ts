import type { DescribeLayer, Layer, LayerArchitecture } from "./layer.ts";

/** The type that refers to a layer described before. */
export const SAME = "Same";

/**
 * Makes a function that describes the layers of one model. A layer that comes up a second time becomes a reference to the first
 * time, so that it is built once.
 */
export function describer(): DescribeLayer {
  const described = new Map<Layer, { type: string; id?: number }>();
  let references = 0;
  const describe = (layer: Layer): LayerArchitecture => {
    const first = described.get(layer);
    if (first !== undefined) return { type: SAME, id: first.id ??= references++ };
    if (layer.architecture === undefined) {
      throw new TypeError(
        `Cannot describe ${layer.constructor.name}: it must have an architecture() method that returns its type and options`,
      );
    }
    const architecture = { ...layer.architecture(describe) };
    described.set(layer, architecture);
    return architecture;
  };
  return describe;
}

/** The architecture of one of our layers. A subclass may compute something else, so it must describe itself. */
export function architectureFor(
  layer: Layer,
  of: abstract new (...args: never) => Layer,
  architecture: LayerArchitecture,
): LayerArchitecture {
  if (layer.constructor === of) return architecture;
  throw new TypeError(
    `Cannot describe ${layer.constructor.name}: it must have its own architecture() method, since it extends ${architecture.type}`,
  );
}
