/**
 * Serves the built playground on this machine alone.
 *
 *     deno task playground
 *
 * @module
 */

import { DIST } from "./build.ts";

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
    // A URL has no way up out of its root.
    const path = `.${pathname.endsWith("/") ? `${pathname}index.html` : pathname}`;
    const type = TYPES[path.split(".").at(-1)!];
    try {
      const file = await Deno.open(new URL(path, folder));
      return new Response(file.readable, {
        headers: {
          "content-type": `${type ?? "application/octet-stream"}; charset=utf-8`,
          "cache-control": "no-cache",
        },
      });
    } catch {
      return new Response("There is no such file.", { status: 404 });
    }
  });
}

if (import.meta.main) {
  const { addr } = servePlayground(DIST, Number(Deno.args[0] ?? 8080));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
