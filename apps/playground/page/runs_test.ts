import assert from "node:assert/strict";
import type { Report, RunFacts } from "../messages.ts";
import { fromFragment } from "../settings.ts";
import { Runs } from "./runs.ts";

function factsOf(fragment: string): RunFacts {
  const { settings } = fromFragment(fragment);
  return { settings, parameters: 1, unit: "bits", logarithmic: false, floors: {}, about: "" };
}

function listen() {
  const heard: string[] = [];
  const runs: Runs = new Runs((report) => {
    heard.push(`${report.type} ${report.run}`);
    if (report.type === "started") runs.begin(report);
  });
  const say = (type: "started" | "progress" | "failed", run: number, fragment = "data=sine") =>
    runs.hear(
      (type === "started" ? { type, run, ...factsOf(fragment) } : { type, run, message: "bad" }) as unknown as Report,
    );
  return { runs, heard, say, ask: (fragment: string) => runs.ask(fromFragment(fragment).settings) };
}

Deno.test("of a run that nobody waits for any more nothing is heard", () => {
  const { runs, heard, say, ask } = listen();
  ask("data=sine");
  ask("data=sine&seed=2");
  say("started", 1);
  say("progress", 1);
  say("failed", 1);
  assert.deepEqual([heard, runs.current], [[], undefined]);
  say("started", 2);
  say("progress", 2);
  // The one before is heard of until the next has begun.
  ask("data=sine&seed=3");
  say("progress", 2);
  say("progress", 3);
  say("started", 3);
  say("progress", 2);
  say("failed", 2);
  say("failed", 3);
  assert.deepEqual(heard, ["started 2", "progress 2", "progress 2", "started 3", "failed 3"]);
});

Deno.test("what fails to begin leaves the run that is seen; each task keeps its last", () => {
  const { runs, heard, say, ask } = listen();
  ask("data=sine");
  say("started", 1);
  ask("data=own-csv");
  say("failed", 2);
  runs.refuse();
  assert.deepEqual([heard.at(-1), runs.asked, runs.current!.run], ["failed 2", undefined, 1]);
  ask("data=names");
  say("started", 3, "data=names");
  assert.deepEqual([runs.kept("series")!.run, runs.kept("text")!.run], [1, 3]);
  runs.returnTo(runs.kept("series")!);
  say("progress", 3);
  assert.deepEqual([heard.at(-1), runs.current!.run], ["started 3", 1]);
  // The worker has made another in the meantime, which nobody waits for: the one before is gone.
  ask("data=names&seed=2");
  runs.returnTo(runs.kept("series")!);
  say("started", 4, "data=names");
  assert.deepEqual([runs.kept("text"), runs.current!.run], [undefined, 1]);
});
