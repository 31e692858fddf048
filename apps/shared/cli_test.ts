import { Command } from "@commander-js/extra-typings";
import assert from "node:assert/strict";
import { runCommand } from "./cli.ts";

Deno.test("a bug is not reported as a user's error but rethrown with its stack", async () => {
  const failing = (error: Error) => new Command("x").action(() => Promise.reject(error));
  await assert.rejects(
    runCommand(failing(new TypeError("Cannot read properties of undefined (reading 'x')")), []),
    TypeError,
  );
  await assert.rejects(runCommand(failing(new Error("anything")), []), /anything/);
});
