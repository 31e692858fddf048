/** Throws a `RangeError` unless counts are integers of 1 or more. */
export function checkCounts(doing: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new RangeError(`Cannot ${doing}: ${name} must be an integer of 1 or more, got ${value}`);
  }
}
