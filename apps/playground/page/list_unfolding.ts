import type { Excerpt, Unfolding } from "../worker/unfold_network.ts";
import { largest } from "./figure.ts";
import { format } from "./format.ts";

/** A table: what its columns are called, and its rows. */
interface Listing {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All that the figure shows as numbers: the values of each time step, and how large the weights are. */
export function listUnfolding(unfolding: Unfolding): { readonly steps: Listing; readonly weights: Listing } {
  const { steps, inputWeight, recurrentWeights, outputWeight, gate } = unfolding;
  const list = (values: Iterable<number>) => Array.from(values, (value) => format(value, 2)).join(" ");
  const of = gate === undefined ? "" : ` of gate ${gate}`;
  const weight = (name: string, { rows, columns, shape, values }: Excerpt) => [
    name,
    shape.join(" × "),
    `${rows} × ${columns}`,
    format(largest(values), 2),
  ];
  return {
    steps: {
      head: ["t", "‖∂loss/∂s_t‖", "x_t", "h_t", "s_t"],
      rows: steps.map(({ input, states, output, gradient }, t) => [
        String(t + 1),
        format(gradient, 2),
        `${input.label}: ${list(input.values)}`,
        `${output.label}: ${list(output.values)}`,
        states.map(list).join("; "),
      ]),
    },
    weights: {
      head: ["weights", "size", "drawn, its first", "largest of these"],
      rows: [
        weight(`U${of}`, inputWeight),
        ...recurrentWeights.map((matrix, layer) =>
          weight(`W${of}${recurrentWeights.length > 1 ? `, layer ${layer + 1}` : ""}`, matrix)
        ),
        weight("V", outputWeight),
      ],
    },
  };
}
