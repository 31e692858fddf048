import type { NodeModules } from "../_node.ts";
import type { Consumer } from "./consume.ts";

/** Where progress is written. */
export interface ProgressOutput {
  /** Whether a line can be overwritten. */
  readonly terminal: boolean;
  /** Writes text unchanged. */
  write(text: string): void;
}

/** Options for {@linkcode progressBar}. */
export interface ProgressBarOptions {
  /** The number of epochs. */
  epochs: number;
  /** The number of samples, or tokens, per epoch. */
  samples: number;
  /**
   * What to count: samples, or targets, which are the tokens if each token has one.
   *
   * @default {"samples"}
   */
  unit?: "samples" | "tokens";
  /**
   * Where to write.
   *
   * @default {stderr; the console in browsers}
   */
  output?: ProgressOutput;
}

/**
 * Shows loss, speed and remaining time: in one line that is overwritten on a terminal, otherwise in one line per epoch.
 *
 * @returns A consumer of training events.
 *
 * @example
 * ```ts
 * import { progressBar } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const lines: string[] = [];
 * const output = { terminal: false, write: (text: string) => void lines.push(text) };
 * const progress = progressBar({ epochs: 5, samples: 100, output });
 * progress({
 *   type: "step",
 *   epoch: 2,
 *   step: 1,
 *   loss: 0.5,
 *   samples: 100,
 *   targets: 100,
 *   counted: 100,
 *   stepped: true,
 *   learningRate: 0.1,
 * });
 * progress({ type: "epoch", epoch: 2, step: 1, loss: 0.5, validationLoss: 0.75 });
 * assert.match(lines.join(""), /^epoch 2\/5  loss 0.5000  validation 0.7500  .* samples\/s  .* left\n$/);
 * ```
 */
export function progressBar(options: ProgressBarOptions): Consumer {
  const { epochs, samples, unit = "samples", output = standardError() } = options;
  const start = performance.now();
  let [seen, inEpoch, lastShown] = [0, 0, 0];
  const line = (epoch: number, loss: number, validationLoss?: number) => {
    const seconds = (performance.now() - start) / 1000;
    const rate = seen / seconds;
    const left = (epochs - epoch + 1) * samples - inEpoch;
    return [
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
      `loss ${loss.toFixed(4)}`,
      ...(validationLoss === undefined ? [] : [`validation ${validationLoss.toFixed(4)}`]),
      `${Math.round(rate).toLocaleString("en")} ${unit}/s`,
      left <= 0 || rate === 0 ? `${formatSeconds(seconds)} total` : `${formatSeconds(left / rate)} left`,
    ].join("  ");
  };
  const show = (text: string, end: string) => output.write(output.terminal ? `\r${text}\x1b[K${end}` : `${text}${end}`);
  return (event) => {
    if (event.type === "step") {
      const count = unit === "samples" ? event.samples : event.targets;
      seen += count;
      inEpoch += count;
      const now = performance.now();
      if (!output.terminal || now - lastShown < 100) return;
      lastShown = now;
      show(line(event.epoch, event.loss), "");
    } else if (event.type === "epoch") {
      inEpoch = samples;
      show(line(event.epoch, event.loss, event.validationLoss), "\n");
      inEpoch = 0;
    } else if (event.type === "done" && !event.finished) {
      show(`stopped in epoch ${event.epoch} after step ${event.step}`, "\n");
    }
  };
}

/** Seconds as minutes and seconds. */
function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function standardError(): ProgressOutput {
  const { process } = globalThis as { process?: NodeModules["process"] };
  // Browsers have a console only.
  if (process?.stderr === undefined) return { terminal: false, write: (text) => console.error(text.trimEnd()) };
  return { terminal: process.stderr.isTTY === true, write: (text) => void process.stderr.write(text) };
}
