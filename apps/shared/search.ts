import { Random } from "@unfold/core";

/** A setting to search over: some values, or all numbers between two, spread evenly over their logarithms. */
export type Choice = readonly unknown[] | { readonly from: number; readonly to: number };

/** Settings to search over, by name. */
export type SearchSpace = Readonly<Record<string, Choice>>;

/** A point of a space. */
export type Point<Space extends SearchSpace> = {
  readonly [Name in keyof Space]: Space[Name] extends readonly (infer Value)[] ? Value : number;
};

/** An endless sequence of points for a random search (Bergstra and Bengio, 2012), the same for the same seed. */
export function* pointsOf<const Space extends SearchSpace>(
  space: Space,
  seed: number,
): Generator<Point<Space>, never, undefined> {
  const random = new Random(seed);
  const draw = (choice: Choice) => {
    if (Array.isArray(choice)) return choice[random.integer(choice.length)];
    const { from, to } = choice as { from: number; to: number };
    return Number((10 ** random.uniform(Math.log10(from), Math.log10(to))).toPrecision(2));
  };
  while (true) {
    yield Object.fromEntries(Object.entries(space).map(([name, choice]) => [name, draw(choice)])) as Point<Space>;
  }
}

/** A mean and a sample standard deviation. */
export interface Spread {
  readonly mean: number;
  /** Undefined for a single value. */
  readonly deviation?: number;
}

/** The mean and the standard deviation of some values. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, ...(values.length > 1 && { deviation: Math.sqrt(squares / (values.length - 1)) }) };
}
