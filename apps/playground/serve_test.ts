import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { withFolder } from "../../tools/testing.ts";
import { servePlayground } from "./serve.ts";

Deno.test("only the files of the folder are served", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/dist/data`, { recursive: true });
    await Deno.writeTextFile(`${folder}/dist/index.html`, "<h1>page</h1>");
    await Deno.writeTextFile(`${folder}/dist/data/a.csv`, "a,b");
    await Deno.writeTextFile(`${folder}/secret.txt`, "secret");
    const server = servePlayground(pathToFileURL(`${folder}/dist/`), 0);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${server.addr.port}${path}`);
      return [response.status, response.headers.get("content-type"), await response.text()];
    };
    const missing = [404, "text/plain;charset=UTF-8", "Not found.\n"];
    assert.deepEqual(await get("/"), [200, "text/html; charset=utf-8", "<h1>page</h1>"]);
    assert.deepEqual(await get("/data/a.csv"), [200, "text/csv; charset=utf-8", "a,b"]);
    for (const path of ["/nothing.js", "/data", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt"]) {
      assert.deepEqual(await get(path), missing, path);
    }
    await server.shutdown();
  }));

/** Serves a folder with a page, a link out of it and a link to a folder. */
async function withServer(hosts: string[], test: (port: number) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/dist/data`, { recursive: true });
    await Deno.writeTextFile(`${folder}/dist/index.html`, "page");
    await Deno.writeTextFile(`${folder}/dist/data/a.csv`, "a,b");
    await Deno.writeTextFile(`${folder}/secret.txt`, "secret");
    await Deno.symlink(`${folder}/secret.txt`, `${folder}/dist/link.txt`);
    await Deno.symlink(folder, `${folder}/dist/up`);
    await Deno.symlink("data", `${folder}/dist/same`);
    const server = servePlayground(pathToFileURL(`${folder}/dist/`), 0, hosts);
    try {
      await test(server.addr.port);
    } finally {
      await server.shutdown();
    }
  });
}

/** Sends bytes as they are, and returns the whole answer. */
async function send(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  let answer = "";
  for await (const bytes of connection.readable) answer += new TextDecoder("latin1").decode(bytes);
  return answer;
}

const request = (host: string, method = "GET", path = "/") =>
  `${method} ${path} HTTP/1.1\r\n${host}connection: close\r\n\r\n`;
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

Deno.test("only known hosts are answered, and a malformed one is refused without a stack", () =>
  withServer(["Play.Example.org"], async (port) => {
    const cases: [host: string, status: number][] = [
      ["127.0.0.1", 200],
      [`localhost:${port}`, 200],
      ["LOCALHOST", 200],
      ["[::1]:80", 200],
      ["play.example.org", 200],
      ["evil.example", 421],
      ["127.0.0.1.evil.example", 421],
      ["127.0.0.2", 421],
      ["[::2]", 421],
      ["", 400],
      ["a b", 400],
      ["localhost:port", 400],
      ["localhost@evil", 400],
      ["[::1", 400],
      ["%", 400],
      ["localhost/", 400],
    ];
    for (const [host, status] of cases) {
      const answer = await send(port, request(`host: ${host}\r\n`));
      assert.equal(statusOf(answer), status, `${host}: ${answer}`);
      assert.doesNotMatch(answer, /\n\s+at |\.ts|Error/);
    }
    assert.equal(statusOf(await send(port, request(""))), 400);
    assert.equal(statusOf(await send(port, request("host: localhost\r\nhost: evil.example\r\n"))), 400);
    assert.equal(statusOf(await send(port, request("host: evil.example\r\n", "GET", "http://localhost/"))), 421);
  }));

Deno.test("only GET and HEAD are answered", () =>
  withServer([], async (port) => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "MADE-UP"]) {
      const answer = await send(port, request("host: localhost\r\n", method));
      assert.equal(statusOf(answer), 405, answer);
      assert.match(answer, /^allow: GET, HEAD\r$/m);
    }
    const head = await send(port, request("host: localhost\r\n", "HEAD"));
    assert.equal(statusOf(head), 200);
    assert.match(head, /^content-type: text\/html; charset=utf-8\r$/m);
    assert.doesNotMatch(head, /page/);
  }));

Deno.test("every answer has nosniff and the page's own content security policy", () =>
  withServer([], async (port) => {
    const page = await Deno.readTextFile(new URL("index.html", import.meta.url));
    const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page)![1]!;
    const answers = [
      ...["/", "/data/a.csv", "/nothing"].map((path) => request("host: localhost\r\n", "GET", path)),
      request("host: localhost\r\n", "POST"),
      request("host: evil.example\r\n"),
      request("host: %\r\n"),
    ].map((text) => send(port, text));
    for (const answer of await Promise.all(answers)) {
      assert.match(answer, /^x-content-type-options: nosniff\r$/m);
      assert.ok(answer.includes(`content-security-policy: ${policy}; frame-ancestors 'none'\r\n`), answer);
    }
  }));

Deno.test("links in the folder are not followed", () =>
  withServer([], async (port) => {
    for (const path of ["/link.txt", "/up/secret.txt", "/same/a.csv", "/data"]) {
      const answer = await send(port, request("host: localhost\r\n", "GET", path));
      assert.equal(statusOf(answer), 404, `${path}: ${answer}`);
      assert.doesNotMatch(answer, /secret|a,b/);
    }
  }));
