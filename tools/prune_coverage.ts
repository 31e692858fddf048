/**
 * Removes torn files from `coverage/`. Some tests kill a process while it writes its coverage, and `deno coverage` stops at
 * a file that it cannot read.
 *
 * @module
 */

const FOLDER = "coverage";

for (const { name, isFile } of Deno.readDirSync(FOLDER)) {
  if (!isFile) continue;
  const path = `${FOLDER}/${name}`;
  try {
    JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    Deno.removeSync(path);
    console.error(`${path} is torn and does not count`);
  }
}
