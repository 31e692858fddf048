import type { Unfolding } from "./worker/unfold_network.ts";
import type { RunSettings, View } from "./settings.ts";

/** A run's data: a text, or a CSV; undefined where the worker makes it. */
export interface GivenData {
  /** For messages. */
  readonly name: string;
  readonly content: string | undefined;
}

/** A saved model. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What the page asks of the worker. */
export type Request =
  /**
   * Makes a model anew, and when it is made takes it in place of the one of the same task; `run` marks all that is then
   * said of it. With `file`, a saved model is gone on with. Of several that wait the last alone is made.
   */
  | {
    readonly type: "start";
    readonly run: number;
    readonly settings: RunSettings;
    readonly data: GivenData;
    readonly file?: ModelFile;
  }
  /** Goes back to the run of the other task, paused; what is looked at comes with the next `look`. */
  | { readonly type: "return"; readonly run: number }
  | { readonly type: "train" }
  | { readonly type: "pause" }
  /** Takes a single step. */
  | { readonly type: "step" }
  /** What is looked at, which alone is kept up to date. */
  | { readonly type: "look"; readonly view: View; readonly temperature: number }
  | { readonly type: "export"; readonly format: ExportFormat };

export type ExportFormat = "safetensors" | "onnx";

/** What is known of a run before its first step. */
export interface RunFacts {
  /** As asked, or as a file has them. */
  readonly settings: RunSettings;
  readonly parameters: number;
  /** What the losses count. */
  readonly unit: string;
  /** Whether they go by powers of ten. */
  readonly logarithmic: boolean;
  /** Losses to get below, by name. */
  readonly floors: Readonly<Record<string, number>>;
  /** What the data is, in a line. */
  readonly about: string;
}

/** Forecasts over the end of a series, each of the days up to the next one, and one of the days after the last. */
export interface Forecast {
  /** The days that are drawn, beginning with some that were only read; those to come have no date. */
  readonly dates: readonly string[];
  readonly actual: Float64Array<ArrayBuffer>;
  /** Each forecast's values on the days after `from`, a place in `dates`; naive says `actual[from]` on all of them. */
  readonly paths: readonly { readonly from: number; readonly values: Float64Array<ArrayBuffer> }[];
  /** Over the whole test part: 1 − squared error/squared error of naive. */
  readonly skill: number;
}

/** What the network makes of its data as it stands. */
export type Preview =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "series"; readonly forecast: Forecast };

/** The losses since the last report. */
export interface Progress {
  /** Steps that were made, all in all. */
  readonly steps: number;
  /** The loss of each new step, before it. */
  readonly losses: Float64Array<ArrayBuffer>;
  /** Losses on what is held back, by the steps before. */
  readonly validation: readonly (readonly [step: number, loss: number])[];
  /** Steps a second lately; 0 where nothing runs. */
  readonly speed: number;
}

/** What the worker says of a run. */
export type Report =
  & { readonly run: number }
  & (
    | ({ readonly type: "started" } & RunFacts)
    | ({ readonly type: "progress" } & Progress)
    | { readonly type: "preview"; readonly steps: number; readonly preview: Preview }
    | { readonly type: "unfolding"; readonly steps: number; readonly unfolding: Unfolding }
    | { readonly type: "file"; readonly format: ExportFormat; readonly bytes: Uint8Array<ArrayBuffer> }
    /** Training has stopped, or the run could not begin, whereupon the one before goes on; the message is for people. */
    | { readonly type: "failed"; readonly message: string }
  );
