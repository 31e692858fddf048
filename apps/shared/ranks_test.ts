import assert from "node:assert/strict";
import { LAUNCHERS, UNMEASURED } from "../../distributed/testdata/launchers.ts";
import { withFolder } from "../../tools/testing.ts";
import { runApp, stopApp } from "./_run_app.ts";
import { exists } from "./files.ts";

/** A partly predictable text. */
const TEXT = Array.from({ length: 900 }, (_, i) => `the ${(i * i) % 7} sat on ${i % 5} `).join("");
const SMALL = ["--hidden", "12", "--batch-size", "10", "--time", "20"];

async function withText(test: (folder: string, args: string[]) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/text.txt`, TEXT);
    await test(folder, ["--text", `${folder}/text.txt`, ...SMALL]);
  });
}

Deno.test("text: --threads gives the same model to the last bit, and says so on stderr", () =>
  withText(async (folder, args) => {
    const files = [];
    for (const threads of ["1", "2"]) {
      const out = `${folder}/threads${threads}`;
      const more = ["--epochs", "1", "--hidden", "96", "--out", out, "--threads", threads];
      const { code, stderr } = await runApp("text", folder, [...args, ...more]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr.includes("computing on 2 threads"), threads === "2", stderr);
      files.push(await Deno.readFile(`${out}/model.safetensors`));
    }
    assert.deepEqual(files[0], files[1]);
  }));

Deno.test("text: a run stopped on two threads leaves a checkpoint that one thread resumes from", () =>
  withText(async (folder, args) => {
    const run = [...args, "--epochs", "40", "--dropout", "0.1", "--out", `${folder}/out`];
    const stopped = await stopApp("text", folder, [...run, "--threads", "2"], "SIGTERM", /epoch 1/);
    assert.equal(stopped.code, 143, stopped.stderr);
    assert.equal(stopped.stderr.match(/command with --resume/g)?.length, 1);
    const { code, stderr } = await runApp("text", folder, [...run, "--resume", "--threads", "1"]);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /no checkpoint/);
  }));

Deno.test("classify and stock give the same model on threads, to the last bit", () =>
  withFolder(async (folder) => {
    const lines = Array.from({ length: 300 }, (_, i) =>
      `${i % 2 ? "good fine" : "bad poor"} ${i},${i % 2 ? "up" : "down"}`);
    await Deno.writeTextFile(`${folder}/labelled.csv`, ["text,label", ...lines].join("\n"));
    const classify = ["classify", "--csv", `${folder}/labelled.csv`, "--epochs", "2", "--hidden", "8"];
    const stock = ["--epochs", "1", "--hidden", "64", "--window", "10"];
    for (
      const [app, args, file] of [["text", classify, "classifier.safetensors"], [
        "stock",
        stock,
        "model.safetensors",
      ]] as const
    ) {
      const models = [];
      for (const threads of ["1", "2"]) {
        const out = `${folder}/${app}${threads}`;
        const { code, stderr } = await runApp(app, folder, [...args, "--out", out, "--threads", threads]);
        assert.equal(code, 0, stderr);
        models.push(await Deno.readFile(`${out}/${file}`));
      }
      assert.deepEqual(models[0], models[1]);
    }
  }));

Deno.test("--threads and --distributed refuse what they cannot do", () =>
  withText(async (folder, args) => {
    const run = (...more: string[]) => runApp("text", folder, [...args, "--out", `${folder}/out`, ...more]);
    const none = await run("--threads", "0");
    assert.equal(none.code, 2);
    const word = await run("--distributed", "generate");
    assert.equal(word.code, 2);
    assert.match(word.stderr, /'generate' is invalid. It must be the path of an MPI library/);
    const hidden = await run("--distributed");
    assert.equal(hidden.code, 1);
    assert.match(hidden.stderr, /run again with --allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS/);
  }));

Deno.test("sizes without bounds are refused at once, with the figure", () =>
  withText(async (folder, args) => {
    const labelled = Array.from({ length: 60 }, (_, i) => `text ${i},${i % 2 ? "up" : "down"}`);
    await Deno.writeTextFile(`${folder}/labelled.csv`, ["text,label", ...labelled].join("\n"));
    const classify = ["classify", "--csv", `${folder}/labelled.csv`];
    const cases: [app: string, args: readonly string[], code: number, message: RegExp][] = [
      ["text", [...args, "--threads", "5000"], 2, /'5000' is invalid. It must be an integer from 1 to 256\.$/],
      ["text", [...args, "--layers", "1000000"], 2, /'1000000' is invalid. It must be an integer from 1 to 64\.$/],
      [
        "text",
        [...args, "--hidden", "20000"],
        1,
        /^error: Cannot train: the network must fit into the memory of the engine, 4\.0 GiB, got about 24 GiB \(24 GiB for 1,\d{3},\d{3},\d{3} weights .*; lower --hidden, --layers,/m,
      ],
      [
        "text",
        [...classify, "--hidden", "100000"],
        1,
        /^error: Cannot train: .*lower --hidden, --layers, --vocabulary/m,
      ],
      ["stock", ["--hidden", "1000000"], 1, /^error: Cannot train: .*lower --hidden, --batch-size or --window$/m],
      ["stock", ["--hidden", "1000000", "--model", "mlp"], 1, /^error: Cannot train: .*lower --hidden/m],
    ];
    for (const [app, more, code, message] of cases) {
      const found = await runApp(app, folder, [...more, "--out", `${folder}/out`]);
      assert.match(found.stderr.trim(), message);
      assert.equal(found.code, code);
    }
  }));

for (
  const [app, variable] of [["text", "OMPI_COMM_WORLD_SIZE"], ["stock", "PMI_SIZE"], ["text", "SLURM_STEP_NUM_TASKS"]]
) {
  Deno.test(`${app}: without --distributed several ranks are refused (${variable}); with it a single rank says so`, () =>
    withText(async (folder, args) => {
      const run = async (ranks: number, more: readonly string[]) => {
        const { code, stderr } = await new Deno.Command(Deno.execPath(), {
          args: [
            "run",
            "--no-prompt",
            "--allow-read",
            "--allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS",
            `--allow-write=${folder}`,
            `apps/${app}/main.ts`,
            ...app === "text" ? args : ["--window", "10", "--hidden", "4"],
            ...["--epochs", "1", "--out", `${folder}/out`],
            ...more,
          ],
          env: { [variable!]: String(ranks) },
        }).output();
        return { code, stderr: new TextDecoder().decode(stderr) };
      };
      assert.deepEqual(await run(2, []), {
        code: 2,
        stderr: "error: a launcher started 2 processes of this program: add --distributed to train one model on them\n",
      });
      const piped = await run(2, ["--distributed", app === "text" ? "--text" : "--csv", "-"]);
      assert.match(piped.stderr, /^error: --\w+ - needs a single rank: stdin can be read only once\n$/);
      assert.ok(!await exists(`${folder}/out`));
      if (variable === "PMI_SIZE") return;
      const alone = await run(1, ["--distributed"]);
      assert.equal(alone.code, 0);
      assert.match(alone.stderr, /^--distributed: mpiexec or srun started no other ranks; training on one\n/);
      assert.doesNotMatch((await run(1, [])).stderr, /training on one/);
    }));
}

for (const { name, command, library } of LAUNCHERS) {
  Deno.test({
    name: `text: ${name} launches it through its task`,
    ignore: library === "",
    fn: () =>
      withText(async (_, args) => {
        // The task may write only here.
        const out = await Deno.makeTempDir({ dir: ".", prefix: ".ranks-" });
        try {
          const task = ["task", "--quiet", "text", ...args, "--epochs", "1", "--out", out, "--distributed"];
          const { code, stdout, stderr } = await new Deno.Command(UNMEASURED[0], {
            args: [...UNMEASURED.slice(1), "timeout", "60", ...command, "-n", "2", Deno.execPath(), ...task],
          }).output();
          assert.equal(code, 0, new TextDecoder().decode(stderr));
          assert.equal(new TextDecoder().decode(stdout).match(/Written to/g)?.length, 1);
        } finally {
          await Deno.remove(out, { recursive: true });
        }
      }),
  });
}
