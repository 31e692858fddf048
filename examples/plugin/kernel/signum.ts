// AssemblyScript. A kernel takes byte offsets into the memory it imports, and must keep no data of its own there: no constants
// in memory, no strings, no allocations.

/** Four lanes: p − rate·sign(m); NaN is kept. */
@inline
function step(p: v128, m: v128, rate: v128, one: v128): v128 {
  const signed = v128.or(v128.and(m, i32x4.splat(0x80000000)), one);
  const direction = v128.bitselect(m, signed, f32x4.eq(f32x4.abs(m), f32x4.splat(0)));
  return f32x4.sub(p, f32x4.mul(rate, v128.bitselect(direction, m, f32x4.eq(m, m))));
}

export function signum(params: usize, grads: usize, momentum: usize, count: i32, rate: f32, beta: f32): void {
  const end = params + (<usize>count << 2);
  const b = f32x4.splat(beta), share = f32x4.splat(1 - beta), r = f32x4.splat(rate), one = f32x4.splat(1);
  for (; params + 12 < end; params += 16, grads += 16, momentum += 16) {
    const g = v128.load(grads);
    const m = f32x4.add(f32x4.mul(b, v128.load(momentum)), f32x4.mul(share, g));
    v128.store(momentum, m);
    v128.store(params, step(v128.load(params), m, r, one));
  }
  for (; params < end; params += 4, grads += 4, momentum += 4) {
    const g = v128.load32_zero(grads);
    const m = f32x4.add(f32x4.mul(b, v128.load32_zero(momentum)), f32x4.mul(share, g));
    v128.store32_lane(momentum, m, 0);
    v128.store32_lane(params, step(v128.load32_zero(params), m, r, one), 0);
  }
}
