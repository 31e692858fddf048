import { type Browser, chromium, type Page } from "playwright-core";
import { buildPlayground, type BuiltFile } from "./build.ts";
import { DIST, servePlayground } from "./serve.ts";

/** Where Debian and others put a browser. */
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser of this machine; undefined where there is none. */
export const CHROMIUM = PLACES.find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** How a page is opened. */
interface OpenOptions {
  /** What follows # in the link. */
  readonly fragment?: string;
  readonly width?: number;
  readonly colorScheme?: "light" | "dark";
  /** What runs before the page's own scripts. */
  readonly before?: () => void;
}

/** A built, served playground, and a browser that looks at it. */
export interface OpenedBrowser extends AsyncDisposable {
  readonly files: readonly BuiltFile[];
  /** Opens a page whose network is ready; it is closed, and must then have had no error and asked for nothing elsewhere. */
  withPage(options: OpenOptions, look: (page: Page) => Promise<void>): Promise<void>;
}

/**
 * Builds the playground, serves it and opens a browser.
 *
 * @param args What the browser is told besides.
 */
export async function openBrowser(args: readonly string[] = []): Promise<OpenedBrowser> {
  const files = await buildPlayground(DIST);
  const server = servePlayground(DIST, 0);
  const origin = `http://127.0.0.1:${server.addr.port}/`;
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM!,
    // Its sandbox is not for root.
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
      const page = await context.newPage();
      if (before !== undefined) await page.addInitScript(before);
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) problems.push(message.text());
      });
      page.on("pageerror", ({ message }) => problems.push(message));
      context.on("request", (request) => {
        if (!request.url().startsWith(origin) && !request.url().startsWith(`blob:${origin}`)) {
          problems.push(`asks for ${request.url()}`);
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
