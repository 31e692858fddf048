// Layer normalization over rows of n values. A stride is the bytes from one row to the next.

import { sum, sumOfSquares } from "../../core/kernels/reduce";
import { lanes, load as load4, madd, nmadd, splat, store as store4 } from "../../core/kernels/simd";

/**
 * y = weight·x̂ + bias with x̂ = (x − mean)/√(variance + eps). Saves x̂ with the stride of x. x̂ may be x; y may be x or bias.
 */
export function layerNormForward(
  x: usize, xStride: usize, weight: usize, bias: usize, biasStride: usize, y: usize, yStride: usize, normal: usize, scales: usize,
  rows: i32, n: i32, eps: f32,
): void {
  for (let row = 0; row < rows; row++, x += xStride, normal += xStride, bias += biasStride, y += yStride, scales += 4) {
    // Subtracts the mean in two passes, so that large values that are close together keep their precision, and equal ones
    // come out as exactly 0.
    const most = <f32>(sum(x, n) / n);
    const end = <usize>n << 2;
    let i: usize = 0;
    for (; i + 12 < end; i += 16) v128.store(normal + i, f32x4.sub(v128.load(x + i), splat(most)));
    for (; i < end; i += 4) store<f32>(normal + i, load<f32>(x + i) - most);
    const rest = sum(normal, n) / n;
    const scale = <f32>(1 / sqrt<f64>(max(sumOfSquares(normal, n) / n - rest * rest, 0) + eps));
    store<f32>(scales, scale);
    for (i = 0; i + 12 < end; i += 16) scaleLanes(normal + i, <f32>rest, scale, weight + i, bias + i, y + i, true);
    for (; i < end; i += 4) scaleLanes(normal + i, <f32>rest, scale, weight + i, bias + i, y + i, false);
  }
}

@inline
function scaleLanes(normal: usize, mean: f32, scale: f32, weight: usize, bias: usize, y: usize, whole: bool): void {
  const value = f32x4.mul(f32x4.sub(load4(normal, whole), splat(mean)), splat(scale));
  store4(normal, value, whole);
  store4(y, madd(value, load4(weight, whole), load4(bias, whole)), whole);
}

/** dx = scale·(g·dy − mean(g·dy) − x̂·mean(g·dy·x̂)) with the weight g; dWeight += Σ dy·x̂. dx may be dy. */
export function layerNormBackward(
  dy: usize, dyStride: usize, weight: usize, normal: usize, scales: usize, dx: usize, dxStride: usize, dWeight: usize,
  rows: i32, n: i32,
): void {
  const end = <usize>n << 2;
  for (let row = 0; row < rows; row++, dy += dyStride, normal += dxStride, dx += dxStride, scales += 4) {
    let total = splat(0), along = splat(0);
    let i: usize = 0;
    for (; i + 12 < end; i += 16) {
      const d = v128.load(dy + i), value = v128.load(normal + i);
      const weighted = f32x4.mul(d, v128.load(weight + i));
      total = f32x4.add(total, weighted);
      along = madd(weighted, value, along);
      v128.store(dWeight + i, madd(d, value, v128.load(dWeight + i)));
    }
    let mean = lanes(total), slope = lanes(along);
    for (; i < end; i += 4) {
      const d = load<f32>(dy + i), value = load<f32>(normal + i);
      const weighted = d * load<f32>(weight + i);
      mean += weighted;
      slope += weighted * value;
      store<f32>(dWeight + i, load<f32>(dWeight + i) + d * value);
    }
    mean /= <f32>n;
    slope /= <f32>n;
    const scale = load<f32>(scales);
    for (i = 0; i + 12 < end; i += 16) backLanes(dy + i, weight + i, normal + i, dx + i, mean, slope, scale, true);
    for (; i < end; i += 4) backLanes(dy + i, weight + i, normal + i, dx + i, mean, slope, scale, false);
  }
}

@inline
function backLanes(dy: usize, weight: usize, normal: usize, dx: usize, mean: f32, slope: f32, scale: f32, whole: bool): void {
  const weighted = f32x4.sub(f32x4.mul(load4(dy, whole), load4(weight, whole)), splat(mean));
  store4(dx, f32x4.mul(nmadd(load4(normal, whole), splat(slope), weighted), splat(scale)), whole);
}
