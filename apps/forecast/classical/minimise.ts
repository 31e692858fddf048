/** Values that are looked at before the search narrows down. */
const GRID = 12;
/** Steps of golden sections: each shrinks the interval by 0.618. */
const SECTIONS = 30;
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The place of the smallest value of a function of one variable: the best interval of a grid, then golden sections. */
export function minimiseOn(of: (x: number) => number, low: number, high: number): number {
  const step = (high - low) / GRID;
  let best = 0;
  let least = Infinity;
  for (let i = 0; i <= GRID; i++) {
    const value = of(low + i * step);
    if (value < least) [best, least] = [i, value];
  }
  let [a, b] = [low + Math.max(0, best - 1) * step, low + Math.min(GRID, best + 1) * step];
  let [x, y] = [b - GOLDEN * (b - a), a + GOLDEN * (b - a)];
  let [atX, atY] = [of(x), of(y)];
  for (let i = 0; i < SECTIONS; i++) {
    if (atX <= atY) {
      [b, y, atY] = [y, x, atX];
      x = b - GOLDEN * (b - a);
      atX = of(x);
    } else {
      [a, x, atX] = [x, y, atY];
      y = a + GOLDEN * (b - a);
      atY = of(y);
    }
  }
  // The ends themselves, which golden sections never reach.
  return [low, high, (a + b) / 2].reduce((best, x) => of(x) < of(best) ? x : best);
}

/** A point and its value. */
interface Vertex {
  readonly at: Float64Array;
  readonly value: number;
}

/**
 * The downhill simplex of Nelder and Mead (1965): a place where a function of a few variables is small, without its
 * gradient. NaN counts as infinite.
 *
 * @param of The function.
 * @param start A first guess.
 * @param options `steps` are the first steps along each axis, `evaluations` the most calls, `tolerance` the relative
 * difference of values at which it ends.
 */
export function minimise(
  of: (x: Float64Array) => number,
  start: Float64Array,
  { steps, evaluations = 200 * start.length, tolerance = 1e-8 }: {
    readonly steps: Float64Array;
    readonly evaluations?: number;
    readonly tolerance?: number;
  },
): Vertex {
  const n = start.length;
  let calls = 0;
  const vertex = (at: Float64Array): Vertex => {
    calls++;
    const value = of(at);
    return { at, value: Number.isNaN(value) ? Infinity : value };
  };
  const simplex = [vertex(start), ...Array.from(start, (x, i) => vertex(start.with(i, x + steps[i]!)))];
  while (calls < evaluations) {
    simplex.sort((a, b) => a.value - b.value);
    const [best, worst] = [simplex[0]!, simplex[n]!];
    if (worst.value - best.value <= tolerance * (Math.abs(best.value) + 1e-10)) break;
    const centre = new Float64Array(n);
    for (let k = 0; k < n; k++) for (let i = 0; i < n; i++) centre[i]! += simplex[k]!.at[i]! / n;
    const along = (factor: number) => vertex(centre.map((x, i) => x + factor * (worst.at[i]! - x)));
    const mirrored = along(-1);
    if (mirrored.value < best.value) {
      const further = along(-2);
      simplex[n] = further.value < mirrored.value ? further : mirrored;
    } else if (mirrored.value < simplex[n - 1]!.value) {
      simplex[n] = mirrored;
    } else {
      const nearer = along(mirrored.value < worst.value ? -0.5 : 0.5);
      if (nearer.value < Math.min(worst.value, mirrored.value)) simplex[n] = nearer;
      else {
        for (let k = 1; k <= n; k++) {
          simplex[k] = vertex(simplex[k]!.at.map((x, i) => (x + best.at[i]!) / 2));
        }
      }
    }
  }
  return simplex.reduce((best, one) => one.value < best.value ? one : best);
}
