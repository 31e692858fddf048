import { quoted } from "@unfold/core/support";
import type { Series } from "../data/windows.ts";
import type { InverseOptions, Scaler } from "./affine.ts";

/** The state of a {@linkcode LogScaler}. */
export interface LogScalerState {
  /** The kind of scaler. */
  readonly kind: "log";
  /** Added to each value before taking the logarithm. */
  readonly offset: number;
}

/** Options for {@linkcode LogScaler.fit}. */
export interface LogScalerOptions {
  /**
   * Added to each value before taking the logarithm: 1 for data with zeros.
   *
   * @default {0}
   */
  offset?: number;
}

/**
 * Takes logarithms: y = log(x + offset), for values that grow by factors, such as prices and counts. With an offset of 1 it is
 * log1p, just as precise near 0.
 *
 * @example
 * ```ts
 * import { LogScaler } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const counts = { data: Float32Array.of(0, 1e-12, 99), columns: 1 };
 * const scaler = LogScaler.fit(counts, { offset: 1 });
 * assert.deepEqual(scaler.transform(counts).data, counts.data.map(Math.log1p));
 * ```
 */
export class LogScaler implements Scaler {
  /** The offset, as JSON to save with a model. */
  readonly state: LogScalerState;

  /**
   * Makes a scaler from an offset.
   *
   * @param state The offset.
   * @throws {RangeError} If it is not a finite number of 0 or more.
   */
  constructor({ offset }: Omit<LogScalerState, "kind">) {
    if (!(typeof offset === "number" && offset >= 0 && offset < Infinity)) {
      const shown = typeof offset === "number" ? offset : quoted(offset);
      throw new RangeError(
        `Cannot make a LogScaler: offset must be a finite number of 0 or more, got ${shown}`,
      );
    }
    this.state = { kind: "log", offset };
  }

  /**
   * Checks that the series has logarithms; there is nothing to fit.
   *
   * @param series The training part.
   * @param options The offset.
   * @throws {RangeError} If the offset is not a finite number of 0 or more, or a value is not finite and above −offset.
   */
  static fit(series: Series, options: LogScalerOptions = {}): LogScaler {
    const scaler = new LogScaler({ offset: options.offset ?? 0 });
    if (series.data.length === 0) {
      throw new RangeError("Cannot fit a LogScaler: the series must have one or more complete rows, got 0 values");
    }
    scaler.transform(series);
    return scaler;
  }

  /**
   * log(x + offset), as a new series.
   *
   * @throws {RangeError} If a value is not finite and above −offset.
   */
  transform({ data, columns }: Series): Series {
    const { offset } = this.state;
    const bad = data.findIndex((value) => !(value > -offset && value < Infinity));
    if (bad >= 0) {
      const [row, column] = [Math.floor(bad / columns), bad % columns];
      throw new RangeError(
        `Cannot take logarithms: row ${row}, column ${column} must be a finite number above ${-offset}, ` +
          `got ${data[bad]}`,
      );
    }
    // Near 0 adding the offset would lose the value's last digits.
    const log = offset === 0 ? Math.log : (x: number) => Math.log(offset) + Math.log1p(x / offset);
    return { data: data.map((x) => log(x)), columns };
  }

  /** e^y − offset, as a new series. All columns are scaled in the same way, so it makes no difference which ones these are. */
  inverse({ data, columns }: Series, _options: InverseOptions = {}): Series {
    const { offset } = this.state;
    const exp = offset === 0 ? Math.exp : (y: number) => offset * Math.expm1(y - Math.log(offset));
    return { data: data.map((y) => exp(y)), columns };
  }
}
