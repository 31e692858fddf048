import { kernels } from "../_kernels.ts";
import type { Tensor } from "../tensor.ts";
import { unaryOp } from "./_unary.ts";

/**
 * Gaussian error linear unit, elementwise: y = x·Φ(x), ∂y/∂x = Φ(x) + x·φ(x), with the normal
 * distribution Φ and its density φ. Exact, not the tanh approximation (Hendrycks and Gimpel, 2016).
 *
 * @example
 * ```ts
 * import { gelu, tensor } from "@unfold/core";
 * import assert from "node:assert/strict";
 *
 * assert.ok(Math.abs(gelu(tensor([1])).item() - 0.8413447) < 1e-6);
 * ```
 */
export const gelu: (x: Tensor) => Tensor = unaryOp("gelu", kernels.gelu, kernels.geluGradient, "input");
