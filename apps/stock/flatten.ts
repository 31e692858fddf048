import { type NamedParameters, reshape, type Tensor } from "@unfold/core";
import type { Layer } from "@unfold/layers";

/** A window's days side by side: [batch, window, features] → [batch, window·features]. */
export class Flatten implements Layer {
  parameters(): NamedParameters {
    return {};
  }

  forward(x: Tensor): Tensor {
    const [batch, window, features] = x.shape as [number, number, number];
    return reshape(x, [batch, window * features]);
  }
}
