import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type Communicator, connect, launchedRanks, single } from "@unfold/distributed";
import { integer, StoppedError, UsageError } from "./cli.ts";

/** Trains on ranks that a launcher started. */
export const distributedOption = new Option(
  "--distributed [library]",
  "train on the ranks started by mpiexec or srun, which split each batch",
).argParser((path) => {
  // The argument is optional, so the parser takes any word that follows for it, such as a command.
  if (/[/\\].*\.(so|dylib|dll)\b/.test(path)) return path;
  throw new InvalidArgumentError("It must be the path of an MPI library, such as /usr/lib/libmpi.so.40, or omitted.");
});

/** Trains on several threads. */
export const workersOption = new Option("--workers <n>", "train on n threads, which split each batch")
  .argParser(integer(1));

/** Options that choose the ranks. Default: this process alone. */
interface RankOptions {
  readonly distributed?: string | true | undefined;
  readonly workers?: number | undefined;
}

/** Other options that affect ranks. */
interface Inputs {
  /** Files, - for stdin. */
  readonly text?: readonly string[] | undefined;
  /** Rows per batch. */
  readonly batchSize: number;
}

/**
 * Makes an action that runs on all ranks. Only rank 0 should print and write files.
 *
 * The action throws a {@linkcode UsageError} if both kinds of ranks are requested, if a launcher started several processes
 * without `--distributed`, or if several ranks would read stdin.
 */
export function onRanks<Options extends RankOptions & Inputs>(
  action: (options: Omit<Options, keyof RankOptions>, communicator: Communicator) => Promise<void>,
): (options: Options) => Promise<void> {
  return async (given) => {
    const { distributed, workers, ...options } = given;
    if (distributed !== undefined && workers !== undefined) {
      throw new UsageError("--distributed and --workers cannot be combined: choose one");
    }
    const launched = launchedRanks();
    if (distributed === undefined && launched > 1) {
      throw new UsageError(
        `a launcher started ${launched} processes of this program: add --distributed to train one model on them`,
      );
    }
    if ((workers ?? launched) > 1 && given.text?.includes("-")) {
      throw new UsageError("--text - needs a single rank: stdin can be read only once");
    }
    const library = typeof distributed === "string" ? { library: distributed } : {};
    const communicator = distributed === undefined && workers === undefined
      ? single()
      : await connect(workers === undefined ? library : { workers });
    if (distributed !== undefined && communicator.size === 1) {
      console.error("--distributed: mpiexec or srun started no other ranks; training on one");
    }
    if (communicator.rank === 0) warn(communicator.size, { workers, rows: given.batchSize });
    try {
      await action(options, communicator);
    } catch (error) {
      // All ranks have stopped, but rank 0 may still be writing its checkpoint.
      if (error instanceof StoppedError) await communicator.close();
      throw error;
    }
    await communicator.close();
  };
}

/** Warns if there are too many ranks to be useful. */
function warn(ranks: number, { workers = 1, rows }: { workers: number | undefined; rows: number }): void {
  const cores = navigator.hardwareConcurrency;
  if (workers > cores) console.error(`--workers ${workers}: more threads than cores (${cores}) do not train faster`);
  if (ranks > rows) {
    console.error(`--batch-size ${rows}: there are fewer rows than ranks (${ranks}), so some ranks have nothing to do`);
  }
}

/** The error of a stopped command. Any rank may have received the signal, but only rank 0 prints the message. */
export function stoppedOn({ rank }: Communicator, message: string, exitCode: number | undefined): StoppedError {
  return new StoppedError(rank === 0 ? message : "", exitCode ?? 143);
}
