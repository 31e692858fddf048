import { CarriedState } from "../carried_state.ts";
import { Dropout } from "../dropout.ts";
import { LastStep } from "../last_step.ts";
import { Sequential } from "../sequential.ts";
import { dense } from "./_dense.ts";
import { embedding } from "./_embedding.ts";
import { lambda } from "./_lambda.ts";
import { layerNorm } from "./_layer_norm.ts";
import { recurrent } from "./_recurrent.ts";
import { Ops } from "./_ops.ts";
import type { LayerInterchange } from "./layer_interchange.ts";

const sequential: LayerInterchange<Sequential> = {
  of: Sequential,
  inner: ({ layers }) => layers.map((layer, index) => [String(index), layer] as const),
  onnx: ({ layers }, x, graph) => layers.reduce((value, layer, i) => graph.layer(layer, value, { name: `${i}` }), x),
};

const carriedState: LayerInterchange<CarriedState> = {
  of: CarriedState,
  inner: ({ layer }) => [["", layer]],
  onnx: ({ layer }, x, graph) => graph.layer(layer, x, { carries: true }),
};

const dropout: LayerInterchange<Dropout> = { of: Dropout, onnx: (_, x) => x };

const lastStep: LayerInterchange<LastStep> = {
  of: LastStep,
  onnx(layer, x, graph) {
    graph.check(layer, x, { shape: ["batch", "time", "features"] });
    const [batch, , features] = x.shape as [string, string, string];
    const { lengths } = graph;
    if (lengths === undefined) {
      return graph.node("Gather", [x, graph.integers(-1)], { shape: [batch, features], attributes: { axis: 1 } });
    }
    const ops = new Ops(graph);
    const last = graph.node("Sub", [ops.toInt64(lengths), graph.integers(1)], { shape: [batch], dtype: "i64" });
    const index = ops.unsqueeze(last, 1);
    return graph.node("GatherND", [x, index], { shape: [batch, features], attributes: { batch_dims: 1 } });
  },
};

/** What is known of Unfold's own layers. */
export const BUILT_IN: readonly LayerInterchange[] = [
  sequential,
  carriedState,
  ...recurrent,
  embedding,
  dense,
  layerNorm,
  lambda,
  dropout,
  lastStep,
];
