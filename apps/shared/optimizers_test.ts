import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { loadOptimizer, optimizerOption } from "./optimizers.ts";

/** Runs a test with a module file. */
async function withModule(source: string, test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/mine.js`, source);
    await test(`${folder}/mine.js`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("options are parsed as numbers, booleans, strings or lists", () => {
  const parsed = ["lr=1e-3", "nesterov=true", "mode=fast", "betas=0.9,0.99", "empty="].reduce(
    (before, text) => optimizerOption(text, before),
    {},
  );
  assert.deepEqual(parsed, { lr: 1e-3, nesterov: true, mode: "fast", betas: [0.9, 0.99], empty: "" });
  for (const bad of ["lr", "=1", " =1"]) assert.throws(() => optimizerOption(bad, {}), /must be key=value/);
  assert.throws(() => optimizerOption("lr=2", { lr: 1 }), /lr is given twice/);
});

Deno.test("a name loads an optimizer of the library", async () => {
  await assert.rejects(() => loadOptimizer("adam", { beta1: 1, rate: 2, eps: 1 }), {
    name: "TypeError",
    message: "Cannot use the optimizer adam: all given options must be options of adam, got beta1, rate",
  });
  assert.equal((await loadOptimizer("adamW", { betas: [0.9, 0.95], weightDecay: 0 })).name, "adamW");
  await assert.rejects(() => loadOptimizer("adam", { betas: [0.9, 1] }), /^RangeError: Cannot make adam: betas\[1\]/);
});

Deno.test("a module's factory is its default export or its only exported function", async () => {
  const plugin = "({ a = 1 } = {}) => ({ name: `plugin${a}`, update() {} })";
  for (const source of [`export default ${plugin}`, `export const version = 2, mine = ${plugin}`]) {
    await withModule(source, async (path) => {
      assert.equal((await loadOptimizer(path, {})).name, "plugin1");
      assert.equal((await loadOptimizer(path, { a: 3 })).name, "plugin3");
    });
  }
});

Deno.test("anything else is refused, with the reason", async () => {
  const refused: [source: string, problem: RegExp][] = [
    [
      "export const a = 1, b = 2;",
      /^Cannot use .*: the module must have a default export or export a single function, got a, b$/,
    ],
    ["", /must have a default export or export a single function, got nothing$/],
    ["export const a = () => {}, b = () => {};", /got a, b$/],
    ["export default () => {};", /must return a plugin with name and update\(\), got undefined$/],
    ["export default () => ({ name: 1, update() {} });", /must return a plugin/],
    [
      "export default () => { throw new Error('no luck'); };",
      /its function must accept the options, got the error: no luck$/,
    ],
    [
      "export default class Rule {}",
      /must accept the options, got the error: Class constructor Rule cannot be invoked/,
    ],
    ["throw new Error('no luck');", /^Cannot load the optimizer .*: no luck$/],
  ];
  for (const [source, message] of refused) {
    await withModule(source, (path) => {
      return assert.rejects(() => loadOptimizer(path, { a: 1, b: 2, c: 3 }), { name: "TypeError", message });
    });
  }
  await assert.rejects(() => loadOptimizer("./nowhere.ts", {}), {
    message: /^Cannot load the optimizer .*Module not found/,
  });
  await assert.rejects(() => loadOptimizer("toString", {}), {
    message: /it must be one of adadelta, adagrad, adam, .* or a module: a path that starts with .\/ or \/$/,
  });
});

Deno.test("a module from elsewhere needs consent", async () => {
  const data = "data:text/javascript,export default () => ({ name: 'mine', update() {} })";
  for (const name of ["npm:mine", "jsr:@me/mine", "https://example.com/mine.ts", "http://example.com/mine.ts", data]) {
    await assert.rejects(() => loadOptimizer(name, {}), {
      name: "TypeError",
      message:
        `Cannot load the optimizer ${name}: it must be a file on this machine, got a module from elsewhere, which ` +
        "would run with this program's permissions; if you trust it, add --allow-remote-optimizer",
    });
  }
  assert.equal((await loadOptimizer(data, {}, { allowRemote: true })).name, "mine");
});

/** A module that starts a program through the C library. */
const attack = (folder: string) => `
  const { symbols: { system } } = Deno.dlopen("libc.so.6", { system: { parameters: ["buffer"], result: "i32" } });
  system(new TextEncoder().encode("touch '${folder}/reached'\\0"));
  export default () => ({ name: "mine", update() {} });
`;

for (const app of ["stock", "text"]) {
  for (const more of [[], ["--blas"], ["--blas", "/nowhere/libopenblas.so"]]) {
    Deno.test({
      name: `${app} ${more.join(" ")}: an optimizer module cannot load a library`,
      ignore: Deno.build.os !== "linux",
      fn: () =>
        withFolder(async (folder) => {
          await Deno.writeTextFile(`${folder}/mine.js`, attack(folder));
          const permissions = ["--no-prompt", "--allow-read", `--allow-write=${folder}`, "--allow-ffi"];
          const args = ["--optimizer", `${folder}/mine.js`, "--out", `${folder}/out`, ...more];
          const { code, stderr } = await new Deno.Command(Deno.execPath(), {
            args: ["run", "--quiet", ...permissions, `apps/${app}/main.ts`, ...args],
          }).output();
          const message = new TextDecoder().decode(stderr);
          assert.match(message, /^error: Cannot load the optimizer .*: Requires ffi access to "libc\.so\.6"/m);
          assert.deepEqual([code, [...Deno.readDirSync(folder)].map(({ name }) => name)], [1, ["mine.js"]]);
        }),
    });
  }
}
