function refuse(rule: string, name: string, wanted: string, value: unknown): never {
  throw new RangeError(`Cannot make ${rule}: ${name} must be ${wanted}, got ${value}`);
}

/** Throws a `RangeError` unless a hyperparameter is a number in [low, high). */
export function checkRange(rule: string, name: string, value: number, low: number, high: number): void {
  if (typeof value === "number" && value >= low && value < high) return;
  const bound = high === Infinity
    ? `a finite number of ${low} or more`
    : `a number of at least ${low} and below ${high}`;
  refuse(rule, name, bound, value);
}

/** Throws a `RangeError` unless a hyperparameter is a number from 0 to 1. */
export function checkFraction(rule: string, name: string, value: number): void {
  if (!(typeof value === "number" && value >= 0 && value <= 1)) refuse(rule, name, "a number from 0 to 1", value);
}

/** Throws a `RangeError` unless a hyperparameter is a finite number above 0 that does not round to 0 in 32 bits. */
export function checkPositive(rule: string, name: string, value: number): void {
  const sound = typeof value === "number" && Math.fround(value) > 0 && value < Infinity;
  if (!sound) refuse(rule, name, "a finite number above 0", value);
}

/** Throws a `RangeError` unless an option is true or false. */
export function checkFlag(rule: string, name: string, value: boolean): void {
  if (typeof value !== "boolean") refuse(rule, name, "true or false", JSON.stringify(value));
}

/** Throws a `RangeError` unless betas are two numbers in [0, 1). */
export function checkBetas(rule: string, betas: readonly number[]): void {
  if (!Array.isArray(betas) || betas.length !== 2) {
    refuse(rule, "betas", "two numbers", JSON.stringify(betas));
  }
  betas.forEach((beta, i) => checkRange(rule, `betas[${i}]`, beta, 0, 1));
}
