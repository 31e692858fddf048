import { printable, quoted } from "@unfold/core/support";
import type { Series } from "../data/windows.ts";

/** Maps the columns of a series to a range that a network learns well, and back. `loadScaler` restores one from its state. */
export interface Scaler {
  /** The fitted values, as JSON to save with a model. */
  readonly state: {
    /** The kind of scaler. */
    readonly kind: string;
  };
  /** Scales a series. Returns a new one. */
  transform(series: Series): Series;
  /** Undoes {@linkcode Scaler.transform}, for all columns or for some of them. Returns a new series. */
  inverse(series: Series, options?: InverseOptions): Series;
}

/** Options for {@linkcode Scaler.inverse}. */
export interface InverseOptions {
  /**
   * Which of the scaler's columns the columns of the series are, from 0: [3] for forecasts of column 3.
   *
   * @default {all, in order}
   */
  columns?: readonly number[];
}

/** The state of a {@linkcode StandardScaler}, with one entry per column. */
export interface StandardScalerState {
  /** The kind of scaler. */
  readonly kind: "standard";
  /** Means. */
  readonly mean: readonly number[];
  /** Standard deviations; 1 for a constant column. */
  readonly deviation: readonly number[];
}

/**
 * Scales each column to mean 0 and standard deviation 1: y = (x − mean)/deviation. Fit it on the training part only, so that
 * no information leaks from the future.
 *
 * @example
 * ```ts
 * import { StandardScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = StandardScaler.fit({ data: Float32Array.of(1, 10, 3, 10), columns: 2 });
 * assert.deepEqual(scaler.state, { kind: "standard", mean: [2, 10], deviation: [1, 1] });
 * const scaled = scaler.transform({ data: Float32Array.of(4, 11), columns: 2 });
 * assert.deepEqual(scaled.data, Float32Array.of(2, 1));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(4, 11));
 * ```
 */
export class StandardScaler implements Scaler {
  /** Means and deviations, as JSON to save with a model. */
  readonly state: StandardScalerState;

  /**
   * Makes a scaler from a saved state.
   *
   * @param state Means and deviations.
   * @throws {TypeError} If they are not lists of finite numbers of the same length, with deviations above 0.
   */
  constructor({ mean, deviation }: Omit<StandardScalerState, "kind">) {
    checkAffine("StandardScaler", { mean, deviation });
    this.state = { kind: "standard", mean: [...mean], deviation: [...deviation] };
  }

  /**
   * Computes the mean and (population) standard deviation of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no rows, or a value is not finite.
   */
  static fit(series: Series): StandardScaler {
    const { shift, scale } = fitAffine("StandardScaler", series, (column) => {
      const mean = column.reduce((a, b) => a + b, 0) / column.length;
      const deviation = Math.sqrt(column.reduce((total, value) => total + (value - mean) ** 2, 0) / column.length);
      // Rounding can give a constant column a deviation above 0.
      return { shift: mean, scale: column.every((value) => value === column[0]) ? 0 : deviation };
    });
    return new StandardScaler({ mean: shift, deviation: scale });
  }

  /** (x − mean)/deviation, as a new series. */
  transform(series: Series): Series {
    return toScaled(series, this.state.mean, this.state.deviation);
  }

  /**
   * x·deviation + mean, as a new series.
   *
   * @throws {TypeError} If the series does not have the scaler's columns, or those chosen.
   * @throws {RangeError} If a chosen column does not exist.
   */
  inverse(series: Series, options: InverseOptions = {}): Series {
    return fromScaled(series, this.state.mean, this.state.deviation, options.columns);
  }
}

/** The state of a {@linkcode MinMaxScaler}, with one entry per column. */
export interface MinMaxScalerState {
  /** The kind of scaler. */
  readonly kind: "minMax";
  /** Minima. */
  readonly minimum: readonly number[];
  /** Maxima minus minima; 1 for a constant column. */
  readonly range: readonly number[];
}

/**
 * Scales each column to the range from 0 to 1: y = (x − minimum)/range. Values beyond the training part's range end up outside
 * it. Fit it on the training part only.
 *
 * @example
 * ```ts
 * import { MinMaxScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = MinMaxScaler.fit({ data: Float32Array.of(1, 10, 5, 10), columns: 2 });
 * assert.deepEqual(scaler.state, { kind: "minMax", minimum: [1, 10], range: [4, 1] });
 * const scaled = scaler.transform({ data: Float32Array.of(3, 11), columns: 2 });
 * assert.deepEqual(scaled.data, Float32Array.of(0.5, 1));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(3, 11));
 * ```
 */
export class MinMaxScaler implements Scaler {
  /** Minima and ranges, as JSON to save with a model. */
  readonly state: MinMaxScalerState;

  /**
   * Makes a scaler from a saved state.
   *
   * @param state Minima and ranges.
   * @throws {TypeError} If they are not lists of finite numbers of the same length, with ranges above 0.
   */
  constructor({ minimum, range }: Omit<MinMaxScalerState, "kind">) {
    checkAffine("MinMaxScaler", { minimum, range });
    this.state = { kind: "minMax", minimum: [...minimum], range: [...range] };
  }

  /**
   * Computes the minimum and range of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no rows, or a value is not finite.
   */
  static fit(series: Series): MinMaxScaler {
    const { shift, scale } = fitAffine("MinMaxScaler", series, (column) => {
      const minimum = column.reduce((a, b) => Math.min(a, b));
      return { shift: minimum, scale: column.reduce((a, b) => Math.max(a, b)) - minimum };
    });
    return new MinMaxScaler({ minimum: shift, range: scale });
  }

  /** (x − minimum)/range, as a new series. */
  transform(series: Series): Series {
    return toScaled(series, this.state.minimum, this.state.range);
  }

  /**
   * x·range + minimum, as a new series.
   *
   * @throws {TypeError} If the series does not have the scaler's columns, or those chosen.
   * @throws {RangeError} If a chosen column does not exist.
   */
  inverse(series: Series, options: InverseOptions = {}): Series {
    return fromScaled(series, this.state.minimum, this.state.range, options.columns);
  }
}

/** The state of a {@linkcode RobustScaler}, with one entry per column. */
export interface RobustScalerState {
  /** The kind of scaler. */
  readonly kind: "robust";
  /** Medians. */
  readonly median: readonly number[];
  /** Interquartile ranges; 1 if that range is 0. */
  readonly range: readonly number[];
}

/**
 * Scales each column to median 0 and interquartile range 1: y = (x − median)/range. A few outliers hardly affect it. Quantiles
 * are interpolated linearly (Hyndman and Fan, 1996, definition 7, NumPy's default). Fit it on the training part only.
 *
 * @example
 * ```ts
 * import { RobustScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const scaler = RobustScaler.fit({ data: Float32Array.of(1, 2, 3, 4, 1000), columns: 1 });
 * assert.deepEqual(scaler.state, { kind: "robust", median: [3], range: [2] });
 * const scaled = scaler.transform({ data: Float32Array.of(4), columns: 1 });
 * assert.deepEqual(scaled.data, Float32Array.of(0.5));
 * assert.deepEqual(scaler.inverse(scaled).data, Float32Array.of(4));
 * ```
 */
export class RobustScaler implements Scaler {
  /** Medians and interquartile ranges, as JSON to save with a model. */
  readonly state: RobustScalerState;

  /**
   * Makes a scaler from a saved state.
   *
   * @param state Medians and interquartile ranges.
   * @throws {TypeError} If they are not lists of finite numbers of the same length, with ranges above 0.
   */
  constructor({ median, range }: Omit<RobustScalerState, "kind">) {
    checkAffine("RobustScaler", { median, range });
    this.state = { kind: "robust", median: [...median], range: [...range] };
  }

  /**
   * Computes the median and interquartile range of each column.
   *
   * @param series The training part.
   * @throws {RangeError} If it has no rows, or a value is not finite.
   */
  static fit(series: Series): RobustScaler {
    const { shift, scale } = fitAffine("RobustScaler", series, (column) => {
      const sorted = column.toSorted();
      return { shift: quantile(sorted, 0.5), scale: quantile(sorted, 0.75) - quantile(sorted, 0.25) };
    });
    return new RobustScaler({ median: shift, range: scale });
  }

  /** (x − median)/range, as a new series. */
  transform(series: Series): Series {
    return toScaled(series, this.state.median, this.state.range);
  }

  /**
   * x·range + median, as a new series.
   *
   * @throws {TypeError} If the series does not have the scaler's columns, or those chosen.
   * @throws {RangeError} If a chosen column does not exist.
   */
  inverse(series: Series, options: InverseOptions = {}): Series {
    return fromScaled(series, this.state.median, this.state.range, options.columns);
  }
}

/**
 * Fits a shift and a scale to each column of a series.
 *
 * @param scaler The scaler's name, for messages.
 * @param learn Computes both from the values of a column, which are finite. A scale of 0 becomes 1.
 * @throws {RangeError} If the series has no rows, or a value is not finite.
 */
function fitAffine(
  scaler: string,
  { data, columns }: Series,
  learn: (column: Float64Array) => { shift: number; scale: number },
): { shift: number[]; scale: number[] } {
  const rows = data.length / columns;
  if (!(Number.isInteger(rows) && rows >= 1)) {
    throw new RangeError(
      `Cannot fit a ${scaler}: the series must have one or more complete rows, got ${data.length} values in ${columns} columns`,
    );
  }
  const learned = Array.from({ length: columns }, (_, index) => {
    const column = Float64Array.from({ length: rows }, (_, row) => data[row * columns + index]!);
    const bad = column.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new RangeError(
        `Cannot fit a ${scaler}: column ${index} must hold finite values, got ${column[bad]} in row ${bad}`,
      );
    }
    return learn(column);
  });
  return { shift: learned.map(({ shift }) => shift), scale: learned.map(({ scale }) => scale === 0 ? 1 : scale) };
}

/**
 * Throws a `TypeError` unless a state, which may come from a file, holds valid shifts and scales.
 *
 * @param scaler The scaler's name, for messages.
 * @param state The shifts, then the scales, under the scaler's names for them.
 */
function checkAffine(scaler: string, state: Readonly<Record<string, unknown>>): void {
  const [[shiftName, shift], [scaleName, scale]] = Object.entries(state) as [[string, unknown], [string, unknown]];
  const sound = Array.isArray(shift) && Array.isArray(scale) && shift.length === scale.length &&
    [...shift, ...scale].every(Number.isFinite) && scale.every((value) => value > 0);
  if (sound) return;
  const show = (value: unknown) => Array.isArray(value) ? printable(`[${value.join(", ")}]`) : quoted(value);
  throw new TypeError(
    `Cannot make a ${scaler}: ${shiftName} and ${scaleName} must be lists of finite numbers of the same length, each ` +
      `${scaleName} above 0, got ${show(shift)} and ${show(scale)}`,
  );
}

/** (x − shift)/scale by column, as a new series. */
function toScaled(series: Series, shift: readonly number[], scale: readonly number[]): Series {
  return mapColumns(series, shift.length, (value, column) => (value - shift[column]!) / scale[column]!);
}

/** x·scale + shift by column, as a new series of some columns or all. */
function fromScaled(
  series: Series,
  shift: readonly number[],
  scale: readonly number[],
  columns: readonly number[] = shift.map((_, column) => column),
): Series {
  for (const column of columns) {
    if (Number.isInteger(column) && column >= 0 && column < shift.length) continue;
    throw new RangeError(`Cannot scale: columns must be integers from 0 to ${shift.length - 1}, got ${column}`);
  }
  return mapColumns(series, columns.length, (value, i) => value * scale[columns[i]!]! + shift[columns[i]!]!);
}

function mapColumns({ data, columns }: Series, expected: number, f: (value: number, column: number) => number): Series {
  if (columns !== expected) {
    throw new TypeError(`Cannot scale: the series must have ${expected} columns, got ${columns}`);
  }
  if (data.length % columns !== 0) {
    throw new TypeError(
      `Cannot scale: the series must have complete rows, got ${data.length} values in ${columns} columns`,
    );
  }
  return { data: data.map((value, i) => f(value, i % columns)), columns };
}

/** The quantile q of sorted values. */
function quantile(sorted: Float64Array, q: number): number {
  const position = q * (sorted.length - 1);
  const index = Math.floor(position);
  const low = sorted[index]!;
  return low + (position - index) * ((sorted[index + 1] ?? low) - low);
}
