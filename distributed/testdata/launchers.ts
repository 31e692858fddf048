/** An MPI implementation. Debian can install several at the same time. */
export interface MpiLauncher {
  readonly name: string;
  readonly command: readonly string[];
  readonly library: string;
}

const FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

/** Whether a file exists. */
export function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** All supported implementations. `library` is empty if one is not installed. */
export const LAUNCHERS: readonly MpiLauncher[] = [
  { name: "MPICH", command: ["mpiexec.mpich"], file: "libmpich.so.12" },
  {
    name: "Open MPI",
    command: ["mpiexec.openmpi", "--oversubscribe", "--allow-run-as-root"],
    file: "libmpi.so.40",
  },
].map(({ name, command, file }) => {
  const library = isThere(`/usr/bin/${command[0]}`)
    ? FOLDERS.map((folder) => `${folder}/${file}`).find(isThere) ?? ""
    : "";
  return { name, command, library };
});

/** A program's output and exit code. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of stdout that are JSON, parsed. */
  // deno-lint-ignore no-explicit-any
  readonly lines: any[];
}

/** Runs a command without measuring its coverage: a killed rank would leave half a coverage file. */
export const UNMEASURED = ["env", "-u", "DENO_COVERAGE_DIR"] as const;

/** The time limit for any process that a test starts. */
const SECONDS = 300;

/** The arguments to run a program of this folder as a rank, with only the permissions that it needs. */
export function rankArguments(
  program: string,
  args: readonly string[],
  { library, folder }: { library?: string | undefined; folder?: string | undefined } = {},
): string[] {
  return [
    "run",
    "--no-prompt",
    "--no-check",
    "--quiet",
    "--allow-read",
    // Alone, a program has no launcher and reads no variables.
    ...(library === undefined ? [] : [
      "--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS,OMPI_COMM_WORLD_RANK,PMI_RANK",
      `--allow-ffi=${library}`,
      "--allow-run",
    ]),
    ...(folder === undefined ? [] : [`--allow-write=${folder}`]),
    `distributed/testdata/${program}`,
    ...args,
  ];
}

/** Starts ranks under a launcher, or a program alone without one. They are killed after the time limit. */
export function start(launcher: MpiLauncher | undefined, ranks: number, args: readonly string[]): Deno.ChildProcess {
  const command = launcher === undefined ? [] : [...launcher.command, "-n", String(ranks)];
  return new Deno.Command(UNMEASURED[0], {
    // In the foreground `timeout` forwards a signal once, to its child only. A second signal makes a launcher kill its ranks.
    args: [
      ...UNMEASURED.slice(1),
      "timeout",
      "--foreground",
      "--kill-after=20",
      String(SECONDS),
      ...command,
      Deno.execPath(),
      ...args,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Waits until a process ends. */
export async function finish({ status, stdout, stderr }: Ended): Promise<Outcome> {
  const [{ code }, out, err] = await Promise.all([status, textOf(stdout), textOf(stderr)]);
  const lines = out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { code, stdout: out, stderr: err, lines };
}

/** What `finish` needs of a process. */
type Ended = Pick<Deno.ChildProcess, "status" | "stdout" | "stderr">;

function textOf(stream: ReadableStream<BufferSource>): Promise<string> {
  return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** Waits until a run has printed a step. Returns the process ids of its ranks. */
export async function untilStep(
  { status, stdout, stderr }: Ended,
  step: number,
): Promise<{ pids: number[]; rest: Promise<Outcome> }> {
  const [watched, kept] = stdout.tee();
  const rest = finish({ status, stdout: kept as Ended["stdout"], stderr });
  let text = "";
  for await (const chunk of watched.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes(`{"step":${step},`)) break;
  }
  return { pids: [...text.matchAll(/"rank":(\d+),"pid":(\d+)/g)].sort().map((match) => Number(match[2])), rest };
}
