import type { RunSettings, View } from "./settings.ts";
import type { Unfolding } from "./worker/unfold_network.ts";

/** A run's data: a text or a CSV. The content is undefined if the worker generates the data. */
export interface GivenData {
  /** The data's name, for messages. */
  readonly name: string;
  readonly content: string | undefined;
}

/** A saved model. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The file formats of a model. */
export type ExportFormat = "safetensors" | "onnx";

/** What a run is built from. */
export interface RunSource {
  /** Its number, which reports about it carry. */
  readonly run: number;
  readonly settings: RunSettings;
  readonly data: GivenData;
  /** A saved model that the run continues. */
  readonly file?: ModelFile;
  /** The steps that the run has taken before. Default: 0. */
  readonly steps?: number;
}

/** A request from the page to the worker. */
export type Request =
  /**
   * Builds a network, which then replaces the last run of the same task. If several such requests are waiting, only the last
   * is handled.
   */
  | ({ readonly type: "start" } & RunSource)
  /** Builds runs again, paused, in a worker that replaces another. The last one becomes visible. */
  | { readonly type: "restore"; readonly runs: readonly RunSource[] }
  /** Asks for the report `alive`. */
  | { readonly type: "ping" }
  /** Returns to the last run of the other task, paused. The next `look` shows it. */
  | { readonly type: "return"; readonly run: number }
  | { readonly type: "train" }
  | { readonly type: "pause" }
  /** Trains for a single step. */
  | { readonly type: "step" }
  /** Selects what to report regularly: a preview, or the unfolded network. */
  | { readonly type: "look"; readonly view: View; readonly temperature: number }
  | { readonly type: "export"; readonly format: ExportFormat };

/** What is known about a run before its first step. */
export interface RunFacts {
  /** The requested settings, or those of the model's file. */
  readonly settings: RunSettings;
  /** The number of trainable weights. */
  readonly parameters: number;
  /** The unit of the losses. */
  readonly unit: string;
  /** Whether losses are drawn on a logarithmic scale. */
  readonly logarithmic: boolean;
  /** The losses of simple baselines, by name. */
  readonly baselines: Readonly<Record<string, number>>;
  /** A one-line description of the data. */
  readonly about: string;
}

/** Back-to-back forecasts over the end of a series, the last one beyond its end. */
export interface Forecast {
  /** The days drawn. The first ones are only input. Days in the future have no date. */
  readonly dates: readonly string[];
  readonly actual: Float64Array<ArrayBuffer>;
  /** Each forecast covers the days after `from`, an index into `dates`. Naive forecasts `actual[from]` for all of them. */
  readonly paths: readonly { readonly from: number; readonly values: Float64Array<ArrayBuffer> }[];
  /** 1 − squared error/squared error of naive, over the whole test part. */
  readonly skill: number;
}

/** The current output of the network: a sample of text, or forecasts. */
export type Preview =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "series"; readonly forecast: Forecast };

/** The losses since the last report. */
export interface Progress {
  /** Steps since the run began. */
  readonly steps: number;
  /** The loss of each new step, before its update. */
  readonly losses: Float64Array<ArrayBuffer>;
  /** Validation losses, each with the number of steps before it. */
  readonly validation: readonly (readonly [step: number, loss: number])[];
  /** Steps per second since the last report; 0 when paused. */
  readonly speed: number;
}

/** A report from the worker to the page. */
export type Report =
  & { readonly run: number }
  & (
    | ({ readonly type: "started" } & RunFacts)
    | ({ readonly type: "progress" } & Progress)
    | { readonly type: "preview"; readonly steps: number; readonly preview: Preview }
    | { readonly type: "unfolding"; readonly steps: number; readonly unfolding: Unfolding }
    | { readonly type: "file"; readonly format: ExportFormat; readonly bytes: Uint8Array<ArrayBuffer> }
    /** The model after some steps, from which the run can go on in another worker. */
    | { readonly type: "snapshot"; readonly steps: number; readonly bytes: Uint8Array<ArrayBuffer> }
    /** All earlier requests have been handled, but a network may still be built. It is about no run. */
    | { readonly type: "alive" }
    /** Training has failed, or the run cannot begin and the previous one continues. The message is for the visitor. */
    | { readonly type: "failed"; readonly message: string }
  );
