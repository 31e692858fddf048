import assert from "node:assert/strict";
import { BENCHMARKS } from "../bench/main.ts";
import { launch } from "./launch.ts";
import { TASKS } from "./main.ts";

const text = Deno.readTextFileSync("deno.json");
const config = JSON.parse(text) as {
  readonly tasks: Readonly<Record<string, unknown>>;
  readonly permissions: { readonly app: { readonly ffi: readonly string[] } };
};
const families = new Map([
  ["bench", BENCHMARKS],
  ...Object.entries(TASKS).map(([name, { programs }]) => [name, programs] as const),
]);

Deno.test("the apps may load exactly the shared libraries that core and distributed look for", () => {
  const sources = ["core", "distributed"].flatMap((folder) => [...filesIn(folder)]).map((path) =>
    Deno.readTextFileSync(path)
  );
  const paths = sources.flatMap((source) =>
    [...source.matchAll(/^ +"(\/\S+\/lib(?:openblas|mpi)\S+)",$/gm)].map(([, path]) => path!)
  );
  assert.ok(paths.length > 0);
  assert.deepEqual(config.permissions.app.ffi.toSorted(), paths.toSorted());
});

Deno.test("deno.json stays short enough to read", () => {
  const lines = text.trimEnd().split("\n");
  assert.ok(lines.length < 110, `${lines.length} lines`);
  assert.deepEqual(lines.filter((line) => line.length > 160), []);
});

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (/^\.git$|^node_modules$|^dist$|^runs$|^coverage$|_wasm\.ts$|_test\.ts$/.test(name)) continue;
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else if (/\.(md|ts|py|sh|sbatch|yaml)$/.test(name)) yield `${folder}/${name}`;
  }
}

Deno.test("every task named in a page or a comment exists", () => {
  const unknown = [...filesIn(".")].flatMap((path) =>
    [...Deno.readTextFileSync(path).matchAll(/deno(?:@[\d.]+)? task ([a-z][a-z:-]*)(?: ([a-z][a-z-]*))?/g)]
      .filter(([, task, name]) => {
        // A task of examples/plugin.
        if (task === "kernel") return false;
        const programs = families.get(task!);
        return !Object.hasOwn(config.tasks, task!) ||
          (programs !== undefined && name !== undefined && !Object.hasOwn(programs, name));
      })
      .map(([mention]) => `${path}: ${mention}`)
  );
  assert.deepEqual(unknown, []);
});

Deno.test("every file named in a program's command exists", () => {
  const commands = [...families.values()].flatMap((programs) =>
    Object.values(programs).flatMap(({ commands }) => commands)
  );
  const files = commands.flatMap((command) => command.split(" ")).filter((word) => /^[\w./]+\.(ts|py|sh)$/.test(word));
  assert.ok(files.length > 20);
  for (const file of files) assert.ok(Deno.statSync(file).isFile, file);
});

/** Runs a function and returns what it printed to stdout and stderr. */
function printed(method: "log" | "error", run: () => void): string {
  const lines: string[] = [];
  const original = console[method];
  console[method] = (line: string) => void lines.push(line);
  try {
    run();
  } finally {
    console[method] = original;
  }
  return lines.join("\n");
}

const programs = {
  one: { description: "First", commands: ["deno eval 0", "deno eval"] },
  three: { description: "Third", commands: ["deno eval 0"] },
};

Deno.test("without a name, a task lists its programs", () => {
  const help = printed("log", () => assert.equal(launch("demo", programs, []), 0));
  assert.equal(help, "Usage: deno task demo <name> [options]\n\n  one    First\n  three  Third");
});

Deno.test("the error for an unknown name lists the known ones", () => {
  const message = printed("error", () => assert.equal(launch("demo", programs, ["two"]), 2));
  assert.equal(message, "error: Cannot run demo: name must be one of one, three, got two");
});

Deno.test("options go to a program's last command, and its exit code is returned", () => {
  assert.equal(launch("demo", programs, ["one", "Deno.exit(3)"]), 3);
  assert.equal(launch("demo", programs, ["one", "Deno.exit(0)"]), 0);
  assert.equal(launch("demo", programs, [], { all: ["three"] }), 0);
});
