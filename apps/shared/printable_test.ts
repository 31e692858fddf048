import { Command } from "@commander-js/extra-typings";
import { Random } from "@unfold/core";
import { printable } from "@unfold/core/support";
import assert from "node:assert/strict";
import { assertPrintable, HOSTILE, pythonWith, withFolder } from "../../tools/testing.ts";
import { LanguageModel } from "../text/language_model.ts";
import { Classifier } from "../text/classifier/classifier.ts";
import { runApp } from "./_run_app.ts";
import { runCommand } from "./cli.ts";
import { table } from "./format.ts";
import { asData } from "./printable.ts";

/** Fails if a text has a character that a terminal obeys or that reorders a line, except line ends and tabs. */
function assertHarmless(text: string): void {
  assert.doesNotMatch(text.replaceAll(/[\n\t]/g, ""), /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
}

/** Calls a function and returns what it printed on stderr. */
async function stderrOf(run: () => Promise<unknown>): Promise<string> {
  const { error } = console;
  let said = "";
  console.error = (text: string) => said += `${text}\n`;
  try {
    await run();
  } finally {
    console.error = error;
  }
  return said;
}

/** A stack that every model of the text app has. */
const STACK = { cell: "gru", hidden: 2, layers: 1, embedding: 2, dropout: 0 } as const;
/** Characters that clear the screen, set a title, go back, and reorder a line. */
const CONTROLS = ["\x1b", "\x9b", "\x07", "\b", "\u202e", "\u2028", "\x7f"];

Deno.test("an error is one line of at most 2,000 characters that steers no terminal", async () => {
  const failing = (error: Error) => new Command("x").action(() => Promise.reject(error));
  const said = await stderrOf(() => runCommand(failing(new Error(`Cannot read a: ${HOSTILE}`)), []));
  assert.match(said, /^error: Cannot read a: a\\u001b\[2J\\u009b31m\\u202e\\u2028\\nx+… \([\d,]+ more characters\)\n$/);
  assert.ok(said.length < 2100, `got ${said.length} characters`);
  const option = await stderrOf(() => runCommand(new Command("x"), [`--${HOSTILE}`]));
  assert.match(option, /^error: unknown option '--a\\u001b/);
  assert.ok(option.length < 2100, `got ${option.length} characters`);
  // A bug is rethrown, and Deno prints it.
  await assert.rejects(runCommand(failing(new Error("a\x1b[2J\nb")), []), ({ message, stack }: Error) => {
    assert.equal(message, "a\\u001b[2J\nb");
    assertHarmless(stack!);
    return true;
  });
});

Deno.test("the cells of a table are one line each, and aligned as they are shown", () => {
  const lines = table(["name", "count"], [[HOSTILE, "1"], ["b\nc", "2"]]).split("\n");
  assert.equal(lines.length, 4);
  for (const line of lines) assertPrintable(line);
  assert.equal(new Set(lines.map(({ length }) => length)).size, 1);
});

Deno.test("generated text is exact in a file, and harmless on a terminal", () =>
  withFolder(async (folder) => {
    const model = new LanguageModel(
      { ...STACK, tokens: "char", vocabulary: ["\n", "\t", "a", ...CONTROLS], tied: false },
      new Random(1),
    );
    await Deno.writeFile(`${folder}/model.safetensors`, model.toFile());
    const args = ["generate", `${folder}/model.safetensors`, "--length", "200"];
    const piped = await runApp("text", folder, args);
    assert.equal(piped.code, 0, piped.stderr);
    for (const char of CONTROLS) assert.ok(piped.stdout.includes(char), printable(char));
    assert.equal(asData(piped.stdout, false), piped.stdout);
    assertHarmless(asData(piped.stdout, true));
    const json = await runApp("text", folder, [...args, "--json"]);
    assertHarmless(json.stdout);
    assert.deepEqual(JSON.parse(json.stdout), [piped.stdout.slice(0, -1)]);

    // As on the screen: a pseudo-terminal.
    const python = pythonWith("pty");
    if (python === undefined || Deno.build.os === "windows") return;
    const command = [Deno.execPath(), "run", "--no-prompt", "--allow-read", "apps/text/main.ts", ...args];
    const { stdout } = await new Deno.Command(python, {
      args: ["-c", "import pty, sys; pty.spawn(sys.argv[1:])", ...command],
      stdin: "null",
    }).output();
    const shown = new TextDecoder().decode(stdout).replaceAll("\r\n", "\n");
    assert.equal(shown, asData(piped.stdout, true));
  }));

Deno.test("classes and errors from a model file are harmless in every output", () =>
  withFolder(async (folder) => {
    const classes = [`good${CONTROLS.join("")}\n`, "bad\t"];
    const encoder = { ...STACK, bidirectional: false, pools: ["last"], embeddingDropout: 0, wordDropout: 0 };
    const config = { model: "network", tokens: "char", vocabulary: ["a", "<unk>"], classes, encoder };
    const path = `${folder}/classifier.safetensors`;
    await Deno.writeFile(path, new Classifier(config as never, new Random(1)).toFile());
    const args = ["classify", "predict", path];
    const plain = await runApp("text", folder, args, { stdin: "a\naa\n" });
    assert.equal(plain.code, 0, plain.stderr);
    assertHarmless(plain.stdout);
    assert.deepEqual(plain.stdout.split("\n").map((line) => line.split("\t").length), [3, 3, 1]);
    const json = await runApp("text", folder, [...args, "--json"], { stdin: `a${CONTROLS.join("")}\n` });
    assertHarmless(json.stdout);
    const { text, probabilities } = JSON.parse(json.stdout);
    assert.deepEqual([text, Object.keys(probabilities)], [`a${CONTROLS.join("")}`, classes]);

    await Deno.writeFile(
      path,
      new Classifier({ ...config, encoder: { ...encoder, cell: HOSTILE } } as never, new Random(1)).toFile(),
    );
    const refused = await runApp("text", folder, args, { stdin: "a\n" });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /its cell must be one of .*, got "a\\u001b\[2J/);
    assert.ok(refused.stderr.length < 1000, `got ${refused.stderr.length} characters`);
  }));

Deno.test("all that the apps print goes through print, say and asData", async () => {
  const found: string[] = [];
  const visit = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory && !["node_modules", "playground", "examples"].includes(name)) await visit(path);
      if (!name.endsWith(".ts") || name.endsWith("_test.ts") || path === "apps/shared/printable.ts") continue;
      if (/\bconsole\.(?:log|error|warn|info)\(/.test(await Deno.readTextFile(path))) found.push(path);
    }
  };
  await visit("apps");
  assert.deepEqual(found, []);
});
