import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { type Communicator, connect, launchedRanks, single } from "@unfold/distributed";
import { StoppedError, UsageError } from "./cli.ts";
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

/** Options that choose the ranks. Default: this process alone. */
interface RankOptions {
  readonly distributed?: string | true | undefined;
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
 * The action throws a {@linkcode UsageError} if a launcher started several processes without `--distributed`, or if several ranks
 * would read stdin.
 */
export function onRanks<Options extends RankOptions & Inputs>(
  action: (options: Omit<Options, keyof RankOptions>, communicator: Communicator) => Promise<void>,
): (options: Options) => Promise<void> {
  return async (given) => {
    const { distributed, threads, ...options } = given;
    const launched = launchedRanks();
    if (distributed === undefined && launched > 1) {
      throw new UsageError(
        `a launcher started ${launched} processes of this program: add --distributed to train one model on them`,
      );
    }
    const fromStdin = given.text?.includes("-") ? "--text" : given.csv === "-" ? "--csv" : undefined;
    if (launched > 1 && fromStdin !== undefined) {
      throw new UsageError(`${fromStdin} - needs a single rank: stdin can be read only once`);
    }
    const library = typeof distributed === "string" ? { library: distributed } : {};
    const communicator = distributed === undefined ? single() : await connect(library);
    if (distributed !== undefined && communicator.size === 1) {
      say("--distributed: mpiexec or srun started no other ranks; training on one");
    }
    if (communicator.rank === 0 && communicator.size > given.batchSize) {
      const ranks = communicator.size;
      say(
        `--batch-size ${given.batchSize}: there are fewer rows than ranks (${ranks}), so some ranks have nothing to do`,
      );
    }
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

/** The error of a stopped command. Any rank may have received the signal, but only rank 0 prints the message. */
export function stoppedOn({ rank }: Communicator, message: string, exitCode: number | undefined): StoppedError {
  return new StoppedError(rank === 0 ? message : "", exitCode ?? 143);
}
