/**
 * Times training in the page, beside Deno alone, in turns: steps a second of the settings that a visitor finds.
 *
 *     deno task bench:playground
 *
 * @module
 */

import { CHROMIUM, openBrowser } from "./_open_browser.ts";
import { fileOf } from "./data.ts";
import { DIST } from "./serve.ts";
import { defaultsFor } from "./settings.ts";
import { makeTask } from "./worker/make_task.ts";
import { Session } from "./worker/session.ts";

const ROUNDS = 5;
/** Milliseconds that each is trained for in a round. */
const TIME = 4000;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

if (CHROMIUM === undefined) {
  console.error("Cannot compare: there must be a Chromium, and is none");
  Deno.exit(1);
}
await using browser = await openBrowser();
for (const task of ["text", "series"] as const) {
  const settings = defaultsFor(task);
  const file = fileOf(settings.data);
  const content = file && await Deno.readTextFile(new URL(file, DIST));
  using session = new Session(makeTask({ type: "start", run: 1, settings, data: { name: settings.data, content } }));
  const inDeno = async () => {
    const [before, start] = [session.steps, performance.now()];
    while (performance.now() - start < TIME) await session.step();
    return 1000 * (session.steps - before) / (performance.now() - start);
  };
  await browser.withPage({ fragment: `view=${task}` }, async (page) => {
    const steps = async () => Number((await page.textContent("#steps"))!.replaceAll(",", ""));
    const inPage = async () => {
      await page.click("#train:enabled");
      await page.waitForTimeout(300);
      const [before, start] = [await steps(), performance.now()];
      await page.waitForTimeout(TIME);
      const speed = 1000 * (await steps() - before) / (performance.now() - start);
      await page.click("#train");
      await page.waitForFunction(() => document.getElementById("speed")!.textContent === "–");
      return speed;
    };
    const rounds: { deno: number; page: number }[] = [];
    for (let round = 0; round <= ROUNDS; round++) rounds.push({ deno: await inDeno(), page: await inPage() });
    // In the first one the engines are still compiling.
    const [deno, chromium] = [
      median(rounds.slice(1).map(({ deno }) => deno)),
      median(rounds.slice(1).map(({ page }) => page)),
    ];
    console.log(
      `${task.padEnd(6)} Deno ${deno.toFixed(1)} steps a second, Chromium ${chromium.toFixed(1)}: ${
        (100 * chromium / deno).toFixed(0)
      } %`,
    );
  });
}
