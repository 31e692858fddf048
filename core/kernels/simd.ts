// Vector building blocks shared by every kernel: fused multiply-add, partial loads and the transcendental functions.
// Polynomials are minimax fits (Lawson-weighted least squares) on the given ranges.

/**
 * Constants are in memory: the engine rebuilds an immediate at each use, with three instructions instead of one load. The
 * kernel build puts this data into the reserved start of the memory.
 */
const ONE: usize = memory.data<f32>([1]);
const TWO: usize = memory.data<f32>([2]);
const HALF: usize = memory.data<f32>([0.5]);
const MINUS_HALF: usize = memory.data<f32>([-0.5]);
/** 1/ln 2, then ln 2 in two parts, the first short enough for its product with an exponent to be exact. */
const LN2: usize = memory.data<f32>([1.4426950408889634, 0.693359375, -2.12194440e-4]);
/** (e^r − 1 − r)/r² for r within ±ln 2/2, and the bounds of the argument. */
const EXP: usize = memory.data<f32>([0.0013814539415761828, 0.00836874544620514, 0.04166838899254799, 0.1666652113199234, 0.4999999403953552]);
const EXP_RANGE: usize = memory.data<f32>([89, -104, 87, -87]);
/** Below the first, a gradient counts as vanished; below the second, a number is denormal. */
const TINY: usize = memory.data<f32>([1e-20, 1.17549435e-38]);
/** 2⁻⁸⁰ and 2⁻¹⁰²: adding and subtracting one rounds a value to multiples of 2⁻¹⁰⁴ or 2⁻¹²⁶ at the finest. */
const BALLAST: usize = memory.data<f32>([8.271806125530277e-25, 1.9721522630525295e-31]);
const EXPONENT_BIAS: usize = memory.data<i32>([127]);
/** 1.5·2²³ + 127: adding it rounds a value to an integer, in the low bits and with an exponent's bias. */
const ROUNDING: usize = memory.data<f32>([12583039]);
/** (tanh x − x)/x³ in x² for |x| below the last number. */
const TANH: usize = memory.data<f32>([-0.005657711531966925, 0.020598074421286583, -0.05372759327292442, 0.13331303000450134, -0.33333277702331543, 0.625]);
/** P and Q of tanh x = x·P(x²)/Q(x²) for |x| up to the last number, highest power first. */
const GATE_TANH: usize = memory.data<f32>([
  1.3354342520699447e-8, 2.0608846170944162e-5, 0.0034955735318362713, 0.1338101327419281, 1,
  7.776425832162204e-7, 0.0003285611164756119, 0.025876926258206367, 0.46714329719543457, 1,
  8.15,
]);
/** (ln(1 + f) − f + f²/2)/f³ for f within √½ − 1 … √2 − 1. */
const LOG: usize = memory.data<f32>([
  0.0674663856625557, -0.11675651371479034, 0.11888162791728973, -0.1240558922290802, 0.14219552278518677,
  -0.1666799634695053, 0.2000211924314499, -0.25000008940696716, 0.3333331346511841,
]);
/** (Φ(x) − ½)/x in x², for |x| below 0.75. */
const NORMAL_CENTRE: usize = memory.data<f32>([
  -8.368692760996055e-6, 0.00011475308565422893, -0.0011871267342939973, 0.009973529726266861, -0.06649038195610046, 0.3989422917366028,
]);
/** Φ(−x)·e^(x²/2)/u in u = 1/(1 + 0.3x), from x = 0.75 on. */
const NORMAL_TAIL: usize = memory.data<f32>([
  0.020806673914194107, -0.05183639004826546, -0.0009350147447548807, 0.05207620933651924, 0.03814439848065376, 0.09491265565156937,
  0.10730893909931183, 0.1198640912771225, 0.11967415362596512,
]);
const NORMAL_SPLIT: usize = memory.data<f32>([0.3, 0.75]);

/** Entry `index` of a table, in all lanes. */
@inline
function constant(table: usize, index: i32 = 0): v128 {
  return v128.load32_splat(table + (<usize>index << 2));
}

/** 1 in all lanes. */
@inline
export function one(): v128 {
  return constant(ONE);
}

/** The next coefficient of a polynomial by Horner's rule. */
@inline
function horner(sum: v128, x: v128, table: usize, index: i32): v128 {
  return madd(sum, x, constant(table, index));
}

/** a·b + c, rounded once with relaxed SIMD. */
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

/** Loads four values, or one into lane 0 if fewer than four are left. */
@inline
export function load(p: usize, whole: bool): v128 {
  return whole ? v128.load(p) : v128.load32_zero(p);
}

@inline
export function store(p: usize, x: v128, whole: bool): void {
  if (whole) v128.store(p, x);
  else v128.store32_lane(p, x, 0);
}

/** Zeroes negligible values: vanishing gradients would become denormals, which cost a hundred cycles each. NaN is kept. */
@inline
export function flush(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), constant(TINY)));
}

/** The second argument of `flushDenormals` for values that enter products. Call it outside the loop. */
@inline
export function ballast(): v128 {
  return constant(BALLAST);
}

/** The same for squares, which are only used under a root. */
@inline
export function ballastOfSquares(): v128 {
  return constant(BALLAST, 1);
}

/** Rounds negligible values to zero or a normal number: for state that decays towards zero step by step. NaN is kept. */
@inline
export function flushDenormals(x: v128, ballast: v128): v128 {
  return f32x4.sub(f32x4.add(x, ballast), ballast);
}

/** Sum of the four lanes. */
@inline
export function lanes(x: v128): f32 {
  return (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1)) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** Mantissa polynomial of exp: r in ±ln2/2, times 2^n. */
@inline
function expPolynomial(r: v128): v128 {
  let q = horner(constant(EXP), r, EXP, 1);
  q = horner(q, r, EXP, 2);
  q = horner(q, r, EXP, 3);
  q = horner(q, r, EXP, 4);
  // 1 is added last, so that the sum is rounded only once at full size.
  return f32x4.add(madd(f32x4.mul(r, r), q, r), one());
}

/** x − n·ln2, with ln2 in two parts so that the product with the first is exact. */
@inline
function reduceByLn2(x: v128, n: v128): v128 {
  return nmadd(n, constant(LN2, 2), nmadd(n, constant(LN2, 1), x));
}

@inline
function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, constant(EXPONENT_BIAS)), 23);
}

/** e^x over the whole f32 range: infinity above 88.73, denormals and zero below −87.3, NaN kept. */
export function exp4(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, constant(EXP_RANGE, 0)), constant(EXP_RANGE, 1));
  const n = f32x4.nearest(f32x4.mul(clamped, constant(LN2)));
  const p = expPolynomial(reduceByLn2(clamped, n));
  // 2^n may overflow even if the product does not, so scale in two halves.
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** e^x for the gates: x is clamped to ±87, where one scaling suffices. */
@inline
function expWithin87(x: v128): v128 {
  const clamped = f32x4.pmax(f32x4.pmin(x, constant(EXP_RANGE, 2)), constant(EXP_RANGE, 3));
  const rounded = madd(clamped, constant(LN2), constant(ROUNDING));
  const n = f32x4.sub(rounded, constant(ROUNDING));
  return f32x4.mul(expPolynomial(reduceByLn2(clamped, n)), i32x4.shl(rounded, 23));
}

/** 1 / (1 + e^−x). */
export function sigmoid4(x: v128): v128 {
  return f32x4.div(one(), f32x4.add(one(), exp4(f32x4.neg(x))));
}

/** The same for gates, a little faster: below −87 it is e^−87. */
@inline
export function gate4(x: v128): v128 {
  return f32x4.div(one(), f32x4.add(one(), expWithin87(f32x4.neg(x))));
}

/** tanh: x + x³·P(x²) below 0.625, 1 − 2/(e^2|x| + 1) above, so that small values keep their relative precision. */
@inline
export function tanh4(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  let p = horner(constant(TANH), z, TANH, 1);
  p = horner(p, z, TANH, 2);
  p = horner(p, z, TANH, 3);
  p = horner(p, z, TANH, 4);
  const small = madd(f32x4.mul(z, x), p, x);
  const e = expWithin87(f32x4.add(magnitude, magnitude));
  const large = f32x4.sub(one(), f32x4.div(constant(TWO), f32x4.add(e, one())));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.bitselect(small, v128.or(large, sign), f32x4.lt(magnitude, constant(TANH, 5)));
}

/**
 * The same for gates, in half the time: relatively within 4·10⁻⁷, never outside ±1, and exactly ±1 from |x| = 8.15 on, so that
 * a saturated gate has a slope of exactly 0.
 */
@inline
export function gateTanh4(x: v128): v128 {
  const top = constant(GATE_TANH, 10);
  const y = f32x4.pmax(f32x4.pmin(x, top), f32x4.neg(top));
  const z = f32x4.mul(y, y);
  let p = horner(constant(GATE_TANH), z, GATE_TANH, 1);
  let q = horner(constant(GATE_TANH, 5), z, GATE_TANH, 6);
  p = horner(p, z, GATE_TANH, 2);
  q = horner(q, z, GATE_TANH, 7);
  p = horner(p, z, GATE_TANH, 3);
  q = horner(q, z, GATE_TANH, 8);
  p = horner(p, z, GATE_TANH, 4);
  q = horner(q, z, GATE_TANH, 9);
  const limit = v128.or(one(), v128.and(x, i32x4.splat(0x80000000)));
  return v128.bitselect(limit, f32x4.div(f32x4.mul(y, p), q), f32x4.ge(f32x4.abs(x), top));
}

/** ln(1 + f) for f within √½ − 1 … √2 − 1, plus e·ln 2. */
@inline
function log1pSmall(f: v128, e: v128): v128 {
  let q = horner(constant(LOG), f, LOG, 1);
  q = horner(q, f, LOG, 2);
  q = horner(q, f, LOG, 3);
  q = horner(q, f, LOG, 4);
  q = horner(q, f, LOG, 5);
  q = horner(q, f, LOG, 6);
  q = horner(q, f, LOG, 7);
  q = horner(q, f, LOG, 8);
  const z = f32x4.mul(f, f);
  const tail = madd(f32x4.mul(z, f), q, madd(e, constant(LN2, 2), f32x4.mul(z, constant(MINUS_HALF))));
  return madd(e, constant(LN2, 1), f32x4.add(f, tail));
}

/** ln x over the whole f32 range, denormals included: −∞ at 0, NaN below. */
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, constant(TINY, 1));
  const scaled = v128.bitselect(f32x4.mul(x, splat(8388608)), x, tiny);
  const offset = i32x4.sub(scaled, i32x4.splat(0x3f3504f3));
  const exponent = i32x4.shr_s(offset, 23);
  const mantissa = i32x4.sub(scaled, i32x4.shl(exponent, 23));
  const e = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(splat(23), tiny));
  const y = log1pSmall(f32x4.sub(mantissa, one()), e);
  const finite = v128.bitselect(y, x, v128.and(f32x4.gt(x, splat(0)), f32x4.lt(x, splat(Infinity))));
  const zero = v128.bitselect(splat(-Infinity), finite, f32x4.eq(x, splat(0)));
  return v128.bitselect(splat(NaN), zero, f32x4.lt(x, splat(0)));
}

/** ln(1 + u) for u from 0 to 1, precise for small u. */
@inline
function log1pUnit(u: v128): v128 {
  const upper = f32x4.gt(u, splat(0.41421356));
  const halved = f32x4.mul(f32x4.sub(u, one()), constant(HALF));
  return log1pSmall(v128.bitselect(halved, u, upper), v128.and(one(), upper));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|). */
export function softplus4(x: v128): v128 {
  // The sum keeps NaN: pmax returns its first operand for NaN.
  return f32x4.add(f32x4.pmax(x, splat(0)), log1pUnit(exp4(f32x4.neg(f32x4.abs(x)))));
}

/** Φ(x), the normal distribution: ½ + x·P(x²) below 0.75, e^(−x²/2)·u·Q(u) with u = 1/(1 + 0.3|x|) in the tails. */
export function normalCdf4(x: v128): v128 {
  const z = f32x4.mul(x, x);
  let p = horner(constant(NORMAL_CENTRE), z, NORMAL_CENTRE, 1);
  p = horner(p, z, NORMAL_CENTRE, 2);
  p = horner(p, z, NORMAL_CENTRE, 3);
  p = horner(p, z, NORMAL_CENTRE, 4);
  p = horner(p, z, NORMAL_CENTRE, 5);
  const centre = madd(p, x, constant(HALF));
  const u = f32x4.div(one(), madd(constant(NORMAL_SPLIT), f32x4.abs(x), one()));
  let q = horner(constant(NORMAL_TAIL), u, NORMAL_TAIL, 1);
  q = horner(q, u, NORMAL_TAIL, 2);
  q = horner(q, u, NORMAL_TAIL, 3);
  q = horner(q, u, NORMAL_TAIL, 4);
  q = horner(q, u, NORMAL_TAIL, 5);
  q = horner(q, u, NORMAL_TAIL, 6);
  q = horner(q, u, NORMAL_TAIL, 7);
  q = horner(q, u, NORMAL_TAIL, 8);
  const tail = f32x4.mul(f32x4.mul(q, u), exp4(f32x4.mul(z, constant(MINUS_HALF))));
  const outer = v128.bitselect(tail, f32x4.sub(one(), tail), f32x4.lt(x, splat(0)));
  return v128.bitselect(centre, outer, f32x4.lt(f32x4.abs(x), constant(NORMAL_SPLIT, 1)));
}
