/** Runs the app as a person would, with the permissions of its task. */
export async function stock(
  folder: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", `--allow-write=${folder}`, "apps/stock/main.ts", ...args],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Options that make a run short. */
export const QUICK = ["--epochs", "2", "--hidden", "8", "--window", "10"];
