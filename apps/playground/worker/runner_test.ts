import assert from "node:assert/strict";
import type { Report, Request } from "../messages.ts";
import { fromFragment } from "../settings.ts";
import { Runner } from "./runner.ts";

/** The maximum number of turns that a test waits for a report. */
const PATIENCE = 200;

/**
 * A runner, its reports and its clock. Time passes only when the runner reads the clock, and after `breathe()` the
 * runner continues only when the test takes a turn. So the test decides when a message arrives, however busy the
 * machine is.
 */
function control() {
  const reports: Report[] = [];
  let time = 0;
  let breaths: (() => void)[] = [];
  /** Unfinished requests, and whether each is waiting in `breathe()`. */
  let pending = 0;
  let settled = () => {};
  const runner = new Runner((report) => reports.push(report), {
    now: () => time += 10,
    breathe: () =>
      new Promise((resolve) => {
        breaths.push(resolve);
        settled();
      }),
  });
  /** Waits until every request is either finished or waiting in `breathe()`. */
  const settle = async () => {
    while (breaths.length < pending) await new Promise<void>((resolve) => settled = resolve);
  };
  const turn = async () => {
    const waiting = breaths;
    breaths = [];
    for (const resume of waiting) resume();
    await settle();
  };
  const send = async (request: Request) => {
    pending++;
    void runner.handle(request).finally(() => {
      pending--;
      settled();
    });
    await settle();
  };
  const until = async <Type extends Report["type"]>(type: Type, count = 1) => {
    const found = () => reports.filter((report) => report.type === type) as Extract<Report, { type: Type }>[];
    for (let turns = 0; found().length < count; turns++) {
      assert.ok(turns < PATIENCE, `there must be ${count} reports of type ${type}, got ${found().length}`);
      await turn();
    }
    return found().at(-1)!;
  };
  const steps = () => reports.flatMap((report) => report.type === "progress" ? [report.steps] : []).at(-1) ?? 0;
  return { reports, send, turn, until, steps, pending: () => pending };
}

const start = (run: number, fragment = "data=sine&hidden=4&length=8"): Request => ({
  type: "start",
  run,
  settings: fromFragment(fragment).settings,
  data: { name: "mine", content: undefined },
});

Deno.test("training runs until paused, resumes when asked, and reports each loss once", async () => {
  const { reports, send, turn, until, steps, pending } = control();
  await send({ type: "train" });
  assert.deepEqual([reports.length, pending()], [0, 0]);
  await send(start(1));
  const { parameters, baselines } = await until("started");
  assert.ok(parameters > 0 && baselines.naive! > 0);
  await send({ type: "train" });
  assert.ok((await until("progress", 2)).speed > 0);
  await send({ type: "pause" });
  await turn();
  const paused = steps();
  assert.equal(pending(), 0, "a paused runner does nothing");
  // The first loop has not noticed the pause when the second begins. It must still end.
  await send({ type: "train" });
  await send({ type: "pause" });
  await send({ type: "train" });
  await turn();
  assert.equal(pending(), 1, "there is only one loop");
  await send({ type: "pause" });
  await turn();
  assert.equal(pending(), 0);
  assert.ok(steps() > paused);
  const losses = reports.flatMap((report) => report.type === "progress" ? [...report.losses] : []);
  assert.equal(losses.length, steps());
  assert.ok(reports.every(({ type }) => type !== "failed"));
});

Deno.test("a step is a single step; after a new run starts, nothing is reported about the old one", async () => {
  const { reports, send, turn, until, steps, pending } = control();
  await send(start(1));
  await until("started");
  await send({ type: "step" });
  assert.equal(steps(), 1);
  await send({ type: "train" });
  await until("progress", 3);
  await send(start(2));
  await until("started", 2);
  const at = reports.findIndex(({ type, run }) => type === "started" && run === 2);
  await turn();
  assert.equal(pending(), 0, "the old run's training has ended");
  assert.deepEqual(reports.slice(at).map(({ type, run }) => [type, run]), [["started", 2], ["preview", 2]]);
  await send({ type: "step" });
  assert.equal(steps(), 1);
});

Deno.test("only the chosen view is reported", async () => {
  const { reports, send, until } = control();
  await send({ type: "look", view: "unfolded", temperature: 1 });
  await send(start(1));
  const { unfolding } = await until("unfolding");
  assert.equal(unfolding.steps.length, 8);
  assert.ok(!reports.some(({ type }) => type === "preview"));
  await send({ type: "look", view: "series", temperature: 1 });
  const { preview } = await until("preview");
  assert.ok(preview.kind === "series" && preview.forecast.paths.length === 9);
  await send({ type: "export", format: "safetensors" });
  assert.ok((await until("file")).bytes.length > 100);
});

Deno.test("while training, losses are reported every 100 ms and the view every 500 ms", async () => {
  const { reports, send, until } = control();
  await send(start(1));
  await until("started");
  await send({ type: "train" });
  await until("progress", 20);
  await send({ type: "pause" });
  const count = (type: Report["type"]) => reports.filter((report) => report.type === type).length;
  assert.ok(count("preview") >= 3 && count("preview") <= 6, `${count("preview")}`);
});

Deno.test("an error is reported in one line and stops training", async () => {
  const { send, until, steps, pending } = control();
  await send(start(1, "data=own-csv"));
  assert.match((await until("failed")).message, /^Cannot read mine: .* got an empty file$/);
  await send(start(2, "data=ar&cell=relu&optimizer=sgd&rate=10&hidden=32&length=60"));
  await until("started");
  await send({ type: "train" });
  const { message, run } = await until("failed", 2);
  assert.match(message, /^Cannot continue training: .* try a learning rate below/);
  assert.deepEqual([run, pending()], [2, 0]);
  const failed = steps();
  await send({ type: "step" });
  const { message: again } = await until("failed", 3);
  assert.equal(again, "Cannot continue: training has failed; press Reset to start again");
  assert.equal(steps(), failed);
});

Deno.test("of several waiting starts, only the last is handled", async () => {
  const { reports, send, until, pending } = control();
  for (let run = 1; run <= 15; run++) await send(start(run, `data=sine&hidden=4&length=8&seed=${run}`));
  const { run, settings } = await until("started");
  assert.deepEqual([run, settings.seed, pending()], [15, 15, 0]);
  assert.deepEqual(reports.map(({ type }) => type), ["started", "preview"]);
});

Deno.test("if a run cannot begin, the previous one keeps training", async () => {
  const { reports, send, turn, until, steps } = control();
  await send(start(1));
  await until("started");
  await send({ type: "train" });
  const count = (await until("progress"), reports.filter(({ type }) => type === "progress").length);
  const file = { name: "bad.safetensors", bytes: new TextEncoder().encode("no model") };
  await send({ ...start(2) as Extract<Request, { type: "start" }>, file });
  const { run, message } = await until("failed");
  assert.equal(run, 2);
  assert.match(message, /^Cannot read bad\.safetensors: /);
  const before = steps();
  await until("progress", count + 2);
  await send({ type: "pause" });
  await turn();
  assert.ok(steps() > before);
  assert.ok(reports.every(({ run, type }) => run === (type === "failed" ? 2 : 1)));
});

Deno.test("a run survives a run of the other task, and the page can return to it", async () => {
  const { reports, send, until } = control();
  await send(start(1));
  await until("started");
  await send({ type: "step" });
  const content = "so much depends upon a red wheel barrow ".repeat(30);
  await send({
    type: "start",
    run: 2,
    settings: fromFragment("data=own-text&hidden=4&length=8").settings,
    data: { name: "t", content },
  });
  await until("started", 2);
  await send({ type: "return", run: 1 });
  await send({ type: "step" });
  const { run, steps } = await until("progress", 2);
  assert.deepEqual([run, steps], [1, 2]);
  // A run of the same task replaces it.
  await send(start(3));
  await until("started", 3);
  await send({ type: "return", run: 1 });
  const failed = await until("failed");
  assert.equal(failed.run, 1);
  assert.match(failed.message, /^Cannot return to the run: a newer run has replaced it/);
  await send({ type: "return", run: 2 });
  await send({ type: "look", view: "text", temperature: 1 });
  assert.deepEqual([reports.at(-1)!.type, reports.at(-1)!.run], ["preview", 2]);
});

Deno.test("a run goes on in another worker from its snapshot, without a report that it has started", async () => {
  const first = control();
  await first.send(start(1));
  await first.until("started");
  await first.send({ type: "ping" });
  assert.equal(first.reports.at(-1)!.type, "alive");
  for (let i = 0; i < 3; i++) await first.send({ type: "step" });
  await first.send({ type: "export", format: "safetensors" });
  const snapshot = first.reports.findLast((report) => report.type === "snapshot")!;
  const file = first.reports.findLast((report) => report.type === "file")!;
  assert.deepEqual([snapshot.run, snapshot.steps, snapshot.bytes], [1, 3, file.bytes]);

  const second = control();
  const { type: _, ...source } = start(1) as Extract<Request, { type: "start" }>;
  const text = { name: "mine", content: "a text to learn. ".repeat(100) };
  const other = { run: 2, settings: fromFragment("data=names&hidden=4&length=8").settings, data: text };
  const model = { name: "snapshot", bytes: snapshot.bytes };
  await second.send({ type: "restore", runs: [{ ...source, file: model, steps: 3 }] });
  assert.equal(second.steps(), 3);
  await second.send({ type: "export", format: "safetensors" });
  assert.deepEqual(second.reports.findLast((report) => report.type === "file")!.bytes, file.bytes);
  await second.send({ type: "step" });
  assert.equal(second.steps(), 4);
  assert.ok(second.reports.every(({ type, run }) => type !== "started" && type !== "failed" && run === 1));
  // Both runs of a page are restored, the visible one last.
  const third = control();
  await third.send({ type: "restore", runs: [other, source] });
  await third.send({ type: "step" });
  await third.send({ type: "return", run: 2 });
  await third.send({ type: "step" });
  const moved = third.reports.filter((report) => report.type === "progress").map(({ run, steps }) => [run, steps]);
  assert.deepEqual(moved, [[1, 0], [1, 1], [2, 1]]);
  // The two have taken as many steps, but are not the same model.
  const snapshots = third.reports.filter((report) => report.type === "snapshot").map(({ run, steps }) => [run, steps]);
  assert.deepEqual(snapshots, [[1, 1], [2, 1]]);
});

Deno.test("a run that trains takes snapshots from time to time, and one when it pauses", async () => {
  const { reports, send, until, turn, steps } = control();
  await send(start(1));
  await until("started");
  await send({ type: "train" });
  const { steps: early } = await until("snapshot");
  await turn();
  await turn();
  await send({ type: "pause" });
  await turn();
  const last = reports.findLast((report) => report.type === "snapshot")!;
  assert.ok(early < last.steps);
  assert.equal(last.steps, steps());
  const count = reports.length;
  await send({ type: "pause" });
  assert.equal(reports.length, count);
});

Deno.test("by default, the runner receives messages while it trains", async () => {
  const reports: Report[] = [];
  let heard = () => {};
  const runner = new Runner((report) => {
    reports.push(report);
    heard();
  });
  await runner.handle(start(1));
  const training = runner.handle({ type: "train" });
  while (reports.filter(({ type }) => type === "progress").length < 2) {
    await new Promise<void>((resolve) => heard = resolve);
  }
  await runner.handle({ type: "pause" });
  await training;
  const last = reports.findLast((report) => report.type === "progress");
  assert.equal(last?.speed, 0);
});
