/**
 * Times training in the playground's page against Deno, in alternating rounds: steps per second with the page's
 * defaults.
 *
 *     deno task bench playground
 *
 * @module
 */

import { CHROMIUM, openBrowser } from "../apps/playground/_open_browser.ts";
import { fileOf } from "../apps/playground/data.ts";
import { DIST } from "../apps/playground/serve.ts";
import { defaultsFor } from "../apps/playground/settings.ts";
import { makeTask } from "../apps/playground/worker/make_task.ts";
import { Session } from "../apps/playground/worker/session.ts";
import { median } from "./_measure.ts";

const ROUNDS = 5;
/** Milliseconds of training in a round. */
const TIME = 4000;

if (CHROMIUM === undefined) {
  console.error("error: Cannot measure: Chromium must be installed at one of the usual paths, got none");
  Deno.exit(1);
}
await using browser = await openBrowser();
for (const task of ["text", "series"] as const) {
  const settings = defaultsFor(task);
  const file = fileOf(settings.data);
  const content = file && await Deno.readTextFile(new URL(file, DIST));
  using session = new Session(makeTask({ run: 1, settings, data: { name: settings.data, content } }));
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
      await page.locator("#speed", { hasText: /^–$/ }).waitFor({ state: "attached" });
      return speed;
    };
    const rounds: { deno: number; page: number }[] = [];
    for (let round = 0; round <= ROUNDS; round++) rounds.push({ deno: await inDeno(), page: await inPage() });
    // The first round warms the engines up.
    const [deno, chromium] = [
      median(rounds.slice(1).map(({ deno }) => deno)),
      median(rounds.slice(1).map(({ page }) => page)),
    ];
    const percent = (100 * chromium / deno).toFixed(0);
    console.log(
      `${task.padEnd(6)} steps per second: Deno ${deno.toFixed(1)}, Chromium ${chromium.toFixed(1)}, ${percent} %`,
    );
  });
}
