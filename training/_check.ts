/**
 * Throws a `RangeError` unless there are as many predictions as actual values, at least one, and all are finite.
 *
 * @param name The name of the predictions in messages.
 */
export function checkPairs(predicted: ArrayLike<number>, actual: ArrayLike<number>, name = "predicted"): void {
  const n = actual.length;
  if (n === 0 || predicted.length !== n) {
    throw new RangeError(
      `Cannot compare predictions: there must be one for each actual value, and at least one, got ${predicted.length} for ${n}`,
    );
  }
  for (const [list, values] of [[name, predicted], ["actual", actual]] as const) {
    for (let i = 0; i < n; i++) {
      if (Number.isFinite(values[i])) continue;
      throw new RangeError(`Cannot compare predictions: ${list}[${i}] must be a finite number, got ${values[i]}`);
    }
  }
}
