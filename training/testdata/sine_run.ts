import { encodeSafetensors, Random, type SafetensorsInput } from "@unfold/core";
import { Dense, LastStep, LSTM, type RecurrentOptions, Sequential } from "@unfold/layers";
import { Windows } from "@unfold/training";

/** A network that forecasts a sine wave from shuffled windows. `random` draws its dropout masks. */
export function sineRun(
  { rows, batchSize, ...options }:
    & Pick<RecurrentOptions, "hiddenSize" | "dropout" | "recurrentDropout">
    & { rows: number; batchSize: number },
) {
  const random = new Random(1);
  const wave = (shift: number) => ({
    data: Float32Array.from({ length: rows }, (_, t) => Math.sin((t + shift) / 4)),
    columns: 1,
  });
  const part = { features: wave(0), targets: wave(1), past: 8, batchSize };
  const batches = new Windows({ ...part, to: 0.75 * rows, random: random.split() });
  const validation = new Windows({ ...part, from: 0.8 * rows });
  const model = new Sequential([
    new LSTM({ inputSize: 1, layers: 2, random, ...options }),
    new LastStep(),
    new Dense({ inputSize: options.hiddenSize, outputSize: 1, random }),
  ]);
  return { model, batches, validation, random };
}

/** The SHA-256 of tensors. */
export async function hashOf(tensors: Iterable<readonly [name: string, tensor: SafetensorsInput]>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encodeSafetensors(tensors))).toHex();
}
