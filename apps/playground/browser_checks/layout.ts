import axe from "axe-core";
import assert from "node:assert/strict";
import { VIEWS } from "../settings.ts";
import { check, pause, stepsReach, train } from "./_check.ts";

check(
  "tabs follow the arrow keys, and the keyboard is enough to train",
  ({ withPage }) =>
    withPage({}, async (page) => {
      await page.waitForSelector("#train:enabled");
      await page.focus("#tab-text");
      await page.keyboard.press("ArrowRight");
      assert.ok(await page.isVisible("#panel-series"));
      assert.ok(await page.isHidden("#panel-text"));
      await page.keyboard.press("ArrowRight");
      assert.ok(await page.isVisible("#panel-unfolded"));
      await page.waitForSelector("#train:enabled");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await stepsReach(page, 5);
      await page.keyboard.press("Enter");
      assert.equal(await page.textContent("#train"), "Train");
      await page.waitForFunction(() =>
        /^Step [\d,]+: loss .* mean squared error$/.test(document.getElementById("status")!.textContent!)
      );
    }),
);

for (const colorScheme of ["light", "dark"] as const) {
  check(`axe finds no serious problem in ${colorScheme} colours`, async ({ withPage }) => {
    for (const view of VIEWS) {
      await withPage({ fragment: `view=${view}&hidden=16`, colorScheme }, async (page) => {
        await train(page);
        await stepsReach(page, 20);
        await page.evaluate(() => document.querySelectorAll("details").forEach((details) => details.open = true));
        await page.evaluate(axe.source);
        const found = await page.evaluate(async () => {
          const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
          return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map(({ html }) => html) }));
        });
        assert.deepEqual(found.filter(({ impact }) => impact === "serious" || impact === "critical"), []);
      });
    }
  });
}

/** A layout shift: elements that other content has moved. */
interface Shift {
  readonly value: number;
  readonly what: readonly string[];
}

/** Records the layout shifts of the page. */
function recordShifts(): void {
  const shifts: Shift[] = Object.assign(globalThis, { shifts: [] }).shifts;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { value, sources } = entry as unknown as { value: number; sources: { node?: Element }[] };
      shifts.push({ value, what: sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "") });
    }
  }).observe({ type: "layout-shift", buffered: true });
}

for (const width of [1280, 375]) {
  check(`at ${width} pixels, nothing shifts or overflows`, async ({ withPage }) => {
    for (const view of VIEWS) {
      await withPage({ fragment: `view=${view}&hidden=16`, width, before: recordShifts }, async (page) => {
        await train(page);
        await stepsReach(page, 60);
        await pause(page);
        const { shifts, wide } = await page.evaluate(() => ({
          shifts: (globalThis as unknown as { shifts: Shift[] }).shifts,
          wide: document.documentElement.scrollWidth,
        }));
        assert.ok(shifts.reduce((total, { value }) => total + value, 0) < 0.01, `${view}: ${JSON.stringify(shifts)}`);
        assert.equal(wide, width);
      });
    }
  });
}
