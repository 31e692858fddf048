import type { Random } from "@unfold/core";
import { quoted } from "../../shared/printable.ts";
import type { LabelledText } from "./labelled_text.ts";

/** The rows of texts in each part. */
export type Split = Readonly<Record<"train" | "validation" | "test", readonly number[]>>;

/**
 * Shuffles the texts into parts with the same share of each class, every class in every part. Identical texts go to the
 * same part.
 *
 * @param shares The fractions of the texts for choosing the epoch and for testing.
 * @throws {RangeError} If a class is too small for the shares.
 */
export function splitTexts(
  { texts, labels, name }: LabelledText,
  { validation, test }: { readonly validation: number; readonly test: number },
  random: Random,
): Split {
  const rows = Map.groupBy(texts.keys(), (row) => texts[row]!);
  const groups = [...rows.values()];
  const order = Array.from(random.permutation(groups.length), (index) => groups[index]!);
  const classes = [...Map.groupBy(order, ([row]) => labels[row!]!).values()];
  const sizes = classes.map(({ length }) => length);
  const parts = { train: [] as number[][], validation: [] as number[][], test: [] as number[][] };
  const [tests, validations] = [apportion(sizes, test), apportion(sizes, validation)];
  classes.forEach((groups, i) => {
    const rest = groups.length - tests[i]! - validations[i]!;
    if (rest < 1) {
      throw new RangeError(
        `Cannot train on ${name}: the class ${quoted(labels[groups[0]![0]!]!)} must have more than ` +
          `${tests[i]! + validations[i]!} different texts (${validations[i]} for validation, ` +
          `${tests[i]} for testing), got ` +
          `${groups.length}; add texts, or make --validation and --test smaller`,
      );
    }
    parts.train.push(groups.slice(0, rest).flat());
    parts.validation.push(groups.slice(rest, rest + validations[i]!).flat());
    parts.test.push(groups.slice(rest + validations[i]!).flat());
  });
  return { train: parts.train.flat(), validation: parts.validation.flat(), test: parts.test.flat() };
}

/** A share of each of some sizes, at least 1, that add up to the share of them all (largest remainders). */
function apportion(sizes: readonly number[], share: number): number[] {
  const total = Math.round(share * sizes.reduce((a, b) => a + b, 0));
  const counts = sizes.map((size) => Math.max(1, Math.floor(share * size)));
  const left = sizes.map((size, i) => ({ i, rest: share * size - counts[i]! })).sort((a, b) => b.rest - a.rest);
  for (let sum = counts.reduce((a, b) => a + b, 0), at = 0; sum < total && at < left.length; sum++, at++) {
    counts[left[at]!.i]!++;
  }
  return counts;
}
