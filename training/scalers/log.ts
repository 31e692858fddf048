import type { Scaler } from "./affine.ts";
import type { Series } from "../data/windows.ts";

/** What makes a {@linkcode LogScaler}. */
export interface LogScalerState {
  /** Which scaler this is. */
  readonly kind: "log";
  /** What is added before the logarithm is taken. */
  readonly offset: number;
}

/** Options for {@linkcode LogScaler.fit}. */
export interface LogScalerOptions {
  /**
   * What is added before the logarithm is taken: 1 where there are zeros.
   *
   * @default {0}
   */
  offset?: number;
}

/**
 * Takes logarithms: y = log(x + offset), for numbers that grow by factors, such as prices and counts. With an offset of 1
 * it is log1p, and as exact near 0.
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
  /** The offset; as JSON it is what is saved with a model. */
  readonly state: LogScalerState;

  /**
   * Makes a scaler from an offset.
   *
   * @param state The offset.
   * @throws {RangeError} If it is no finite number of 0 or more.
   */
  constructor({ offset }: Omit<LogScalerState, "kind">) {
    if (!(typeof offset === "number" && offset >= 0 && offset < Infinity)) {
      const shown = typeof offset === "number" ? offset : JSON.stringify(offset);
      throw new RangeError(
        `Cannot make a LogScaler: offset must be a finite number of 0 or more, got ${shown}`,
      );
    }
    this.state = { kind: "log", offset };
  }

  /**
   * Learns nothing, but checks that the series has logarithms.
   *
   * @param series The training part.
   * @param options The offset.
   * @throws {RangeError} If the offset is no finite number of 0 or more, or a number in the series not finite and above −offset.
   */
  static fit(series: Series, options: LogScalerOptions = {}): LogScaler {
    const scaler = new LogScaler({ offset: options.offset ?? 0 });
    if (series.data.length === 0) {
      throw new RangeError("Cannot fit a LogScaler: the series must have whole rows, at least one, got 0 numbers");
    }
    scaler.transform(series);
    return scaler;
  }

  /**
   * log(x + offset), as a new series.
   *
   * @throws {RangeError} If a number is not finite and above −offset.
   */
  transform({ data, columns }: Series): Series {
    const { offset } = this.state;
    const bad = data.findIndex((value) => !(value > -offset && value < Infinity));
    if (bad >= 0) {
      throw new RangeError(
        `Cannot take logarithms: row ${Math.floor(bad / columns)}, column ${
          bad % columns
        } must be a finite number above ` +
          `${-offset}, got ${data[bad]}`,
      );
    }
    // Near 0 the sum with the offset would lose the number's last digits.
    const log = offset === 0 ? Math.log : (x: number) => Math.log(offset) + Math.log1p(x / offset);
    return { data: data.map((x) => log(x)), columns };
  }

  /** e^y − offset, as a new series: the way back. */
  inverse({ data, columns }: Series): Series {
    const { offset } = this.state;
    const exp = offset === 0 ? Math.exp : (y: number) => offset * Math.expm1(y - Math.log(offset));
    return { data: data.map((y) => exp(y)), columns };
  }
}
