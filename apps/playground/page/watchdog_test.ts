import assert from "node:assert/strict";
import { Watchdog } from "./watchdog.ts";

/** A watchdog on a clock that the test turns. */
function control() {
  const log: string[] = [];
  let timer: (() => void) | undefined;
  const dog = new Watchdog({
    ping: () => log.push("ping"),
    onSilence: () => log.push("silence"),
    after: (_, then) => {
      timer = then;
      return () => timer = undefined;
    },
  });
  return { dog, log, isWaiting: () => timer !== undefined, elapse: () => timer?.() };
}

Deno.test("an answer in time ends the wait, and silence is reported once", () => {
  const { dog, log, isWaiting, elapse } = control();
  dog.up();
  dog.expect();
  dog.expect();
  assert.deepEqual([log, isWaiting()], [["ping"], true]);
  dog.answered();
  assert.equal(isWaiting(), false);
  dog.answered();
  dog.expect();
  elapse();
  assert.deepEqual(log, ["ping", "ping", "silence"]);
});

Deno.test("nothing is expected of a worker that is still loading, nor of the one that replaces it", () => {
  const { dog, log, isWaiting, elapse } = control();
  dog.expect();
  assert.deepEqual([log, isWaiting()], [[], false]);
  dog.up();
  dog.expect();
  elapse();
  dog.expect();
  assert.deepEqual(log, ["ping", "silence"]);
  dog.up();
  dog.expect();
  assert.deepEqual(log, ["ping", "silence", "ping"]);
});
