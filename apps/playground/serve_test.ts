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
