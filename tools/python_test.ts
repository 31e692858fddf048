import assert from "node:assert/strict";
import { environment, environmentIfAny } from "./python.ts";
import { withFolder } from "./testing.ts";

Deno.test("an environment that has the required packages is used as it is", () =>
  withFolder((folder) => {
    Deno.mkdirSync(`${folder}/.venv`);
    Deno.writeTextFileSync(`${folder}/requirements.txt`, "# nothing\n");
    Deno.writeTextFileSync(`${folder}/.venv/requirements.txt`, "# nothing\n");
    assert.equal(environment(folder), `${folder}/.venv/bin/python`);
  }));

Deno.test("a folder without requirements has no environment", () =>
  withFolder((folder) => {
    assert.throws(() => environment(folder), Deno.errors.NotFound);
    assert.equal(environmentIfAny(folder), undefined);
  }));

for (const folder of ["bench/peers", "tools/goldens"]) {
  Deno.test(`${folder}/requirements.txt pins every version`, () => {
    const lines = Deno.readTextFileSync(`${folder}/requirements.txt`).split("\n").filter((line) => /^[^#]/.test(line));
    assert.ok(lines.length > 5);
    assert.deepEqual(lines.filter((line) => !/^[\w-]+==[\d.]+$/.test(line)), []);
  });
}
