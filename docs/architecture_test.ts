import assert from "node:assert/strict";
import { FORECAST, STEP } from "../tools/architecture_picture.ts";

const ROOT = new URL("..", import.meta.url);

function assertExists(path: string): void {
  const { isDirectory } = Deno.statSync(new URL(path, ROOT));
  assert.equal(isDirectory, path.endsWith("/"), path);
}

Deno.test("every path on the architecture page exists", () => {
  const page = Deno.readTextFileSync(new URL("docs/architecture.md", ROOT));
  const paths = [...page.matchAll(/`([\w.-]+(?:\/[\w.-]+)*(?:\/|\.(?:ts|json)))`/g)].map(([, path]) => path!)
    // Names that are the same in several folders.
    .filter((path) => path !== "main.ts" && path !== "kernels/");
  assert.ok(paths.length > 40, `${paths.length} paths`);
  for (const path of paths) assertExists(path);
});

Deno.test("every file in the architecture picture exists", () => {
  for (const [module, files] of [...STEP, ...FORECAST]) {
    for (const file of files.split(", ")) assertExists(`${module}/${file}`);
  }
});
