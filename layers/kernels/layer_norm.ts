// Layer normalisation over rows of n numbers.

/** Σ x and Σ x² about a row's mean are summed in f64: the variance of large numbers close together is small. */
export function layerNormForward(
  x: usize, weight: usize, bias: usize, y: usize, normal: usize, scales: usize, rows: i32, n: i32, eps: f32,
): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++, x += bytes, y += bytes, normal += bytes, scales += 4) {
    let total: f64 = 0;
    for (let i: usize = 0; i < bytes; i += 4) total += load<f32>(x + i);
    const mean = total / n;
    let squares: f64 = 0;
    for (let i: usize = 0; i < bytes; i += 4) {
      const distance = load<f32>(x + i) - mean;
      squares += distance * distance;
    }
    const scale = 1 / sqrt<f64>(squares / n + eps);
    store<f32>(scales, <f32>scale);
    for (let i: usize = 0; i < bytes; i += 4) {
      const value = <f32>((load<f32>(x + i) - mean) * scale);
      store<f32>(normal + i, value);
      store<f32>(y + i, value * load<f32>(weight + i) + load<f32>(bias + i));
    }
  }
}

/** dx = scale·(g·dy − mean(g·dy) − x̂·mean(g·dy·x̂)); dWeight += Σ dy·x̂. */
export function layerNormBackward(
  dy: usize, weight: usize, normal: usize, scales: usize, dx: usize, dWeight: usize, rows: i32, n: i32,
): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++, dy += bytes, normal += bytes, dx += bytes, scales += 4) {
    let total: f64 = 0, along: f64 = 0;
    for (let i: usize = 0; i < bytes; i += 4) {
      const d = load<f32>(dy + i), value = load<f32>(normal + i);
      const weighted: f64 = d * load<f32>(weight + i);
      total += weighted;
      along += weighted * value;
      store<f32>(dWeight + i, load<f32>(dWeight + i) + d * value);
    }
    const mean = total / n, slope = along / n, scale = load<f32>(scales);
    for (let i: usize = 0; i < bytes; i += 4) {
      const weighted: f64 = load<f32>(dy + i) * load<f32>(weight + i);
      store<f32>(dx + i, <f32>(scale * (weighted - mean - load<f32>(normal + i) * slope)));
    }
  }
}
