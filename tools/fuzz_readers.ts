/**
 * The readers that `tools/fuzz.ts` tries: everything that takes bytes from outside.
 *
 * @module
 */

import { decodeSafetensors, encodeSafetensors, loadParameters, Random } from "@unfold/core";
import { Dense, GRU, LastStep, LSTM, meanSquaredError, Sequential } from "@unfold/layers";
import { fromPyTorch, toPyTorch } from "@unfold/layers/interchange";
import { adam, Optimizer } from "@unfold/optimizers";
import { Checkpoints, train, Windows } from "@unfold/training";
import { servePlayground } from "../apps/playground/serve.ts";
import { readResultLog } from "../apps/shared/result_log.ts";
import { Forecaster } from "../apps/stock/forecaster.ts";
import { readLabelled } from "../apps/text/labelled_text.ts";
import { LanguageModel } from "../apps/text/language_model.ts";
import { decodeText } from "../apps/text/read_text.ts";

/** A reader, inputs to start from, and what ends it. */
interface Reader {
  readonly seeds: readonly Uint8Array<ArrayBuffer>[];
  /** Reads an input; throws where it refuses it. */
  read(input: Uint8Array<ArrayBuffer>): unknown;
  close?(): Promise<void>;
}

const text = (content: string) => new TextEncoder().encode(content);

/** A reader of files: each input is written to a file first. */
async function ofFile(
  seeds: readonly Uint8Array<ArrayBuffer>[],
  read: (path: string) => unknown,
): Promise<Reader> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/input`;
  return {
    seeds,
    async read(input) {
      await Deno.writeFile(path, input);
      await read(path);
    },
    close: () => Deno.remove(folder, { recursive: true }),
  };
}

const model = () => {
  const random = new Random(1);
  return new Sequential([
    new LSTM({ inputSize: 1, hiddenSize: 3, random }),
    new LastStep(),
    new Dense({ inputSize: 3, outputSize: 1, random }),
  ]);
};

/** The readers by name. */
export const READERS: Readonly<Record<string, () => Promise<Reader>>> = {
  safetensors() {
    const tensors = Object.entries(model().parameters());
    return Promise.resolve({
      seeds: [encodeSafetensors(tensors, { metadata: { a: "b" } }), encodeSafetensors([])],
      read: (bytes) => decodeSafetensors(bytes, { file: "input" }),
    });
  },
  parameters() {
    const { parameters } = { parameters: model().parameters() };
    return Promise.resolve({
      seeds: [encodeSafetensors(Object.entries(parameters))],
      read: (bytes) => loadParameters(model().parameters(), decodeSafetensors(bytes, { file: "input" }).tensors),
    });
  },
  async checkpoint() {
    const folder = await Deno.makeTempDir();
    const start = (folder: string) => {
      const random = new Random(1);
      const network = model();
      const wave = { data: Float32Array.from({ length: 40 }, (_, t) => Math.sin(t / 4)), columns: 1 };
      const batches = new Windows({ features: wave, targets: wave, past: 5, batchSize: 8, random });
      const optimizer = new Optimizer(network.parameters(), [adam()], { learningRate: 0.01 });
      const checkpoints = new Checkpoints({ folder, config: { hidden: 3 } });
      return { model: network, optimizer, loss: meanSquaredError, batches, checkpoints };
    };
    for await (const _ of train({ ...start(folder), epochs: 1 }));
    const [newest] = await new Checkpoints({ folder }).list();
    const seed = await Deno.readFile(newest!);
    const reader = await ofFile([seed], async (path) => {
      const own = start(`${path}-folder`);
      for await (const _ of train({ ...own, epochs: 1, resume: path }));
    });
    return {
      ...reader,
      async close() {
        await reader.close?.();
        await Deno.remove(folder, { recursive: true });
      },
    };
  },
  pytorch() {
    const gru = () => new GRU({ inputSize: 2, hiddenSize: 3, layers: 2, random: new Random(1) });
    const weights = Object.entries(toPyTorch(gru()));
    return Promise.resolve({
      seeds: [encodeSafetensors(weights as Parameters<typeof encodeSafetensors>[0])],
      read: (bytes) => fromPyTorch(gru(), decodeSafetensors(bytes, { file: "input" }).tensors),
    });
  },
  forecaster: () =>
    Promise.resolve({
      seeds: [encodeSafetensors(Object.entries(model().parameters()), { metadata: { "unfold.stock": "{}" } })],
      read: (bytes) => Forecaster.decode(bytes, "input"),
    }),
  languageModel() {
    const config = {
      cell: "gru",
      hidden: 3,
      layers: 1,
      embedding: 2,
      dropout: 0,
      tokens: "char",
      vocabulary: ["\n", "a", "b"],
    } as const;
    return Promise.resolve({
      seeds: [new LanguageModel(config as never, new Random(1)).toFile()],
      read: (bytes) => LanguageModel.fromFile(bytes, "input"),
    });
  },
  resultLog: () =>
    ofFile(
      [text('{"stock":{"seed":1}}\n{"fold":0,"mse":1}\n{"fold":1,"mse":2}\n')],
      (path) =>
        readResultLog<{ fold?: unknown; mse?: unknown }>(
          path,
          ({ fold, mse }, index) => fold === index && typeof mse === "number" ? undefined : "a fold and its error",
        ),
    ),
  labelled: () =>
    ofFile(
      [text("text,label\nfine,good\nbad,poor\n"), text('text\tlabel\n"a\nb"\tx\nc\ty\n')],
      (path) => readLabelled(path, { textColumn: "text", labelColumn: "label" }),
    ),
  text: () =>
    Promise.resolve({
      seeds: [text("Call me Ishmael.\n"), Uint8Array.of(0xff, 0xfe, 65, 0, 66, 0)],
      async read(bytes) {
        const input = { name: "input", bytes: () => new Blob([bytes]).stream() };
        for await (const _ of decodeText(input));
      },
    }),
  async http() {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/index.html`, "<p>page</p>");
    const server = servePlayground(new URL(`file://${folder}/`), 0);
    const { port } = server.addr;
    return {
      seeds: [
        text("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        text("HEAD /index.html HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"),
        text("POST /../x HTTP/1.1\r\nHost: evil\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
      ],
      async read(input) {
        using connection = await Deno.connect({ port });
        await connection.write(input).catch(() => {});
        await connection.closeWrite().catch(() => {});
        const answer = await new Response(connection.readable).text().catch(() => "");
        const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
        if (status?.startsWith("5")) throw new Error(`answered ${answer.slice(0, 200)}`);
        if (status !== undefined && status !== "200") throw new Error(`Cannot serve: ${status}`);
      },
      async close() {
        await server.shutdown();
        await Deno.remove(folder, { recursive: true });
      },
    };
  },
  async commandLine() {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/a.csv`, "Date,Close\n2024-01-01,1\n2024-01-02,2\n");
    return {
      seeds: [
        text("stock\0train\0--csv\0a.csv\0--epochs\x001"),
        text("stock\0forecast\0model.safetensors\0--csv\0a.csv"),
        text("text\0--text\0a.csv\0--steps\x001\0--hidden\x004"),
        text("text\0classify\0train\0--csv\0a.csv"),
        text("stock\0report\0--out\0x"),
      ],
      async read(input) {
        const [app = "stock", ...args] = new TextDecoder().decode(input).split("\0").filter((one) => one !== "");
        const main = new URL(`../apps/${app === "text" ? "text" : "stock"}/main.ts`, import.meta.url).pathname;
        const config = new URL("../deno.json", import.meta.url).pathname;
        const { code, stderr } = await new Deno.Command("timeout", {
          args: [
            "60",
            Deno.execPath(),
            "run",
            "--no-prompt",
            "--no-check",
            "--quiet",
            `--config=${config}`,
            "--allow-read",
            `--allow-write=${folder}`,
            main,
            ...args,
          ],
          cwd: folder,
          env: { NO_COLOR: "1" },
        }).output();
        const said = new TextDecoder().decode(stderr);
        if (![0, 1, 2, 124].includes(code) || /^\s+at .*:\d+:\d+\)?$/m.test(said)) {
          throw new Error(`exit code ${code}: ${said.slice(0, 2000)}`);
        }
        if (code !== 0) throw new Error(`Cannot run: ${said.trim().split("\n").at(-1)?.replace(/^error: /, "")}`);
      },
      close: () => Deno.remove(folder, { recursive: true }),
    };
  },
};
