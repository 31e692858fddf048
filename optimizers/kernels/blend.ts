import { load, madd, splat, store } from "../../core/kernels/simd";

/** x += share·(y − x), for averages of parameters. */
export function blend(x: usize, y: usize, n: i32, share: f32): void {
  const end = x + (<usize>n << 2);
  const s = splat(share);
  for (; x + 12 < end; x += 16, y += 16) v128.store(x, madd(s, f32x4.sub(v128.load(y), v128.load(x)), v128.load(x)));
  for (; x < end; x += 4, y += 4) store(x, madd(s, f32x4.sub(load(y, false), load(x, false)), load(x, false)), false);
}
