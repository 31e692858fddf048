import assert from "node:assert/strict";
import config from "../core/deno.json" with { type: "json" };
import { withFolder } from "./testing.ts";

function* filesIn(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

Deno.test("the npm packages hold ES2022 modules, declarations, a README and a license, and neither tests nor test data; the apps' is a command", () =>
  withFolder(async (folder) => {
    const script = new URL("npm.ts", import.meta.url).pathname;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", script, `${folder}/npm`],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const all = [...filesIn(`${folder}/npm`)].map((path) => path.slice(`${folder}/npm/`.length));
    const files = all.filter((path) => !path.startsWith("apps/"));
    assert.deepEqual(files.filter((path) => !/\.(js|js\.map|d\.ts)$/.test(path)).sort(), [
      ...["core", "distributed", "layers", "optimizers", "training"].flatMap((name) =>
        ["LICENSE", "README.md", "package.json"].map((file) => `${name}/${file}`)
      ),
    ]);
    assert.deepEqual(files.filter((path) => /_test\.|testdata|\/kernels\/|\.declarations/.test(path)), []);
    for (const path of files.filter((path) => path.endsWith(".js"))) {
      const text = await Deno.readTextFile(`${folder}/npm/${path}`);
      assert.doesNotMatch(text, /^\s*using /m, path);
      const imported = [...text.matchAll(/^[^*\n]*from "(.*)"/gm)].map(([, specifier]) => specifier!);
      const allowed = path.endsWith("/testing.js") ? /^\..*\.js$|^@unfold\/|^node:/ : /^\..*\.js$|^@unfold\//;
      assert.deepEqual(imported.filter((specifier) => !allowed.test(specifier)), [], path);
      assert.ok(files.includes(path.replace(/\.js$/, ".d.ts")), path);
    }
    assert.match(await Deno.readTextFile(`${folder}/npm/apps/unfold.js`), /^#!\/usr\/bin\/env node\n/);
    const apps = JSON.parse(await Deno.readTextFile(`${folder}/npm/apps/package.json`));
    assert.deepEqual(apps.bin, { unfold: "unfold.js" });
    assert.equal(apps.dependencies["@unfold/core"], config.version);
    for (const path of all.filter((path) => /^apps\/.*\.js$/.test(path))) {
      const text = await Deno.readTextFile(`${folder}/npm/${path}`);
      const imported = [...text.matchAll(/^(?:\} from|import .* from|import) "([^".][^"]*)"/gm)].map(([, name]) =>
        name!
      );
      for (const name of imported.filter((name) => !name.startsWith("node:"))) {
        assert.match(apps.dependencies[/^(@[^/]*\/)?[^/]*/.exec(name)![0]] ?? `${path}: ${name}`, /^\d+\.\d+\.\d+$/);
      }
    }
    // Messages and tables name classes, which a bundler may rename.
    assert.match(await Deno.readTextFile(`${folder}/npm/layers/dense.js`), /^(export )?class Dense /m);
    const layers = JSON.parse(await Deno.readTextFile(`${folder}/npm/layers/package.json`));
    assert.match(layers.description, /^[A-Z].*\.$/);
    assert.deepEqual({ ...layers, description: "" }, {
      name: "@unfold/layers",
      version: config.version,
      description: "",
      license: "MIT",
      type: "module",
      engines: { node: ">=22" },
      exports: {
        ".": { types: "./mod.d.ts", default: "./mod.js" },
        "./interchange": { types: "./interchange/mod.d.ts", default: "./interchange/mod.js" },
        "./testing": { types: "./testing.d.ts", default: "./testing.js" },
        "./package.json": "./package.json",
      },
      sideEffects: false,
      peerDependencies: { "@unfold/core": config.version },
    });
  }));
