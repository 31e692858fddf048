import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { withStderr } from "./_run_app.ts";
import { openResultLog, readResultLog } from "./result_log.ts";

interface Entry {
  readonly fold: number;
}

const problemOf = (entry: unknown, before: readonly Entry[]) => {
  const { fold } = entry as Entry;
  return fold === before.length + 1 ? undefined : `fold must be ${before.length + 1}, got ${fold}`;
};
const HEAD = '{"of":{"seed":1}}';

Deno.test("a last line that was cut off is left out with a note, and written again on resume", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.jsonl`;
    for (const rest of ["{", '{"fold":', '{"fold":2', "\x1b["]) {
      await Deno.writeTextFile(path, `${HEAD}\n{"fold":1}\n${rest}`);
      const [log, stderr] = await withStderr(() =>
        openResultLog<Entry>({ folder, name: "log.jsonl", of: JSON.parse(HEAD), resume: true, problemOf })
      );
      using _ = log;
      assert.deepEqual(log.entries, [{ fold: 1 }]);
      const shown = rest.replaceAll('"', '\\"').replace("\x1b", "\\u001b");
      assert.equal(stderr, `note: line 3 of ${path} is incomplete and left out, got "${shown}"`);
      await log.add({ fold: 2 });
      assert.equal(await Deno.readTextFile(path), `${HEAD}\n{"fold":1}\n{"fold":2}\n`);
    }
  }));

Deno.test("whole lines are kept without a last newline, and bad lines are refused", () =>
  withFolder(async (folder) => {
    const path = `${folder}/log.jsonl`;
    const read = async (text: string) => {
      await Deno.writeTextFile(path, text);
      return await withStderr(() => readResultLog<Entry>(path, problemOf));
    };
    const whole = `${HEAD}\n{"fold":1}\n{"fold":2}`;
    for (const text of [whole, `${whole}\n`]) {
      const [{ of, entries }, stderr] = await read(text);
      assert.deepEqual([of, entries, stderr], [{ of: { seed: 1 } }, [{ fold: 1 }, { fold: 2 }], ""]);
    }
    for (
      const [text, message] of [
        [`${HEAD}\n{"fold":1}\n{\n`, /line 3 must be a JSON object, got "\{"$/],
        [`${HEAD}\n{\n{"fold":1}`, /line 2 must be a JSON object, got "\{"$/],
        [`${HEAD}\n{"fold":1}\n7`, /line 3 must be a JSON object, got "7"$/],
        [`${HEAD}\n{"fold":2}`, /line 2: fold must be 1, got 2$/],
        [`${HEAD}\n{"fold":1}\n{"fold":1}\n`, /line 3: fold must be 2, got 1$/],
        [`${HEAD}\n[1]\n`, /line 2 must be a JSON object, got "\[1\]"$/],
        ["{", /line 1 must be a JSON object, got "\{"$/],
        ["", /line 1 must be a JSON object, got ""$/],
      ] as const
    ) await assert.rejects(() => read(text), { message });
  }));
