import type { DateUnit } from "../../shared/tables/date_formats.ts";
import type { Note, TableColumn } from "../../shared/tables/table.ts";

/** How a table holds series: one in a column, one a column, stacked with ids, one a row, or a year a row. */
export type Arrangement = "one" | "wide" | "long" | "rows" | "calendar";

/** One series: its values without gaps. */
export interface OneSeries {
  readonly id: string;
  readonly values: Float64Array;
  /** The label of the first value. */
  readonly from: string;
  /** The label of the last value. */
  readonly to: string;
  /** The labels of steps after the last value. */
  next(count: number): string[];
  /** The labels of all values. */
  labels(): string[];
}

/** The values of a series with the places they have in time, before gaps are filled. */
export interface Draft {
  readonly id: string;
  /** Milliseconds in order of time, each once; without dates the numbers of the steps. */
  readonly times: Float64Array;
  /** A value for each time; NaN where it is missing. */
  readonly values: Float64Array;
}

/** The series with the most values. */
export function longestOf(drafts: readonly Draft[]): Draft {
  return drafts.reduce((best, draft) => draft.times.length > best.times.length ? draft : best);
}

/** All series as they are in a table. */
export interface Drafts {
  readonly arrangement: Arrangement;
  /** What the dates name; "step" if there are none. */
  readonly unit: DateUnit | "step";
  readonly drafts: readonly Draft[];
  readonly notes: readonly Note[];
}

/** A column that is not in the file, but made of others. */
export interface MadeColumn {
  readonly column: TableColumn;
  /** The positions of the columns that it is made of. */
  readonly of: ReadonlySet<number>;
}
