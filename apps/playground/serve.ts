/**
 * Serves the built playground on 127.0.0.1.
 *
 *     deno task playground
 *
 * @module
 */

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
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

/** Headers of every answer. The page has the same policy in its own head, for servers that set none. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** This machine's own names. */
const LOCAL = ["127.0.0.1", "localhost", "[::1]"];

/** An answer without a file. */
function refusal(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, { status, headers: { ...HEADERS, ...headers } });
}

/** The host that a request is for, without its port; undefined if it is malformed. */
function hostOf(request: Request): string | undefined {
  const host = request.headers.get("host") ?? "";
  return /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}

/** The path in a request; undefined if it has none. */
function pathOf(request: Request): string | undefined {
  try {
    return new URL(request.url).pathname;
  } catch {
    return undefined;
  }
}

/** Opens a file of the folder; undefined if there is none that may be served. A link may lead anywhere, so none is followed. */
async function openFile(folder: URL, path: string): Promise<{ file: Deno.FsFile; type: string } | undefined> {
  const name = path.endsWith("/") ? `${path}index.html` : path;
  const type = TYPES[name.split(".").at(-1)!];
  // URL parsing resolves `..`, but not its escaped forms.
  if (type === undefined || !/^[\w./-]+$/.test(name)) return undefined;
  try {
    const url = new URL(`.${name}`, folder);
    const [real, root] = [await Deno.realPath(url), await Deno.realPath(folder)];
    if (real.replaceAll("\\", "/") !== `${root.replaceAll("\\", "/")}${name}`) return undefined;
    if (!(await Deno.stat(url)).isFile) return undefined;
    return { file: await Deno.open(url), type };
  } catch {
    return undefined;
  }
}

/**
 * Serves the files of a folder, and nothing outside it. Other sites must not reach it through a name of theirs that leads to this
 * machine, so requests for unknown hosts are refused.
 *
 * @param hosts Names to answer to, besides this machine's own.
 */
export function servePlayground(
  folder: URL,
  port: number,
  hosts: readonly string[] = [],
): Deno.HttpServer<Deno.NetAddr> {
  const known = new Set([...LOCAL, ...hosts.map((host) => host.toLowerCase())]);
  const options = {
    hostname: "127.0.0.1",
    port,
    onListen: () => {},
    onError: () => refusal(500, "Something went wrong."),
  };
  return Deno.serve(options, async (request) => {
    const [host, path] = [hostOf(request), pathOf(request)];
    if (host === undefined || path === undefined) return refusal(400, "The request has no valid host and path.");
    if (!known.has(host)) return refusal(421, "This server does not answer to that host; see --host.");
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refusal(405, "Only GET and HEAD are answered.", { allow: "GET, HEAD" });
    }
    const found = await openFile(folder, path);
    if (found === undefined) return refusal(404, "Not found.");
    const { file, type } = found;
    const isHead = request.method === "HEAD";
    if (isHead) file.close();
    return new Response(isHead ? null : file.readable, {
      headers: { ...HEADERS, "content-type": `${type}; charset=utf-8`, "cache-control": "no-cache" },
    });
  });
}

/** Collects the values of `--host`. */
function hostName(text: string, before: readonly string[]): string[] {
  if (/^[\w.-]+$/.test(text)) return [...before, text];
  throw new InvalidArgumentError("It must be the name of a host, without a port.");
}

const program = new Command("playground")
  .description("Serve the built playground on 127.0.0.1.")
  .option("--port <n>", "port to listen on; 0 for any free port", integer(0, 65_535), 8080)
  .addOption(
    new Option("--host <name>", "another name to answer to, such as that of a proxy in front; may be repeated")
      .argParser(hostName).default([] as string[], "none"),
  )
  .action(({ port, host }) => {
    try {
      const { addr } = servePlayground(DIST, port, host);
      console.log(`http://${addr.hostname}:${addr.port}/`);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      throw new UsageError(`Cannot serve: port must be free, got ${port}, which is in use; choose another with --port`);
    }
  });

if (import.meta.main) Deno.exitCode = await runCommand(program as unknown as Command, Deno.args);
