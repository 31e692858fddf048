import { Option } from "@commander-js/extra-typings";
import { type Communicator, connect, single } from "@unfold/distributed";
import { integer, StoppedError, UsageError } from "./cli.ts";

/** Trains on what a launcher has started. */
export const distributedOption = new Option(
  "--distributed [library]",
  "train on the ranks that mpiexec or srun has started, each on its share of every batch",
);

/** Trains on several threads. */
export const workersOption = new Option("--workers <n>", "train on so many threads, each on its share of every batch")
  .argParser(integer(1));

/** Which ranks a command runs on: this process alone, unless it was asked for more. */
export interface RankOptions {
  readonly distributed?: string | true | undefined;
  readonly workers?: number | undefined;
}

/**
 * A command's action that all ranks run side by side; the first one alone should print and write. It throws a
 * {@linkcode UsageError} where both kinds of rank are asked for.
 */
export function onRanks<Options extends RankOptions>(
  action: (options: Omit<Options, keyof RankOptions>, communicator: Communicator) => Promise<void>,
): (options: Options) => Promise<void> {
  return async ({ distributed, workers, ...options }) => {
    if (distributed !== undefined && workers !== undefined) {
      throw new UsageError("--distributed and --workers must not be there both");
    }
    const library = typeof distributed === "string" ? { library: distributed } : {};
    const communicator = distributed === undefined && workers === undefined
      ? single()
      : await connect(workers === undefined ? library : { workers });
    try {
      await action(options, communicator);
    } catch (error) {
      // All ranks were stopped, and the first one may still be writing its checkpoint.
      if (error instanceof StoppedError) await communicator.close();
      throw error;
    }
    await communicator.close();
  };
}

/** What a command that was stopped throws, on whichever rank the signal came. */
export function stoppedOn({ rank }: Communicator, message: string, exitCode: number | undefined): StoppedError {
  return new StoppedError(rank === 0 ? message : "", exitCode ?? 143);
}
