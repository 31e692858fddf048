import type { Consumer } from "./consume.ts";

/**
 * Writes a line of JSON for each event to the end of a file: the event, and when it happened as `time`. What is not finite is
 * null. A run that is resumed goes on in the same file, where the steps since its last checkpoint then stand twice.
 *
 * @param path The file.
 * @returns A consumer of training events.
 *
 * @example
 * ```ts
 * import { jsonLines } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * const file = await Deno.makeTempFile();
 * const log = jsonLines(file);
 * log({ type: "validation", epoch: 1, step: 10, loss: 0.5 });
 * const { time, ...event } = JSON.parse(await Deno.readTextFile(file));
 * assert.deepEqual(event, { type: "validation", epoch: 1, step: 10, loss: 0.5 });
 * assert.ok(Date.parse(time) <= Date.now());
 * await Deno.remove(file);
 * ```
 */
export function jsonLines(path: string): Consumer {
  return (event) => {
    Deno.writeTextFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`, { append: true });
  };
}
