/** Packs the npm packages and installs them into a new project, for the other checks of this folder. */

import assert from "node:assert/strict";
import { buildPackages } from "../npm.ts";

export const ROOT = new URL("../../", import.meta.url).pathname;
const HERE = `${ROOT}tools/runtimes`;

/** The path of a file in the installed tools. */
export const tool = (path: string): string => `${HERE}/node_modules/${path}`;

/** The modules of the library. */
export const PACKAGES = ["core", "layers", "optimizers", "training", "distributed"];
/** What installs, builds and checks, under the current Node. */
export const NODE = "node";
/** Runtimes by name, other than this one. */
export const RUNTIMES: Readonly<Record<string, string>> = {
  "Node 22": tool("node-22/bin/node"),
  "Node 24": tool("node-24/bin/node"),
  "Bun 1.4": tool("@oven/bun-linux-x64/bin/bun"),
};
/** Whether they run here: their packages hold programs for one system. */
export const HAS_RUNTIMES = Deno.build.os === "linux" && Deno.build.arch === "x86_64";

/** A temporary folder. */
export const folder = await Deno.makeTempDir();
/** The project in it. */
export const project = `${folder}/project`;
/** The packed packages in the project, once they are there. */
export const tarballs: string[] = [];

/** Runs a command in a folder. Fails with what it printed, otherwise returns that. */
export async function outputOf(
  cwd: string,
  program: string,
  ...args: string[]
): Promise<Record<"stdout" | "stderr", string>> {
  const output = await new Deno.Command(program, { args, cwd, env: { NO_COLOR: "1" } }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.ok(output.success, `${stdout}\n${stderr}`);
  return { stdout: stdout!, stderr: stderr! };
}

/** Runs a command in a folder. Fails with what it printed. */
export async function run(...command: Parameters<typeof outputOf>): Promise<void> {
  await outputOf(...command);
}

Deno.test("the packages are packed and installed into a new project", async () => {
  await run(HERE, "npm", "ci", "--no-audit", "--no-fund");
  await buildPackages(`${folder}/packages`);
  await Deno.mkdir(project);
  for (const name of [...PACKAGES, "apps"]) await run(project, "npm", "pack", `${folder}/packages/${name}`);
  tarballs.push(...[...Deno.readDirSync(project)].map(({ name }) => name).sort());
  assert.equal(tarballs.length, PACKAGES.length + 1);
  await Deno.writeTextFile(`${project}/package.json`, JSON.stringify({ private: true, type: "module" }));
  await run(project, "npm", "install", "--no-audit", "--no-fund", ...tarballs.map((name) => `./${name}`));
});
