import type { Command, Option } from "@commander-js/extra-typings";
import assert from "node:assert/strict";
import { program as forecast } from "../forecast/main.ts";
import { withPrices } from "../stock/_testing.ts";
import { program as stock } from "../stock/main.ts";
import { program as text } from "../text/main.ts";
import { runApp } from "./_run_app.ts";

/** All commands of an app by their names. */
function commandsOf(command: Command, path: string): [path: string, command: Command][] {
  return [
    [path, command],
    ...(command.commands as readonly Command[]).flatMap((inner) => commandsOf(inner, `${path} ${inner.name()}`)),
  ];
}

/** The options of all apps that take a number, with the smallest one that each takes. */
function* numberOptions(): Generator<[name: string, parse: (text: string) => unknown, isCount: boolean]> {
  const apps = { forecast, stock, text } as unknown as Record<string, Command>;
  for (const [path, command] of Object.entries(apps).flatMap(([app, program]) => commandsOf(program, app))) {
    for (const option of command.options as readonly Option[]) {
      const parse = (text: string) => option.parseArg!(text, undefined as never);
      const takes = (text: string) => {
        try {
          return typeof parse(text) === "number";
        } catch {
          return false;
        }
      };
      if (option.parseArg === undefined || !["0", "0.2", "2"].some(takes)) continue;
      yield [`${path} ${option.long}`, parse, !takes("0.2")];
    }
  }
}

Deno.test("every option that takes a number refuses what is none, and counts what is no count", () => {
  const seen = [...numberOptions()];
  for (const [name, parse, isCount] of seen) {
    const refused = ["", " ", "NaN", "x", "Infinity", "-1", ...isCount ? ["1.5", "1e300", "9007199254740992"] : []];
    for (const text of refused) {
      assert.throws(() => parse(text), { code: "commander.invalidArgument" }, `${name} ${text}`);
    }
  }
  const counts = seen.filter(([, , isCount]) => isCount).map(([name]) => name);
  for (
    const name of [
      "forecast train --folds",
      "stock backtest --folds",
      "stock tune --trials",
      "text evaluate --batch-size",
    ]
  ) {
    assert.ok(counts.includes(name), counts.join(", "));
  }
});

/** Options that set sizes, each far larger than anything that fits or that there is. */
const LARGE = "1000000000";

Deno.test("a size that does not fit is one error line, before anything is allocated", () =>
  withPrices(async (folder, prices) => {
    const words = `${folder}/text.txt`;
    await Deno.writeTextFile(words, "to be or not to be\n".repeat(400));
    const small = ["--hidden", "4", "--epochs", "1", "--out", `${folder}/model`];
    const trained = await runApp("text", folder, ["--text", words, ...small, "--batch-size", "4", "--time", "10"]);
    assert.equal(trained.code, 0, trained.stderr);
    const model = `${folder}/model/model.safetensors`;
    const out = ["--out", `${folder}/out`];
    const commands: [app: string, args: string[], options: string[]][] = [
      ["stock", ["train", "--csv", prices, ...out], ["--window", "--hidden", "--season"]],
      ["stock", ["backtest", "--csv", prices, ...out], ["--folds", "--fold-days"]],
      ["stock", ["tune", "--csv", prices, ...out], ["--folds", "--fold-days"]],
      ["stock", ["compare", "--csv", prices], ["--seeds", "--hidden"]],
      ["text", ["train", "--text", words, ...out], ["--hidden", "--layers", "--embedding", "--batch-size", "--time"]],
      ["text", ["classify", "train", ...out], ["--hidden", "--embedding", "--layers"]],
      ["text", ["evaluate", model, "--text", words], ["--batch-size"]],
      ["text", ["generate", model], ["--count", "--length"]],
      ["text", ["train", "--text", words, ...out], ["--threads"]],
      ["forecast", ["train", "--csv", prices, ...out], ["--hidden", "--horizon", "--season", "--folds", "--seeds"]],
      ["forecast", ["compare", "--csv", prices], ["--batch-size", "--steps"]],
    ];
    for (const [app, args, options] of commands) {
      for (const option of options) {
        const { code, stdout, stderr } = await runApp(app, folder, [...args, option, LARGE]);
        const name = `${app} ${args[0]} ${option}: ${stderr}`;
        assert.match(stderr, /(?:^|\n)error: [^\n]{1,2000}\n$/, name);
        assert.deepEqual([stdout, code === 1 || code === 2], ["", true], name);
      }
    }
  }));
