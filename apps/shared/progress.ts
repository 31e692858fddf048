import type { TrainEvent } from "@unfold/training";
import { formatNumber } from "./format_number.ts";

/** Where progress goes: stderr, or a test's own array. */
export interface ProgressOutput {
  /** Whether lines can be written over. */
  readonly terminal: boolean;
  write(text: string): void;
}

/** Standard error. */
export const standardError: ProgressOutput = {
  terminal: Deno.stderr.isTerminal(),
  write: (text) => void Deno.stderr.writeSync(new TextEncoder().encode(text)),
};

/** Seconds as a person says them. */
export function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/**
 * Shows training as it goes: a line that is written over on a terminal, a line an epoch elsewhere. Loss, rate and time
 * left.
 *
 * @param epochs How many there will be.
 * @param samplesPerEpoch How many samples each has.
 * @returns A consumer of training events.
 */
export function progress(
  epochs: number,
  samplesPerEpoch: number,
  output: ProgressOutput = standardError,
): (event: TrainEvent) => void {
  const start = performance.now();
  let seen = 0;
  let lastShown = 0;
  const line = (epoch: number, loss: number, validationLoss?: number) => {
    const seconds = (performance.now() - start) / 1000;
    const rate = seen / seconds;
    const left = epochs * samplesPerEpoch - seen;
    return [
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`,
      `loss ${loss.toFixed(4)}`,
      ...(validationLoss === undefined ? [] : [`validation ${validationLoss.toFixed(4)}`]),
      `${formatNumber(Math.round(rate))} samples/s`,
      left <= 0 ? `${formatSeconds(seconds)} in all` : `${formatSeconds(left / rate)} left`,
    ].join("  ");
  };
  return (event) => {
    if (event.type === "step") {
      seen += event.samples;
      const now = performance.now();
      if (!output.terminal || now - lastShown < 100) return;
      lastShown = now;
      output.write(`\r${line(event.epoch, event.loss)}\x1b[K`);
    } else if (event.type === "epoch") {
      output.write(
        `${output.terminal ? "\r" : ""}${line(event.epoch, event.loss, event.validationLoss)}${
          output.terminal ? "\x1b[K" : ""
        }\n`,
      );
    }
  };
}
