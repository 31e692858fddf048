import type { Framework } from "./_foreign_weights.ts";

/** Modules by their places in an `nn.Sequential`. */
export const PYTORCH: Framework = {
  name: "PyTorch",
  hook: "pytorch",
  separator: ".",
  namesOf: (modules) => modules.map(({ prefix }) => prefix.replace(/\.$/, "")),
};

/** Layers as a `.weights.h5` file numbers them: `layers/lstm`, `layers/lstm_1`. */
export const KERAS: Framework = {
  name: "Keras",
  hook: "keras",
  separator: "/",
  namesOf(modules) {
    const counts = new Map<string, number>();
    return modules.map(({ module: { name = "" } }) => {
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      return `layers/${name}${count === 0 ? "" : `_${count}`}`;
    });
  },
};
