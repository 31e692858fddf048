/** The outcome of a program. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The arguments of `deno` to run an app. */
function argsOf(app: string, folder: string, args: readonly string[], denied: readonly string[] = []): string[] {
  const permissions = ["--allow-read", `--allow-write=${folder}`, ...denied.map((path) => `--deny-read=${path}`)];
  return ["run", "--no-prompt", ...permissions, `apps/${app}/main.ts`, ...args];
}

/**
 * Runs an app from the command line with no more permissions than it needs.
 *
 * @param folder The folder that it may write to.
 * @param options Its stdin, files that it may not read, and a command to run it under, such as a tracer.
 */
export async function runApp(
  app: string,
  folder: string,
  args: readonly string[],
  { stdin, denied, under = [] }: {
    readonly stdin?: string | Uint8Array<ArrayBuffer>;
    readonly denied?: readonly string[];
    readonly under?: readonly string[];
  } = {},
): Promise<Outcome> {
  const [program, ...rest] = [...under, Deno.execPath(), ...argsOf(app, folder, args, denied)];
  const child = new Deno.Command(program!, {
    args: rest,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    // The app may exit before it has read all of its stdin.
    await writer.write(typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Starts an app and sends it a signal after its first output on stderr, or after what it is to wait for there. */
export async function stopApp(
  app: string,
  folder: string,
  args: readonly string[],
  signal: Deno.Signal,
  after = /./,
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: argsOf(app, folder, args),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.getReader();
  let stderr = "";
  let isSent = false;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    stderr += new TextDecoder().decode(read.value);
    if (isSent || !after.test(stderr)) continue;
    child.kill(signal);
    isSent = true;
  }
  reader.releaseLock();
  const { code, stdout } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr };
}

/** Runs a function and returns its result with what it wrote on stderr. */
export async function withStderr<T>(run: () => Promise<T>): Promise<[T, string]> {
  const original = console.error;
  const lines: string[] = [];
  console.error = (line: string) => lines.push(line);
  try {
    return [await run(), lines.join("\n")];
  } finally {
    console.error = original;
  }
}
