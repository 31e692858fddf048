import assert from "node:assert/strict";

/** Serves the repository on a local port, as a registry would. */
async function served(test: (origin: string) => Promise<void>): Promise<void> {
  const root = new URL("../", import.meta.url);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1);
    const body = await Deno.readTextFile(new URL(path, root));
    return new Response(body, { headers: { "content-type": "application/typescript" } });
  });
  try {
    await test(`127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

const consumer = (origin: string) => `
import { matmul, mean, multiply, Parameter, scope, subtract, tensor } from "http://${origin}/core/mod.ts";
import { memory } from "http://${origin}/core/kernels.ts";

const weight: Parameter = new Parameter([1, 1]);
for (let step = 0; step < 50; step++) {
  using _ = scope();
  const error = subtract(matmul(tensor([[1], [2], [3]]), weight), tensor([[2], [4], [6]]));
  mean(multiply(error, error)).backward();
  weight.data[0]! -= 0.05 * weight.grad.item();
  weight.zeroGrad();
}
console.log(weight.item().toFixed(3), memory.buffer.byteLength > 0);
`;

Deno.test("core runs from another origin, over HTTP, without permissions", () =>
  served(async (origin) => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/consumer.ts`, consumer(origin));
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        // --allow-import is for the loader; the program itself gets no permission.
        args: ["run", "--no-prompt", "--no-config", "--no-lock", "--check", `--allow-import=${origin}`, "consumer.ts"],
        cwd: folder,
        env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assert.equal(code, 0, text(stderr));
      assert.equal(text(stdout), "2.000 true\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }));
