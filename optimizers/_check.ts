/** Throws a `RangeError` unless a hyperparameter is a number in [low, high). */
export function checkRange(rule: string, name: string, value: number, low: number, high: number): void {
  if (value >= low && value < high) return;
  const bound = high === Infinity
    ? `a finite number of ${low} or more`
    : `a number of at least ${low} and below ${high}`;
  throw new RangeError(`Cannot make ${rule}: ${name} must be ${bound}, got ${value}`);
}
