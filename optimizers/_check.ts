/** Throws a `RangeError` unless a hyperparameter is a number in [low, high). */
export function checkRange(rule: string, name: string, value: number, low: number, high: number): void {
  if (typeof value === "number" && value >= low && value < high) return;
  const bound = high === Infinity
    ? low === Number.MIN_VALUE ? "a finite number above 0" : `a finite number of ${low} or more`
    : `a number of at least ${low} and below ${high}`;
  throw new RangeError(`Cannot make ${rule}: ${name} must be ${bound}, got ${value}`);
}

/** Throws a `RangeError` unless a hyperparameter is a finite number above 0. */
export function checkPositive(rule: string, name: string, value: number): void {
  checkRange(rule, name, value, Number.MIN_VALUE, Infinity);
}

/** Throws a `RangeError` unless there are two decays in [0, 1). */
export function checkBetas(rule: string, betas: readonly number[]): void {
  if (!Array.isArray(betas) || betas.length !== 2) {
    throw new RangeError(`Cannot make ${rule}: betas must be two numbers, got ${JSON.stringify(betas)}`);
  }
  betas.forEach((beta, i) => checkRange(rule, `betas[${i}]`, beta, 0, 1));
}

/** Throws a `RangeError` unless a count is an integer of 1 or more. */
export function checkCount(rule: string, name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(`Cannot make ${rule}: ${name} must be an integer of 1 or more, got ${value}`);
}
