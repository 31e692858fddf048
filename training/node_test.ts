import { Checkpoints, jsonLines, lockFolder, progressBar, stopOnSignals, tensorBoard } from "@unfold/training";
import assert from "node:assert/strict";
import process from "node:process";

/** Runs a test as in a browser, which has no process. */
async function inBrowser(test: () => void | Promise<void>): Promise<void> {
  Object.assign(globalThis, { process: undefined });
  try {
    await test();
  } finally {
    Object.assign(globalThis, { process });
  }
}

Deno.test("in a browser, what needs files or a process says so, and the rest works", () =>
  inBrowser(async () => {
    const refusal = (doing: string) =>
      `Cannot ${doing}: the runtime must have files and processes, as Deno 2, Node 22 and Bun 1.2 or later do, got one without`;
    assert.throws(() => jsonLines("log"), { message: refusal("write to log") });
    assert.throws(() => tensorBoard("runs"), { message: refusal("write to runs") });
    assert.throws(() => stopOnSignals(), { message: refusal("stop on signals") });
    await assert.rejects(() => lockFolder("out"), { message: refusal("use out") });
    const checkpoints = new Checkpoints({ folder: "out" });
    await assert.rejects(() => checkpoints.save(1, {}, {}), { message: refusal("use out") });
    await assert.rejects(() => checkpoints.lock(), { message: refusal("write to out") });
    const { error } = console;
    const lines: string[] = [];
    console.error = (line: string) => void lines.push(line);
    progressBar({ epochs: 1, samples: 1 })({ type: "epoch", epoch: 1, step: 1, loss: 1, validationLoss: undefined });
    console.error = error;
    assert.match(lines[0]!, /^epoch 1\/1 {2}loss 1.0000 .* total$/);
    assert.equal(lines.length, 1);
  }));
