// Vector building blocks shared by every kernel: fused multiply-add, partial loads and the transcendental functions.
// Polynomials are minimax fits (Lawson-weighted least squares) on the ranges named beside them.

/** a·b + c, rounded once where relaxed SIMD has it. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b. */
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a, b, c);
  return f32x4.sub(c, f32x4.mul(a, b));
}

@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** Four values, or one value in lane 0 where fewer than four are left. */
@inline
export function load(p: usize, whole: bool): v128 {
  return whole ? v128.load(p) : v128.load32_zero(p);
}

@inline
export function store(p: usize, x: v128, whole: bool): void {
  if (whole) v128.store(p, x);
  else v128.store32_lane(p, x, 0);
}

/** Zeroes what is too small to matter: vanished gradients otherwise become denormals, a hundred cycles each. */
@inline
export function flush(x: v128): v128 {
  return v128.and(x, f32x4.gt(f32x4.abs(x), splat(1e-20)));
}

/** Zeroes denormals alone: for state that decays towards zero step by step. */
@inline
export function flushDenormals(x: v128): v128 {
  return v128.and(x, f32x4.ge(f32x4.abs(x), splat(1.17549435e-38)));
}

/** Sum of the four lanes. */
@inline
export function lanes(x: v128): f32 {
  return (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1)) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** Mantissa polynomial of exp: r in ±ln2/2, times 2^n. */
@inline
function expPolynomial(r: v128): v128 {
  let q = madd(splat(0.0013814539415761828), r, splat(0.00836874544620514));
  q = madd(q, r, splat(0.04166838899254799));
  q = madd(q, r, splat(0.1666652113199234));
  q = madd(q, r, splat(0.4999999403953552));
  // 1 comes last, so that the sum is rounded once at its size.
  return f32x4.add(madd(f32x4.mul(r, r), q, r), splat(1));
}

/** x − n·ln2 in two parts, so that the product with the first is exact. */
@inline
function reduceByLn2(x: v128, n: v128): v128 {
  return nmadd(n, splat(-2.12194440e-4), nmadd(n, splat(0.693359375), x));
}

@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** e^x over the whole f32 range: infinity above 88.73, denormals and zero below −87.3, NaN kept. */
export function exp4(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, splat(89)), splat(-104));
  const n = f32x4.nearest(f32x4.mul(clamped, splat(1.4426950408889634)));
  const p = expPolynomial(reduceByLn2(clamped, n));
  // 2^n may overflow although the product does not: scale in two halves.
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** e^x for the gates: x is held within ±87, where one scaling suffices. */
@inline
function expWithin87(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, splat(87)), splat(-87));
  const n = f32x4.nearest(f32x4.mul(clamped, splat(1.4426950408889634)));
  return f32x4.mul(expPolynomial(reduceByLn2(clamped, n)), powerOfTwo(i32x4.trunc_sat_f32x4_s(n)));
}

/** 1 / (1 + e^−x). */
@inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(splat(1), f32x4.add(splat(1), expWithin87(f32x4.neg(x))));
}

/** tanh: x + x³·P(x²) below 0.625, 1 − 2/(e^2|x| + 1) above, so that small values keep their relative precision. */
@inline
export function tanh4(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = madd(splat(-0.005657711531966925), z, splat(0.020598074421286583));
  p = madd(p, z, splat(-0.05372759327292442));
  p = madd(p, z, splat(0.13331303000450134));
  p = madd(p, z, splat(-0.33333277702331543));
  const small = madd(f32x4.mul(z, x), p, x);
  const e = expWithin87(f32x4.add(magnitude, magnitude));
  const large = f32x4.sub(splat(1), f32x4.div(splat(2), f32x4.add(e, splat(1))));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.bitselect(small, v128.or(large, sign), f32x4.lt(magnitude, splat(0.625)));
}

/** ln(1 + f) for f within √½ − 1 … √2 − 1, plus e·ln 2. */
@inline
function log1pSmall(f: v128, e: v128): v128 {
  let q = madd(splat(0.0674663856625557), f, splat(-0.11675651371479034));
  q = madd(q, f, splat(0.11888162791728973));
  q = madd(q, f, splat(-0.1240558922290802));
  q = madd(q, f, splat(0.14219552278518677));
  q = madd(q, f, splat(-0.1666799634695053));
  q = madd(q, f, splat(0.2000211924314499));
  q = madd(q, f, splat(-0.25000008940696716));
  q = madd(q, f, splat(0.3333331346511841));
  const z = f32x4.mul(f, f);
  const tail = madd(f32x4.mul(z, f), q, madd(e, splat(-2.12194440e-4), f32x4.mul(z, splat(-0.5))));
  return madd(e, splat(0.693359375), f32x4.add(f, tail));
}

/** ln x over the whole f32 range, denormals included: −∞ at 0, NaN below. */
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, splat(8388608)), x, tiny);
  const offset = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const exponent = i32x4.shr_s(offset, 23);
  const mantissa = i32x4.sub(scaled, i32x4.shl(exponent, 23));
  const e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(splat(23), tiny));
  const y = log1pSmall(f32x4.sub(mantissa, splat(1)), e);
  const finite = v128.bitselect(y, x, v128.and(f32x4.gt(x, splat(0)), f32x4.lt(x, splat(Infinity))));
  const zero = v128.bitselect(splat(-Infinity), finite, f32x4.eq(x, splat(0)));
  return v128.bitselect(splat(NaN), zero, f32x4.lt(x, splat(0)));
}

/** ln(1 + u) for u from 0 to 1, precise for small u. */
@inline
function log1pUnit(u: v128): v128 {
  const upper = f32x4.gt(u, splat(0.41421356));
  const halved = f32x4.mul(f32x4.sub(u, splat(1)), splat(0.5));
  return log1pSmall(v128.bitselect(halved, u, upper), v128.and(splat(1), upper));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|). */
export function softplus4(x: v128): v128 {
  // NaN is kept by the sum: pmax returns its first operand for one.
  return f32x4.add(f32x4.pmax(x, splat(0)), log1pUnit(exp4(f32x4.neg(f32x4.abs(x)))));
}

/** Φ(x), the normal distribution: ½ + x·P(x²) below 0.75, e^(−x²/2)·u·Q(u) with u = 1/(1 + 0.3|x|) in the tails. */
export function normalCdf4(x: v128): v128 {
  const z = f32x4.mul(x, x);
  let p = madd(splat(-8.368692760996055e-6), z, splat(0.00011475308565422893));
  p = madd(p, z, splat(-0.0011871267342939973));
  p = madd(p, z, splat(0.009973529726266861));
  p = madd(p, z, splat(-0.06649038195610046));
  p = madd(p, z, splat(0.3989422917366028));
  const centre = madd(p, x, splat(0.5));
  const u = f32x4.div(splat(1), madd(splat(0.3), f32x4.abs(x), splat(1)));
  let q = madd(splat(0.020806673914194107), u, splat(-0.05183639004826546));
  q = madd(q, u, splat(-0.0009350147447548807));
  q = madd(q, u, splat(0.05207620933651924));
  q = madd(q, u, splat(0.03814439848065376));
  q = madd(q, u, splat(0.09491265565156937));
  q = madd(q, u, splat(0.10730893909931183));
  q = madd(q, u, splat(0.1198640912771225));
  q = madd(q, u, splat(0.11967415362596512));
  const tail = f32x4.mul(f32x4.mul(q, u), exp4(f32x4.mul(z, splat(-0.5))));
  const outer = v128.bitselect(tail, f32x4.sub(splat(1), tail), f32x4.lt(x, splat(0)));
  return v128.bitselect(centre, outer, f32x4.lt(f32x4.abs(x), splat(0.75)));
}
