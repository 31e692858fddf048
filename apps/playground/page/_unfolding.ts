import type { Unfolding } from "../worker/unfold_network.ts";

const excerpt = { rows: 1, columns: 1, values: new Float32Array(1), shape: [1, 1] } as const;

/** An unfolded network for tests: two input features, three state features, one output. */
export function unfolding(gradients: readonly number[], { layers = 2, label = "x" } = {}): Unfolding {
  return {
    steps: gradients.map((gradient, t) => ({
      input: { label, values: Float32Array.of(t, -0.5) },
      states: Array.from({ length: layers }, (_, layer) => Float32Array.of(layer - 3, 1, 0)),
      output: { label, values: Float32Array.of(0.25) },
      gradient,
    })),
    inputWeight: excerpt,
    recurrentWeights: Array.from({ length: layers }, () => excerpt),
    outputWeight: excerpt,
    gate: undefined,
    switchedOff: false,
    sizes: { input: 2, state: 3, output: 1 },
    loss: 1,
  };
}
