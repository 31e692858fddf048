import { printable, quoted } from "@unfold/core/support";
import { CheckpointError } from "./checkpoints.ts";

/** The batches whose gradients a step of the optimizer averages, so far. */
interface Group {
  /** Batches so far. */
  readonly batches: number;
  /** Their counted targets. */
  readonly counted: number;
  /** The counted targets of a batch whose gradients enter the sum with weight 1: of the first batch. */
  readonly unit: number;
}

/** How far a run has come. Checkpoints store it as JSON. */
export interface Progress {
  /** The current epoch, or the next one. */
  readonly epoch: number;
  /** Batches of the epoch so far. */
  batches: number;
  /** Those of them without a target that counts. */
  uncounted: number;
  /** The sum of their targets' losses. */
  total: number;
  /** Their targets that count, without those of batches whose loss was not finite. */
  targets: number;
  /** Whether all batches of the epoch are done, and only validation and what follows it are left. */
  over: boolean;
  /** The mean loss of the previous epoch, or null if there is none: JSON has no NaN. */
  readonly before: number | null;
  /** The batches since the last step of the optimizer, or null if there are none. */
  group: Group | null;
}

/** The progress of a run that has not started. */
export function firstEpoch(): Progress {
  return { epoch: 1, batches: 0, uncounted: 0, total: 0, targets: 0, over: false, before: null, group: null };
}

/** The progress after an epoch ends. */
export function nextEpoch(progress: Progress): Progress {
  const loss = meanLoss(progress);
  const { epoch, group } = progress;
  return { ...firstEpoch(), epoch: epoch + 1, before: Number.isFinite(loss) ? loss : null, group };
}

/** The epoch's mean loss so far, or the previous epoch's before the first batch. NaN if every step was skipped. */
export function meanLoss({ batches, total, targets, before }: Progress): number {
  return batches === 0 ? before ?? NaN : total / targets;
}

/**
 * Adds a batch to the group of the next step.
 *
 * @param unit The unit of the group if it has none yet.
 */
export function addToGroup(progress: Progress, counted: number, unit: number): void {
  const { group } = progress;
  progress.group = {
    batches: (group?.batches ?? 0) + 1,
    counted: (group?.counted ?? 0) + counted,
    unit: group?.unit ?? unit,
  };
}

/**
 * Checks the progress in a checkpoint.
 *
 * @throws {CheckpointError} If it is not one.
 */
export function checkProgress(value: unknown, path: string): Progress {
  const { epoch, batches, uncounted, total, targets, over, before, group } = Object(value) as Record<string, unknown>;
  const isCount = (count: unknown) => Number.isSafeInteger(count) && Number(count) >= 0;
  const isPositive = (number: unknown) => Number.isFinite(number) && Number(number) > 0;
  const { batches: size, counted, unit } = Object(group) as Record<string, unknown>;
  // Targets are counted by their weights, so their number can have a fraction.
  const isLossSound = [total, targets, before ?? 0].every(Number.isFinite) &&
    (targets === 0 ? total === 0 : Number(targets) > 0 && Number(uncounted) < Number(batches));
  const isSound = [epoch, batches, uncounted].every(isCount) && Number(epoch) >= 1 &&
    Number(uncounted) <= Number(batches) && isLossSound &&
    typeof over === "boolean" && (!over || Number(batches) > 0) &&
    (group === null || (isCount(size) && [size, counted, unit].every(isPositive)));
  if (isSound) return value as Progress;
  throw new CheckpointError(
    `Cannot resume from ${printable(path, Infinity)}: its progress must be that of a run of train(), got ${
      quoted(value)
    }`,
  );
}
