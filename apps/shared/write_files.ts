function failed(folder: string, error: unknown): Error {
  return new Error(`Cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
}

/**
 * Makes a folder if it is missing and makes sure that files can be written there, before the work is done that would be
 * lost.
 */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir: folder, prefix: "." }));
  } catch (error) {
    throw failed(folder, error);
  }
}

/**
 * Writes files into a folder so that each is either there whole or not at all: all are written under temporary names
 * first, then renamed.
 *
 * @param folder The folder, which must exist.
 * @param files Contents by file name.
 */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const temporary = (name: string) => `${folder}/.${name}.${Deno.pid}.tmp`;
  const names = Object.keys(files);
  try {
    for (const name of names) {
      const contents = files[name]!;
      await Deno.writeFile(
        temporary(name),
        typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
      );
      const there = await Deno.lstat(`${folder}/${name}`).catch(() => undefined);
      if (there?.isDirectory) throw new Error(`${name} must be a file, got a folder`);
    }
    for (const name of names) await Deno.rename(temporary(name), `${folder}/${name}`);
  } catch (error) {
    await Promise.allSettled(names.map((name) => Deno.remove(temporary(name))));
    throw failed(folder, error);
  }
}
