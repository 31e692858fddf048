import assert from "node:assert/strict";
import type { Report, RunFacts } from "../messages.ts";
import { fromFragment } from "../settings.ts";
import { Runs } from "./runs.ts";

function factsOf(fragment: string): RunFacts {
  const { settings } = fromFragment(fragment);
  return { settings, parameters: 1, unit: "bits", logarithmic: false, baselines: {}, about: "" };
}

/** Runs without a page: `sent` has their requests, `heard` the reports that they pass on. */
function control() {
  const sent: string[] = [];
  const heard: string[] = [];
  let restored: number[] = [];
  const runs: Runs = new Runs(
    (request) => {
      sent.push("run" in request ? `${request.type} ${request.run}` : request.type);
      if (request.type === "restore") restored = request.runs.map(({ run }) => run);
    },
    (report) => {
      heard.push(`${report.type} ${report.run}`);
      if (report.type === "started") runs.begin(report);
    },
  );
  const losses = (...values: number[]) => ({ losses: Float64Array.from(values), validation: [], steps: 0, speed: 0 });
  const report = (type: "started" | "progress" | "failed", run: number, fragment = "data=sine") => {
    const more = { started: factsOf(fragment), progress: losses(0.5), failed: { message: "bad" } }[type];
    runs.receive({ type, run, ...more } as Report);
  };
  const start = (fragment: string, options = {}) => {
    runs.prepare(fromFragment(fragment).settings, options);
    runs.launch({ name: "data", content: undefined });
  };
  return { runs, sent, heard, report, start, restored: () => restored };
}

Deno.test("reports about a discarded run are dropped", () => {
  const { runs, heard, report, start } = control();
  start("data=sine");
  start("data=sine&seed=2");
  report("started", 1);
  report("progress", 1);
  report("failed", 1);
  assert.deepEqual([heard, runs.current], [[], undefined]);
  report("started", 2);
  report("progress", 2);
  // The previous run is still reported until the next one begins.
  start("data=sine&seed=3");
  report("progress", 2);
  report("progress", 3);
  report("started", 3);
  report("progress", 2);
  report("failed", 2);
  report("failed", 3);
  assert.deepEqual(heard, ["started 2", "progress 2", "progress 2", "started 3", "failed 3"]);
});

Deno.test("a run that cannot begin leaves the visible one; each task keeps its last run", () => {
  const { runs, heard, report, start } = control();
  start("data=sine");
  report("started", 1);
  start("data=own-csv");
  report("failed", 2);
  runs.cancel();
  assert.deepEqual([heard.at(-1), runs.pending, runs.current!.run], ["failed 2", undefined, 1]);
  start("data=names");
  report("started", 3, "data=names");
  assert.deepEqual([runs.kept("series")!.run, runs.kept("text")!.run], [1, 3]);
  runs.returnTo(runs.kept("series")!);
  report("progress", 3);
  assert.deepEqual([heard.at(-1), runs.current!.run], ["started 3", 1]);
  // The worker has built a discarded run, which replaced the kept one.
  start("data=names&seed=2");
  runs.returnTo(runs.kept("series")!);
  report("started", 4, "data=names");
  assert.deepEqual([runs.kept("text"), runs.current!.run], [undefined, 1]);
  // The same for the visible run.
  start("data=sine&seed=2");
  start("data=sine&seed=3");
  report("started", 5);
  assert.deepEqual([runs.kept("series"), runs.current], [undefined, undefined]);
});

Deno.test("a run keeps losses that arrive after the visitor has switched away", () => {
  const { runs, heard, report, start } = control();
  start("data=sine");
  report("started", 1);
  report("progress", 1);
  runs.leave();
  report("progress", 1);
  start("data=names");
  report("started", 2, "data=names");
  runs.returnTo(runs.kept("series")!);
  assert.equal(runs.current!.curve.steps, 2);
  assert.deepEqual(heard, ["started 1", "progress 1", "started 2"]);
});

Deno.test("a run can train immediately; switching away pauses it, and an error ends training", () => {
  const { runs, sent, report, start } = control();
  start("data=sine", { train: true });
  report("started", 1);
  assert.ok(runs.training);
  runs.leave();
  assert.ok(!runs.training);
  runs.returnTo(runs.kept("series")!);
  runs.train();
  report("failed", 1);
  assert.ok(!runs.training);
  assert.deepEqual(sent, ["start 1", "train", "pause", "pause", "return 1", "train"]);
});

Deno.test("in a new worker, runs go on from their newest snapshots, the visible one last", () => {
  const { runs, sent, report, start, restored } = control();
  const snapshot = (run: number, steps: number) =>
    runs.receive({ type: "snapshot", run, steps, bytes: Uint8Array.of(steps) });
  start("data=sine");
  report("started", 1);
  snapshot(1, 1);
  start("data=names");
  report("started", 2, "data=names");
  for (let i = 0; i < 4; i++) report("progress", 2);
  snapshot(2, 2);
  snapshot(2, 3);
  snapshot(9, 4);
  runs.look("text", 1);
  runs.train();
  start("data=names&seed=2");
  sent.length = 0;
  runs.restart();
  assert.deepEqual(sent, ["look", "restore", "start 3"]);
  assert.deepEqual(restored(), [1, 2]);
  assert.deepEqual([runs.training, runs.current!.curve.steps], [false, 3]);
  assert.deepEqual(runs.kept("series")!.snapshot.steps, 1);
  const { file, steps, run } = runs.current!.snapshot;
  assert.deepEqual([run, steps, file!.bytes], [2, 3, Uint8Array.of(3)]);
});

Deno.test("without a snapshot, a run begins again", () => {
  const { runs, report, start } = control();
  start("data=sine");
  report("started", 1);
  report("progress", 1);
  runs.restart();
  const { curve, snapshot } = runs.current!;
  assert.deepEqual([curve.steps, snapshot.run, snapshot.steps, snapshot.file], [0, 1, undefined, undefined]);
});
