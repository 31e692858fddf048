/** The outcome of a program. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The arguments of `deno` to run an app. */
function argsOf(app: string, folder: string, args: readonly string[]): string[] {
  return ["run", "--no-prompt", "--allow-read", `--allow-write=${folder}`, `apps/${app}/main.ts`, ...args];
}

/**
 * Runs an app from the command line with no more permissions than it needs.
 *
 * @param folder The folder that it may write to.
 * @param options Its stdin.
 */
export async function runApp(
  app: string,
  folder: string,
  args: readonly string[],
  { stdin }: { readonly stdin?: string | Uint8Array<ArrayBuffer> } = {},
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: argsOf(app, folder, args),
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

/** Starts an app and sends it a signal after its first output on stderr. */
export async function stopApp(
  app: string,
  folder: string,
  args: readonly string[],
  signal: Deno.Signal,
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args: argsOf(app, folder, args),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.getReader();
  let stderr = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (stderr === "") child.kill(signal);
    stderr += new TextDecoder().decode(read.value);
  }
  reader.releaseLock();
  const { code, stdout } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr };
}
