import type { DType, Tensor } from "@unfold/core";
import type { Layer } from "@unfold/layers";
import type { Batch, Loss } from "./batch.ts";

/** The loss of a batch; a model that carries its state lets it go where sequences start. */
export function lossOf<Y extends DType>(model: Layer, loss: Loss<Y>, { x, y, lengths, first }: Batch<Y>): Tensor {
  if (first) model.reset?.();
  return loss(model.forward(x, lengths === undefined ? {} : { lengths }), y);
}
