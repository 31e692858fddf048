import assert from "node:assert/strict";
import { lockFolder } from "@unfold/training";
import { withFolder } from "../../tools/testing.ts";
import { QUICK, withPrices } from "../stock/_testing.ts";
import { runApp } from "./_run_app.ts";
import { checkFreeSpace, prepareFolder, writeFiles } from "./files.ts";

Deno.test("writeFiles writes no file at all if a folder is in the way of one", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/b`);
    await assert.rejects(
      writeFiles(folder, { a: "1", b: "2" }),
      /^Error: Cannot write to .*: b must be a file, got a folder$/,
    );
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["b"]);
  }));

Deno.test("writeFiles replaces files with text and bytes of any size", () =>
  withFolder(async (folder) => {
    const bytes = Uint8Array.from({ length: 5_000_000 }, (_, i) => i * 7);
    await Deno.writeTextFile(`${folder}/a`, "what was there, and longer");
    await writeFiles(folder, { a: "é", b: bytes, empty: "" });
    assert.equal(await Deno.readTextFile(`${folder}/a`), "é");
    assert.deepEqual(await Deno.readFile(`${folder}/b`), bytes);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), ["a", "b", "empty"]);
  }));

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("one run at a time has an output folder; it is released at the end and after an error", () =>
  withFolder(async (parent) => {
    const folder = `${parent}/runs/a`;
    {
      using _ = await prepareFolder(folder, { files: ["a"] });
      await assert.rejects(prepareFolder(folder, { files: ["a"] }), {
        message: new RegExp(
          `^Cannot use ${folder}: it must be used by one run at a time, got another run in it, process ${Deno.pid}( on .*)?; ` +
            "wait until that ends, or choose another folder$",
        ),
      });
      // Another rank of the same run.
      using _other = await prepareFolder(folder, { files: ["a"], communicator: { rank: 1 } });
      await writeFiles(folder, { a: "1" });
    }
    assert.deepEqual(names(folder), ["a"]);
    await Deno.mkdir(`${folder}/b`);
    await assert.rejects(prepareFolder(folder, { files: ["a", "b"] }), {
      message: `Cannot write to ${folder}: b must be a file, got a folder`,
    });
    (await prepareFolder(folder, { files: ["a"] }))[Symbol.dispose]();
    assert.deepEqual(names(folder), ["a", "b"]);
  }));

Deno.test("a run that writes nothing leaves no new folder, but leaves an old one", () =>
  withFolder(async (folder) => {
    for (const out of [folder, `${folder}/new`]) (await prepareFolder(out, { files: ["a"] }))[Symbol.dispose]();
    assert.deepEqual(names(folder), []);
  }));

Deno.test("what a killed process was writing is removed, what a running one is writing is not", () =>
  withFolder(async (folder) => {
    // A process that stops between writing a file and renaming it.
    await Deno.writeTextFile(
      `${folder}/run.ts`,
      `import fs from "node:fs/promises";
       import { writeFiles } from "${new URL("./files.ts", import.meta.url)}";
       fs.rename = () => { console.log("written"); return new Promise(() => {}); };
       setInterval(() => {}, 1000);
       await writeFiles(Deno.args[0], { "a.json": "{}" });`,
    );
    const out = `${folder}/out`;
    await Deno.mkdir(out);
    const args = [
      "run",
      "--no-check",
      "--config",
      "deno.json",
      "--allow-read",
      "--allow-write",
      `${folder}/run.ts`,
      out,
    ];
    const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    reader.releaseLock();
    const left = `.a.json.${child.pid}.tmp`;
    const others = [".a.json.tmp", ".b.json.7.tmp", ".x.a.json.7.tmp", "a.json.7.tmp"];
    for (const name of [...others, ".a.json.7.tmp"]) await Deno.writeTextFile(`${out}/${name}`, "");
    (await prepareFolder(out, { files: ["a.json"] }))[Symbol.dispose]();
    assert.deepEqual(names(out), [...others, left].sort());
    child.kill("SIGKILL");
    await child.output();
    (await prepareFolder(out, { files: ["a.json"] }))[Symbol.dispose]();
    assert.deepEqual(names(out), others.sort());
  }));

Deno.test("a nearly full disk is refused with what is free", () => {
  const disk = (free: number, blocks = 1000) => ({ blocks, bavail: free / 512, bsize: 512 });
  checkFreeSpace(disk(100e6));
  // A file system that does not say.
  checkFreeSpace(disk(0, 0));
  for (const [free, shown] of [[0, "0.0"], [4.2e6, "4.2"], [99e6, "99.0"]] as const) {
    assert.throws(() => checkFreeSpace(disk(free)), {
      message: `its disk must have 100 MB free, got ${shown} MB; free some space, or choose another folder`,
    });
  }
});

Deno.test("every command refuses the output folder of another run, and a folder with the name of one of its files", () =>
  withPrices(async (folder, prices) => {
    const text = `${folder}/text.txt`;
    await Deno.writeTextFile(text, "to be or not to be\n".repeat(100));
    const classifier = ["--epochs", "1", "--hidden", "4"];
    const commands: [app: string, args: string[], files: string[]][] = [
      ["stock", ["train", "--csv", prices, ...QUICK], ["model.safetensors", "next.csv", "forecast.png"]],
      ["stock", ["backtest", "--csv", prices, ...QUICK], ["backtest.jsonl"]],
      ["stock", ["tune", "--csv", prices, "--folds", "1", "--fold-days", "20"], ["tune.jsonl"]],
      ["text", ["train", "--text", text, "--hidden", "4"], ["metrics.json"]],
      ["text", ["classify", "train", ...classifier], ["classifier.safetensors"]],
      ["forecast", ["train", "--csv", prices, "--no-network"], ["forecasts.csv", "forecast.svg"]],
    ];
    const out = `${folder}/out`;
    for (const [app, args, files] of commands) {
      const refused = async (message: string) => {
        const { code, stdout, stderr } = await runApp(app, folder, [...args, "--out", out]);
        assert.ok(stderr.endsWith(`error: ${message}\n`), `${app} ${args[0]}: ${stderr}`);
        assert.deepEqual([code, stdout], [1, ""]);
      };
      {
        using _ = await lockFolder(out);
        // This process may not ask for the host's name, so its lock file has none.
        await refused(
          `Cannot use ${out}: it must be used by one run at a time, got another run in it, process ${Deno.pid}; ` +
            "wait until that ends, or choose another folder",
        );
      }
      for (const file of files) {
        await Deno.mkdir(`${out}/${file}`);
        await refused(`Cannot write to ${out}: ${file} must be a file, got a folder`);
        await Deno.remove(`${out}/${file}`);
      }
      assert.deepEqual(names(out), []);
    }
  }));
