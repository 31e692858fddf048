/**
 * Serves the built playground on 127.0.0.1.
 *
 *     deno task playground
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { integer, runCommand, UsageError } from "../shared/cli.ts";

/** The folder of the built page. */
export const DIST = new URL("dist/", import.meta.url);

/** Content types by file extension. */
const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  csv: "text/csv",
  html: "text/html",
  js: "text/javascript",
  svg: "image/svg+xml",
  txt: "text/plain",
};

/** Serves the files of a folder, and nothing outside it. */
export function servePlayground(folder: URL, port: number): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    // URL parsing resolves `..`, but not its escaped forms.
    const isPlain = /^[\w./-]+$/.test(pathname);
    const file = new URL(`.${pathname.endsWith("/") ? `${pathname}index.html` : pathname}`, folder);
    const type = TYPES[file.pathname.split(".").at(-1)!];
    try {
      if (!isPlain || type === undefined) throw new Deno.errors.NotFound();
      const { readable } = await Deno.open(file);
      return new Response(readable, {
        headers: { "content-type": `${type}; charset=utf-8`, "cache-control": "no-cache" },
      });
    } catch {
      return new Response("Not found.\n", { status: 404 });
    }
  });
}

const program = new Command("playground")
  .description("Serve the built playground on 127.0.0.1.")
  .option("--port <n>", "port to listen on; 0 for any free port", integer(0, 65_535), 8080)
  .action(({ port }) => {
    try {
      const { addr } = servePlayground(DIST, port);
      console.log(`http://${addr.hostname}:${addr.port}/`);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      throw new UsageError(`Cannot serve: port must be free, got ${port}, which is in use; choose another with --port`);
    }
  });

if (import.meta.main) Deno.exitCode = await runCommand(program as Command, Deno.args);
