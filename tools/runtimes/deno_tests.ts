/** The part of Deno that the library's tests use, for Node and Bun, and a runner of tests. */

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { pid, versions } from "node:process";

const files = fs.promises;

/** Thrown by what only Deno has. A test that needs it counts as skipped. */
class NeedsDeno extends Error {}

function needsDeno(): never {
  throw new NeedsDeno();
}

/** What a test gets: it may run steps. */
interface Context {
  step(name: string, run: Body): Promise<void>;
}
type Body = (context: Context) => unknown;
/** Deno's options of a test, as far as the library's tests use them. */
interface Options {
  readonly name: string;
  readonly ignore?: boolean;
  readonly permissions?: unknown;
  readonly fn: Body;
}

/** A test of memory use that Bun's figures, which lag behind, do not show. */
const UNMEASURED = /^a plugin that copies the gradients/;

const tests: Options[] = [];
const entry = (one: fs.Dirent) => ({ name: one.name, isDirectory: one.isDirectory(), isFile: one.isFile() });

/** The tests' `Deno`. */
export const Deno = {
  test(first: string | Options, second?: Body | Partial<Options>, third?: Body): void {
    if (typeof first !== "string") tests.push(first);
    else if (typeof second === "function") tests.push({ name: first, fn: second });
    else tests.push({ ...second, name: first, fn: third! });
  },
  pid,
  makeTempDir: () => files.mkdtemp(`${tmpdir()}/unfold-`),
  mkdir: files.mkdir,
  chmod: files.chmod,
  copyFile: files.copyFile,
  remove: files.rm,
  readFile: async (path: string | URL) => new Uint8Array(await files.readFile(path)),
  readFileSync: (path: string | URL) => new Uint8Array(fs.readFileSync(path)),
  readTextFile: (path: string | URL) => files.readFile(path, "utf8"),
  readTextFileSync: (path: string | URL) => fs.readFileSync(path, "utf8"),
  writeFile: files.writeFile,
  writeFileSync: fs.writeFileSync,
  writeTextFile: files.writeFile,
  readDirSync: (path: string | URL) => fs.readdirSync(path, { withFileTypes: true }).map(entry),
  statSync: (path: string | URL) => ({ isFile: fs.statSync(path).isFile() }),
  realPathSync: fs.realpathSync,
  errors: {
    get NotCapable(): never {
      return needsDeno();
    },
  },
  // The bounds are those of one engine.
  memoryUsage: needsDeno,
  inspect: needsDeno,
  execPath: needsDeno,
  serve: needsDeno,
  // Its methods throw, so that a test file which looks for a program when it is loaded finds none.
  Command: class {
    output(): Promise<never> {
      return Promise.reject(new NeedsDeno());
    }
    outputSync = needsDeno;
    spawn = needsDeno;
  },
};

/** Runs the tests in order, and prints the names of those that fail and how many passed, failed and were skipped. */
export async function runTests(): Promise<void> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, ignore = false, permissions, fn } of tests) {
    if (ignore || permissions !== undefined || (versions.bun !== undefined && UNMEASURED.test(name))) counts.skipped++;
    else counts[await outcomeOf(name, fn)]++;
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
}

async function outcomeOf(name: string, fn: Body): Promise<"passed" | "failed" | "skipped"> {
  const context: Context = {
    step: async (_, run) => void await run(context),
  };
  try {
    await fn(context);
    return "passed";
  } catch (error) {
    if (error instanceof NeedsDeno) return "skipped";
    console.error(`${name}: ${(error as Error).stack}`);
    return "failed";
  }
}
