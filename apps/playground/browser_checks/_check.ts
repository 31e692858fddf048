import type { Page } from "playwright-core";
import { CHROMIUM, openBrowser, type OpenedBrowser } from "../_open_browser.ts";

/** The browser that all tests share. */
let opened: Promise<OpenedBrowser> | undefined;

/** Registers a browser test. It is ignored if no browser is installed. */
export function check(name: string, test: (browser: OpenedBrowser) => void | Promise<void>): void {
  Deno.test({
    name: `playground: ${name}`,
    ignore: CHROMIUM === undefined,
    // The browser stays open between tests.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => await test(await (opened ??= openBrowser())),
  });
}
Deno.test.afterAll(async () => await (await opened)?.[Symbol.asyncDispose]());

/** Reads a number from the page. */
export async function numberIn(page: Page, id: string): Promise<number> {
  return Number((await page.textContent(id))!.replaceAll(",", "").replace("−", "-"));
}

/** Starts training once the network is ready. */
export async function train(page: Page): Promise<void> {
  await page.click("#train:enabled");
}

/** Pauses training, and waits until the worker has reported its last step. */
export async function pause(page: Page): Promise<void> {
  await page.click("#train:text('Pause')");
  await page.waitForFunction(() => document.getElementById("speed")!.textContent === "–");
}

/** Waits until the loss is below a bound. */
export async function lossBelow(page: Page, bound: number): Promise<void> {
  await page.waitForFunction(
    (bound) => Number(document.getElementById("loss")!.textContent!.replace("−", "-")) < bound,
    bound,
  );
}

/** Waits until the page has reported a number of steps. */
export async function stepsReach(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (count) => Number(document.getElementById("steps")!.textContent!.replaceAll(",", "")) >= count,
    count,
  );
}

/** Presses Step, and waits for its report. */
export async function step(page: Page): Promise<void> {
  const steps = await numberIn(page, "#steps");
  await page.click("#step:enabled");
  await stepsReach(page, steps + 1);
}

/** The file that a button downloads. */
export async function downloadOf(page: Page, button: string): Promise<Uint8Array<ArrayBuffer>> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  return await Deno.readFile(await file.path());
}

/** Waits for an error, and returns its message. */
export async function toast(page: Page): Promise<string> {
  await page.waitForSelector("#toast:not([hidden])");
  return (await page.textContent("#toast-message"))!;
}
