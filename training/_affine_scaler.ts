import type { Series } from "./windows.ts";

/**
 * What each column of a series is shifted and divided by.
 *
 * @param scaler The scaler's name, for messages.
 * @param learn Tells it from a column's numbers, which are finite; a scale of 0 becomes 1.
 * @throws {RangeError} If the series has no row, or a number in it is not finite.
 */
export function fitAffine(
  scaler: string,
  { data, columns }: Series,
  learn: (column: Float64Array) => { shift: number; scale: number },
): { shift: number[]; scale: number[] } {
  const rows = data.length / columns;
  if (!(Number.isInteger(rows) && rows >= 1)) {
    throw new RangeError(
      `Cannot fit a ${scaler}: the series must have whole rows, at least one, got ${data.length} numbers in ${columns} columns`,
    );
  }
  const learned = Array.from({ length: columns }, (_, index) => {
    const column = Float64Array.from({ length: rows }, (_, row) => data[row * columns + index]!);
    const bad = column.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new RangeError(
        `Cannot fit a ${scaler}: column ${index} must hold finite numbers, got ${column[bad]} in row ${bad}`,
      );
    }
    return learn(column);
  });
  return { shift: learned.map(({ shift }) => shift), scale: learned.map(({ scale }) => scale === 0 ? 1 : scale) };
}

/**
 * Throws a `TypeError` unless a state, perhaps out of a file, holds equally many shifts and scales.
 *
 * @param scaler The scaler's name, for messages.
 * @param state Shifts and then scales, by the scaler's names for them.
 */
export function checkAffine(scaler: string, state: Readonly<Record<string, unknown>>): void {
  const [[shiftName, shift], [scaleName, scale]] = Object.entries(state) as [[string, unknown], [string, unknown]];
  const sound = Array.isArray(shift) && Array.isArray(scale) && shift.length === scale.length &&
    [...shift, ...scale].every(Number.isFinite) && scale.every((value) => value > 0);
  if (sound) return;
  const show = (value: unknown) => Array.isArray(value) ? `[${value.join(", ")}]` : JSON.stringify(value);
  throw new TypeError(
    `Cannot make a ${scaler}: ${shiftName} and ${scaleName} must be equally many finite numbers, the ${scaleName}s above 0, ` +
      `got ${show(shift)} and ${show(scale)}`,
  );
}

/** (x − shift)/scale by column, as a new series. */
export function toScaled(series: Series, shift: readonly number[], scale: readonly number[]): Series {
  return mapColumns(series, shift.length, (value, column) => (value - shift[column]!) / scale[column]!);
}

/** x·scale + shift by column, as a new series. */
export function fromScaled(series: Series, shift: readonly number[], scale: readonly number[]): Series {
  return mapColumns(series, shift.length, (value, column) => value * scale[column]! + shift[column]!);
}

function mapColumns({ data, columns }: Series, expected: number, f: (value: number, column: number) => number): Series {
  if (columns !== expected) {
    throw new TypeError(`Cannot scale: the series must have ${expected} columns, got ${columns}`);
  }
  return { data: data.map((value, i) => f(value, i % columns)), columns };
}
