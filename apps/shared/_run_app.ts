/** What a program did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How an app is called. */
function argsOf(app: string, folder: string, args: readonly string[]): string[] {
  return ["run", "--no-prompt", "--allow-read", `--allow-write=${folder}`, `apps/${app}/main.ts`, ...args];
}

/**
 * Runs an app as a person would, with the permissions of its task.
 *
 * @param folder The one that it may write to.
 * @param options What it reads from stdin.
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
    // It may end before it has read all.
    await writer.write(typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Starts an app and stops it by a signal after its first words on stderr. */
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
