import { Command } from "@commander-js/extra-typings";
import { integer, runCommand, UsageError } from "../shared/cli.ts";

/** Where the built page goes. */
export const DIST = new URL("dist/", import.meta.url);

/**
 * Serves the built playground on this machine alone.
 *
 *     deno task playground
 *
 * @module
 */

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  csv: "text/csv",
  html: "text/html",
  js: "text/javascript",
  svg: "image/svg+xml",
  txt: "text/plain",
};

/** Hands out a folder's files, and nothing outside it. */
export function servePlayground(folder: URL, port: number): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    // A URL has no way up out of its root, unless one is written in escapes.
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
      return new Response("There is no such file.\n", { status: 404 });
    }
  });
}

const program = new Command("playground")
  .description("Serve the built playground on this machine alone.")
  .option("--port <n>", "the port to listen on; 0 for any that is free", integer(0, 65_535), 8080)
  .action(({ port }) => {
    try {
      const { addr } = servePlayground(DIST, port);
      console.log(`http://${addr.hostname}:${addr.port}/`);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      throw new UsageError(`Cannot serve: port must be free, got ${port}, which is in use; --port takes another`);
    }
  });

if (import.meta.main) Deno.exitCode = await runCommand(program as Command, Deno.args);
