/** One of the implementations of MPI, as Debian has them beside each other. */
export interface MpiLauncher {
  readonly name: string;
  readonly command: readonly string[];
  readonly library: string;
}

const FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

/** Whether there is such a file. */
export function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** All that there might be; `library` is empty where one is not installed. */
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

/** What a program printed, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Each line of stdout that is JSON. */
  // deno-lint-ignore no-explicit-any
  readonly lines: any[];
}

/** Runs a command whose coverage is not measured: a rank that is killed, or leaves at once, would write half a file of it. */
export const UNMEASURED = ["env", "-u", "DENO_COVERAGE_DIR"] as const;

/** How long anything may take that a test starts. */
const SECONDS = 300;

/** The arguments that run a program of this folder as a rank, with no more permissions than it needs. */
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
    // Workers have no launcher, whose variables would be looked at.
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

/** Starts ranks under a launcher, or a program alone where there is none; they are killed where they take too long. */
export function start(launcher: MpiLauncher | undefined, ranks: number, args: readonly string[]): Deno.ChildProcess {
  const command = launcher === undefined ? [] : [...launcher.command, "-n", String(ranks)];
  return new Deno.Command(UNMEASURED[0], {
    // In the foreground it hands a signal on once, to what it runs alone: a second one would have a launcher kill at once.
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

/** Waits until what was started ends. */
export async function finish({ status, stdout, stderr }: Ended): Promise<Outcome> {
  const [{ code }, out, err] = await Promise.all([status, textOf(stdout), textOf(stderr)]);
  const lines = out.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  return { code, stdout: out, stderr: err, lines };
}

/** What a process leaves to read. */
type Ended = Pick<Deno.ChildProcess, "status" | "stdout" | "stderr">;

function textOf(stream: ReadableStream<BufferSource>): Promise<string> {
  return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

/** Waits until a run that prints its steps has made so many, and says which processes it has. */
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
