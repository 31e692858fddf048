import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type Communicator, connect, launchedRanks, single } from "@unfold/distributed";
import { integer, StoppedError, UsageError } from "./cli.ts";
import { say } from "./printable.ts";
import { startThreads } from "./threads.ts";

/** Trains on ranks that a launcher started. */
export const distributedOption = new Option(
  "--distributed [library]",
  "train on the ranks started by mpiexec or srun, which split each batch",
).argParser((path) => {
  // The argument is optional, so the parser takes any word that follows for it, such as a command.
  if (/[/\\]/.test(path) && /\.(so|dylib|dll)\b/.test(path)) return path;
  throw new InvalidArgumentError("It must be the path of an MPI library, such as /usr/lib/libmpi.so.40, or omitted.");
});

/** Trains on several threads. */
export const workersOption = new Option("--workers <n>", "train on n threads, which split each batch")
  .argParser(integer(1));

/** The most threads for each core of the machine; each takes memory, and more than one do not train faster. */
const THREADS_PER_CORE = 4;

/** Options that choose the ranks. Default: this process alone. */
interface RankOptions {
  readonly distributed?: string | true | undefined;
  readonly workers?: number | undefined;
  /** Threads that share the work of one rank. */
  readonly threads?: number | undefined;
}

/** Other options that affect ranks. */
interface Inputs {
  /** Files, - for stdin. */
  readonly text?: readonly string[] | undefined;
  /** A table, - for stdin. */
  readonly csv?: string | undefined;
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
    const { distributed, workers, threads, ...options } = given;
    if (distributed !== undefined && workers !== undefined) {
      throw new UsageError("--distributed and --workers cannot be combined: choose one");
    }
    const launched = launchedRanks();
    if (distributed === undefined && launched > 1) {
      throw new UsageError(
        `a launcher started ${launched} processes of this program: add --distributed to train one model on them`,
      );
    }
    const fromStdin = given.text?.includes("-") ? "--text" : given.csv === "-" ? "--csv" : undefined;
    if ((workers ?? launched) > 1 && fromStdin !== undefined) {
      throw new UsageError(`${fromStdin} - needs a single rank: stdin can be read only once`);
    }
    const most = THREADS_PER_CORE * navigator.hardwareConcurrency;
    if (workers !== undefined && workers > most) {
      throw new UsageError(
        `--workers must be at most ${most}, ${THREADS_PER_CORE} for each of this machine's cores, got ${workers}; one ` +
          "for each core is fastest",
      );
    }
    const library = typeof distributed === "string" ? { library: distributed } : {};
    const communicator = distributed === undefined && workers === undefined
      ? single()
      : await connect(workers === undefined ? library : { workers });
    if (distributed !== undefined && communicator.size === 1) {
      say("--distributed: mpiexec or srun started no other ranks; training on one");
    }
    if (communicator.rank === 0) warn(communicator.size, { workers, rows: given.batchSize });
    // Ranks are as many as the cores already.
    await startThreads(threads ?? (communicator.size > 1 ? 1 : undefined), { quiet: communicator.rank > 0 });
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
  if (workers > cores) say(`--workers ${workers}: more threads than cores (${cores}) do not train faster`);
  if (ranks > rows) {
    say(`--batch-size ${rows}: there are fewer rows than ranks (${ranks}), so some ranks have nothing to do`);
  }
}

/** The error of a stopped command. Any rank may have received the signal, but only rank 0 prints the message. */
export function stoppedOn({ rank }: Communicator, message: string, exitCode: number | undefined): StoppedError {
  return new StoppedError(rank === 0 ? message : "", exitCode ?? 143);
}
