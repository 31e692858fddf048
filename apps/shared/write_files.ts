/**
 * Writes files into a folder so that each is either there whole or not at all: all are written under temporary names
 * first, then renamed.
 *
 * @param folder The folder, made if missing.
 * @param files Contents by file name.
 */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const temporary = (name: string) => `${folder}/.${name}.${Deno.pid}.tmp`;
  const names = Object.keys(files);
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const name of names) {
      const contents = files[name]!;
      await Deno.writeFile(
        temporary(name),
        typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
      );
    }
    for (const name of names) await Deno.rename(temporary(name), `${folder}/${name}`);
  } catch (error) {
    await Promise.allSettled(names.map((name) => Deno.remove(temporary(name))));
    throw new Error(`Cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
  }
}
