import assert from "node:assert/strict";
// Installs onnxruntime-node, which the programs import.
import "../tools/onnx.ts";
import { pythonWith, withFolder } from "../tools/testing.ts";
import { checkPrinted, prepare, programOf, TASKS } from "./_programs.ts";

const modules = new URL("../node_modules", import.meta.url).pathname;

/** How to run a program, if this machine can. */
const runners = {
  python: { command: pythonWith("onnxruntime"), args: [] },
  js: {
    command: Deno.execPath(),
    // Like Node, resolve imports in node_modules.
    args: ["run", "--quiet", "--no-prompt", "--no-config", "--node-modules-dir=manual", "--allow-read", "--allow-ffi"],
  },
} as const;

for (const language of ["python", "js"] as const) {
  const { command, args } = runners[language];
  for (const task of TASKS) {
    const does = { forecast: "gives the app's forecast", text: "generates text with the model" }[task];
    Deno.test(
      `${language}: the page's program ${does}`,
      { ignore: command === undefined },
      () =>
        withFolder(async (folder) => {
          const program = `${folder}/program.${language === "js" ? "mjs" : "py"}`;
          await Deno.symlink(modules, `${folder}/node_modules`);
          await Deno.writeTextFile(program, programOf(task, language).program);
          await prepare(folder, task);
          const child = new Deno.Command(command!, { args: [...args, program], cwd: folder });
          const { success, stdout, stderr } = await child.output();
          assert.ok(success, new TextDecoder().decode(stderr));
          checkPrinted(task, new TextDecoder().decode(stdout));
        }),
    );
  }
}
