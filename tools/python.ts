/** Virtual environments for the Python programs of the benchmarks and of the golden values. */

/**
 * Returns the Python of a folder's virtual environment, `.venv`. Makes the environment first, with the packages of the folder's
 * `requirements.txt`, unless it already has exactly these.
 *
 * @param folder A folder by its path from the root.
 * @throws {Error} If Python 3 is missing, or a package cannot be installed.
 */
export function environment(folder: string): string {
  const [place, python] = [`${folder}/.venv`, `${folder}/.venv/bin/python`];
  const requirements = Deno.readTextFileSync(`${folder}/requirements.txt`);
  const installed = `${place}/requirements.txt`;
  if (textOf(installed) === requirements) return python;
  console.error(`Installing the packages of ${folder}/requirements.txt into ${place}`);
  run(folder, "python3", ["-m", "venv", "--clear", place]);
  run(folder, python, ["-m", "pip", "install", "--quiet", "--requirement", `${folder}/requirements.txt`]);
  Deno.writeTextFileSync(installed, requirements);
  return python;
}

/** The Python of a folder's virtual environment, or `undefined` and the reason on stderr. */
export function environmentIfAny(folder: string): string | undefined {
  try {
    return environment(folder);
  } catch (error) {
    console.error((error as Error).message);
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}

function run(folder: string, command: string, args: readonly string[]): void {
  let problem: string;
  try {
    const { success, stderr } = new Deno.Command(command, { args: [...args], stdout: "null" }).outputSync();
    if (success) return;
    const lines = new TextDecoder().decode(stderr).trim().split("\n");
    problem = lines.findLast((line) => /^ERROR|Error/.test(line)) ?? lines.at(-1)!;
  } catch (error) {
    problem = (error as Error).message;
  }
  throw new Error(`Cannot install ${folder}/requirements.txt: ${command} must succeed, got ${problem}`);
}

if (import.meta.main) { for (const folder of Deno.args) environment(folder); }
