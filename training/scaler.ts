import type { Series } from "./windows.ts";

/** What brings the columns of a series to numbers that a network learns well, and back. `loadScaler` makes one from its state. */
export interface Scaler {
  /** What was learned, as JSON: what is saved with a model. */
  readonly state: {
    /** Which scaler this is. */
    readonly kind: string;
  };
  /** The series as the network takes it, as a new series. */
  transform(series: Series): Series;
  /** The way back, as a new series. */
  inverse(series: Series): Series;
}
