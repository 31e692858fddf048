import { lanes, madd, splat } from "./simd";

/**
 * Twelve independent chains of multiply-adds without memory access: 96·rounds operations at the engine's peak. The values are
 * arguments because the engine rebuilds a constant at each use.
 */
export function multiplyAddPeak(rounds: i32, factor: f32, summand: f32): f32 {
  const a = splat(factor), b = splat(summand);
  let s0 = b, s1 = b, s2 = b, s3 = b, s4 = b, s5 = b, s6 = b, s7 = b, s8 = b, s9 = b, s10 = b, s11 = b;
  for (let i = 0; i < rounds; i++) {
    s0 = madd(s0, a, b);
    s1 = madd(s1, a, b);
    s2 = madd(s2, a, b);
    s3 = madd(s3, a, b);
    s4 = madd(s4, a, b);
    s5 = madd(s5, a, b);
    s6 = madd(s6, a, b);
    s7 = madd(s7, a, b);
    s8 = madd(s8, a, b);
    s9 = madd(s9, a, b);
    s10 = madd(s10, a, b);
    s11 = madd(s11, a, b);
  }
  s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  s4 = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
  return lanes(f32x4.add(f32x4.add(s0, s4), f32x4.add(f32x4.add(s8, s9), f32x4.add(s10, s11))));
}
