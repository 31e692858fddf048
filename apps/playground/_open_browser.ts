import { type Browser, chromium, type Page } from "playwright-core";
import { buildPlayground, type BuiltFile } from "./build.ts";
import { DIST, servePlayground } from "./serve.ts";

/** Where Linux distributions install the browser. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Milliseconds to wait for any condition. Only a failing test waits this long. */
const PATIENCE = 180_000;

/** The path of the installed browser, if any. */
export const CHROMIUM = PLACES.find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** Options of a page. */
interface OpenOptions {
  /** The link's fragment, without `#`. */
  readonly fragment?: string;
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  /** Runs in the page before its own scripts. */
  readonly before?: () => void;
}

/** A browser for the built and served playground. */
export interface OpenedBrowser extends AsyncDisposable {
  readonly files: readonly BuiltFile[];
  /** Opens the page and closes it afterwards. Throws if it logged an error or requested anything from another server. */
  withPage(options: OpenOptions, look: (page: Page) => Promise<void>): Promise<void>;
}

/**
 * Builds the playground, serves it and opens a browser.
 *
 * @param args More command-line arguments of the browser.
 */
export async function openBrowser(args: readonly string[] = []): Promise<OpenedBrowser> {
  const files = await buildPlayground(DIST);
  const server = servePlayground(DIST, 0);
  const origin = `http://127.0.0.1:${server.addr.port}/`;
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM!,
    timeout: PATIENCE,
    // The sandbox does not work for root.
    args: [...Deno.uid() === 0 ? ["--no-sandbox"] : [], ...args],
  });
  return {
    files,
    async withPage({ fragment = "", width = 1280, colorScheme = "light", before }, look) {
      const problems: string[] = [];
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme,
        acceptDownloads: true,
      });
      context.setDefaultTimeout(PATIENCE);
      const page = await context.newPage();
      if (before !== undefined) await page.addInitScript(before);
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) problems.push(message.text());
      });
      page.on("pageerror", ({ message }) => problems.push(message));
      context.on("request", (request) => {
        if (!request.url().startsWith(origin) && !request.url().startsWith(`blob:${origin}`)) {
          problems.push(`requests ${request.url()}`);
        }
      });
      try {
        await page.goto(`${origin}#${fragment}`);
        await look(page);
      } finally {
        await context.close();
      }
      if (problems.length > 0) throw new Error(`The page has problems: ${problems.join("; ")}`);
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      await server.shutdown();
    },
  };
}
