import type { EpochEvent } from "./train.ts";

/** The loss that tells how a run goes: of the validation, or of the training where there is none. */
export function watchedLoss({ validationLoss, loss }: EpochEvent): number {
  return validationLoss ?? loss;
}

/** Whether a loss is smaller than the best so far by more than a fraction of it; any finite loss is better than none. */
export function improves(loss: number, best: number, threshold: number): boolean {
  return best === Infinity ? loss < best : loss < best - threshold * Math.abs(best);
}
