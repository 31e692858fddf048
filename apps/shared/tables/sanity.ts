import { type Note, warning } from "./table.ts";

/** Whole numbers up to which ratios are taken for splits. */
const MOST_PARTS = 50;
/** Closes in a row without a move that are worth a word. */
const LONG_STRETCH = 10;
/** Odd places of one kind that are named one by one. */
const MOST_NAMED = 5;

const shown = (value: number) => String(Number(value.toPrecision(8)));

/** The usual size of a log return: the median's, which a few jumps do not move. Of many, some are enough. */
function usualMove(returns: Float64Array): number {
  const step = Math.ceil(returns.length / 20_000);
  const sizes = returns.filter((value, i) => i % step === 0 && value !== 0).map(Math.abs).sort();
  return (sizes[sizes.length >> 1] ?? 0) / 0.6745;
}

/**
 * Looks for what prices do not do by themselves: splits, changes of unit, long stretches without a move, weekends that
 * repeat a Friday.
 *
 * @param values Prices in order of time.
 * @param labels Their dates, as messages show them.
 */
export function oddities(values: Float64Array, labels: readonly string[], file: string): Note[] {
  const notes = [...jumps(values, labels, file)];
  const stretch = longestStretch(values);
  if (stretch.length >= LONG_STRETCH && values.length > 2 * LONG_STRETCH) {
    notes.push(warning(
      `${file}: the value stays ${shown(values[stretch.start]!)} for ${stretch.length} rows from ` +
        `${labels[stretch.start]}; ` +
        "missing values may have been filled in",
    ));
  }
  return notes;
}

function longestStretch(values: Float64Array): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0, at = 1; at <= values.length; at++) {
    if (values[at] === values[start]) continue;
    if (at - start > best.length) best = { start, length: at - start };
    start = at;
  }
  return best;
}

function jumps(values: Float64Array, labels: readonly string[], file: string): Note[] {
  if (values.some((value) => value <= 0)) return [];
  const returns = values.slice(1).map((value, i) => Math.log(value / values[i]!));
  const usual = usualMove(returns);
  const found: { text: string; size: number }[] = [];
  returns.forEach((move, i) => {
    const size = Math.abs(move);
    // What a step moves, jumps aside, or the rounding of a split.
    if (size < Math.max(0.35, 10 * usual)) return;
    const [before, after] = [values[i]!, values[i + 1]!];
    const slack = Math.max(0.03, Math.min(4 * usual, 0.12));
    const from = `${file}: on ${labels[i + 1]} the price goes from ${shown(before)} to ${shown(after)}`;
    const power = Math.round(size / Math.LN10);
    if (power >= 2 && Math.abs(size - power * Math.LN10) <= slack) {
      const unit = `a change of unit by ${(10 ** power).toLocaleString("en")} would make it`;
      found.push({ size, text: `${from}, as ${unit}; bring all rows to one unit` });
      return;
    }
    const ratio = Math.exp(size);
    // 3:2 is the one split that is usual besides whole ones.
    const candidates: readonly [number, number][] = [[3, 2], [Math.round(ratio), 1]];
    const [parts, of] = candidates.find(([parts, of]) =>
      parts >= 2 && parts <= MOST_PARTS && Math.abs(size - Math.log(parts / of)) <= slack
    ) ?? [0, 1];
    if (parts === 0) {
      return;
    }
    const kind = after < before ? `${parts}:${of}` : `${of}:${parts}`;
    found.push({
      size,
      text:
        `${from}, as a split of ${kind} would make it; adjusted prices have no such jumps (--column "Adj Close", if it has that)`,
    });
  });
  const named = found.slice(0, MOST_NAMED).map(({ text }) => warning(text));
  return found.length > MOST_NAMED
    ? [...named, warning(`${file}: and ${found.length - MOST_NAMED} more jumps of that kind`)]
    : named;
}
