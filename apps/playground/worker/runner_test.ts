import assert from "node:assert/strict";
import type { Report, Request } from "../messages.ts";
import { fromFragment } from "../settings.ts";
import { Runner } from "./runner.ts";

/** A runner, what it has said, and a way to wait for more of it. */
function listen() {
  const reports: Report[] = [];
  let heard = () => {};
  const runner = new Runner((report) => {
    reports.push(report);
    heard();
  });
  const ask = (request: Request) => void runner.handle(request);
  const until = async <Type extends Report["type"]>(type: Type, count = 1) => {
    const found = () => reports.filter((report) => report.type === type) as Extract<Report, { type: Type }>[];
    while (found().length < count) await new Promise<void>((resolve) => heard = resolve);
    return found().at(-1)!;
  };
  const steps = () => reports.flatMap((report) => report.type === "progress" ? [report.steps] : []).at(-1) ?? 0;
  return { reports, ask, until, steps };
}

const start = (run: number, fragment = "data=sine&hidden=4&length=8"): Request => ({
  type: "start",
  run,
  settings: fromFragment(fragment).settings,
  data: { name: "mine", content: undefined },
});
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

Deno.test("it trains until it is told to pause, and goes on when told to, each loss reported once", async () => {
  const { reports, ask, until, steps } = listen();
  ask({ type: "train" });
  assert.equal(reports.length, 0);
  ask(start(1));
  const { parameters, floors } = await until("started");
  assert.ok(parameters > 0 && floors.naive! > 0);
  ask({ type: "train" });
  assert.ok((await until("progress", 2)).speed > 0);
  ask({ type: "pause" });
  await wait(100);
  const paused = steps();
  await wait(100);
  assert.equal(steps(), paused);
  // Before the loop has heard of the pause: it is one loop still.
  ask({ type: "train" });
  ask({ type: "pause" });
  ask({ type: "train" });
  await wait(150);
  ask({ type: "pause" });
  await wait(100);
  assert.ok(steps() > paused);
  const losses = reports.flatMap((report) => report.type === "progress" ? [...report.losses] : []);
  assert.equal(losses.length, steps());
  assert.equal(reports.filter(({ type }) => type === "failed").length, 0);
});

Deno.test("a step is one step; a new run begins anew, and nothing more is said of the old one", async () => {
  const { reports, ask, until, steps } = listen();
  ask(start(1));
  await until("started");
  ask({ type: "step" });
  await until("progress");
  assert.equal(steps(), 1);
  ask({ type: "train" });
  await until("progress", 3);
  ask(start(2));
  await until("started", 2);
  const at = reports.findIndex(({ type, run }) => type === "started" && run === 2);
  await wait(100);
  // What was under way when it began says no more, and nothing of the new one either.
  assert.deepEqual(reports.slice(at).map(({ type, run }) => [type, run]), [["started", 2], ["preview", 2]]);
  ask({ type: "step" });
  await wait(50);
  assert.equal(steps(), 1);
});

Deno.test("only what is looked at is kept up to date", async () => {
  const { reports, ask, until } = listen();
  ask({ type: "look", view: "unfolded", temperature: 1 });
  ask(start(1));
  const { unfolding } = await until("unfolding");
  assert.equal(unfolding.steps.length, 8);
  assert.ok(!reports.some(({ type }) => type === "preview"));
  ask({ type: "look", view: "series", temperature: 1 });
  const { preview } = await until("preview");
  assert.ok(preview.kind === "series" && preview.forecast.paths.length === 9);
  ask({ type: "export", format: "safetensors" });
  assert.ok((await until("file")).bytes.length > 100);
});

Deno.test("what goes wrong is said in a line, and stops the training", async () => {
  const { ask, until, steps } = listen();
  ask(start(1, "data=own-csv"));
  assert.match((await until("failed")).message, /^Cannot read mine: .* got an empty file$/);
  ask(start(2, "data=ar&cell=relu&optimizer=sgd&rate=10&hidden=32&length=60"));
  await until("started");
  ask({ type: "train" });
  const { message, run } = await until("failed", 2);
  assert.match(message, /^Cannot continue training: .* try a learning rate below/);
  assert.equal(run, 2);
  const failed = steps();
  ask({ type: "step" });
  assert.equal((await until("failed", 3)).message, "Cannot go on: training has failed and must be reset");
  assert.equal(steps(), failed);
});

Deno.test("of starts that wait the last alone is made", async () => {
  const { reports, ask, until } = listen();
  for (let run = 1; run <= 15; run++) ask(start(run, `data=sine&hidden=4&length=8&seed=${run}`));
  const { run, settings } = await until("started");
  assert.deepEqual([run, settings.seed], [15, 15]);
  await wait(50);
  assert.deepEqual(reports.map(({ type }) => type), ["started", "preview"]);
});

Deno.test("what cannot begin leaves the run before as it was, which trains on", async () => {
  const { reports, ask, until, steps } = listen();
  ask(start(1));
  await until("started");
  ask({ type: "train" });
  await until("progress");
  const file = { name: "bad.safetensors", bytes: new TextEncoder().encode("no model") };
  ask({ ...start(2) as Extract<Request, { type: "start" }>, file });
  const { run, message } = await until("failed");
  assert.equal(run, 2);
  assert.match(message, /^Cannot read bad\.safetensors: /);
  const before = steps();
  await until("progress", 3);
  ask({ type: "pause" });
  await wait(100);
  assert.ok(steps() > before);
  assert.ok(reports.every(({ run, type }) => run === (type === "failed" ? 2 : 1)));
});

Deno.test("a run is kept while one of the other task goes on, and gone back to", async () => {
  const { reports, ask, until } = listen();
  ask(start(1));
  await until("started");
  ask({ type: "step" });
  await until("progress");
  const content = "so much depends upon a red wheel barrow ".repeat(30);
  ask({
    type: "start",
    run: 2,
    settings: fromFragment("data=own-text&hidden=4&length=8").settings,
    data: { name: "t", content },
  });
  await until("started", 2);
  ask({ type: "return", run: 1 });
  ask({ type: "step" });
  const { run, steps } = await until("progress", 2);
  assert.deepEqual([run, steps], [1, 2]);
  // Another of the same task takes its place.
  ask(start(3));
  await until("started", 3);
  ask({ type: "return", run: 1 });
  const failed = await until("failed");
  assert.equal(failed.run, 1);
  assert.match(failed.message, /^Cannot go back: another run has begun/);
  ask({ type: "return", run: 2 });
  ask({ type: "look", view: "text", temperature: 1 });
  await wait(20);
  assert.equal(reports.at(-1)!.run, 2);
});
