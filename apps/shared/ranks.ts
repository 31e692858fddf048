import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type Communicator, connect, launchedRanks, single } from "@unfold/distributed";
import { integer, StoppedError, UsageError } from "./cli.ts";

/** Trains on what a launcher has started. */
export const distributedOption = new Option(
  "--distributed [library]",
  "train on the ranks that mpiexec or srun has started, each on its share of every batch",
).argParser((path) => {
  // It need not be there, and would take any word that follows.
  if (/[/\\].*\.(so|dylib|dll)\b/.test(path)) return path;
  throw new InvalidArgumentError("It must be the path of a library of MPI, such as /usr/lib/libmpi.so.40, or nothing.");
});

/** Trains on several threads. */
export const workersOption = new Option("--workers <n>", "train on so many threads, each on its share of every batch")
  .argParser(integer(1));

/** Which ranks a command runs on: this process alone, unless it was asked for more. */
interface RankOptions {
  readonly distributed?: string | true | undefined;
  readonly workers?: number | undefined;
}

/** What else of a command's options matters to ranks. */
interface Inputs {
  /** Files, - for stdin. */
  readonly text?: readonly string[] | undefined;
  /** Rows of a batch. */
  readonly batchSize: number;
}

/**
 * A command's action that all ranks run side by side; the first one alone should print and write. It throws a
 * {@linkcode UsageError} where both kinds of rank are asked for, a launcher has started several that were not, or all would read stdin.
 */
export function onRanks<Options extends RankOptions & Inputs>(
  action: (options: Omit<Options, keyof RankOptions>, communicator: Communicator) => Promise<void>,
): (options: Options) => Promise<void> {
  return async (given) => {
    const { distributed, workers, ...options } = given;
    if (distributed !== undefined && workers !== undefined) {
      throw new UsageError("--distributed and --workers must not be there both");
    }
    const launched = launchedRanks();
    if (distributed === undefined && launched > 1) {
      throw new UsageError(
        `a launcher has started ${launched} of this program, which needs --distributed to be one run`,
      );
    }
    if ((workers ?? launched) > 1 && given.text?.includes("-")) {
      throw new UsageError("--text - must not be there with several ranks: stdin can be read by one alone");
    }
    const library = typeof distributed === "string" ? { library: distributed } : {};
    const communicator = distributed === undefined && workers === undefined
      ? single()
      : await connect(workers === undefined ? library : { workers });
    if (distributed !== undefined && communicator.size === 1) {
      console.error("--distributed: no mpiexec or srun has started other ranks; training alone");
    }
    if (communicator.rank === 0) warn(communicator.size, { workers, rows: given.batchSize });
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

/** Says where ranks are too many to be of use. */
function warn(ranks: number, { workers = 1, rows }: { workers: number | undefined; rows: number }): void {
  const cores = navigator.hardwareConcurrency;
  if (workers > cores) console.error(`--workers ${workers}: there are ${cores} cores, which more threads only share`);
  if (ranks > rows) console.error(`--batch-size ${rows}: batches have fewer rows than there are ranks, ${ranks}`);
}

/** What a command that was stopped throws, on whichever rank the signal came. */
export function stoppedOn({ rank }: Communicator, message: string, exitCode: number | undefined): StoppedError {
  return new StoppedError(rank === 0 ? message : "", exitCode ?? 143);
}
