/**
 * The readers that `tools/fuzz.ts` tries: everything that takes bytes from outside.
 *
 * @module
 */

import { decodeSafetensors, encodeSafetensors, loadParameters, Random } from "@unfold/core";
import { Dense, GRU, LastStep, loadModel, LSTM, meanSquaredError, saveModel, Sequential } from "@unfold/layers";
import { fromKeras, fromPyTorch, toKeras, toOnnx, toPyTorch } from "@unfold/layers/interchange";
import { adam, Optimizer } from "@unfold/optimizers";
import { Checkpoints, loadScaler, StandardScaler, train, Windows } from "@unfold/training";
import { inspect, inspectionText } from "../apps/shared/tables/inspect.ts";
import { parseTable } from "../apps/shared/tables/parse_table.ts";
import { readTable } from "../apps/shared/tables/read_table.ts";
import { servePlayground } from "../apps/playground/serve.ts";
import { fromFragment } from "../apps/playground/settings.ts";
import { readResultLog } from "../apps/shared/result_log.ts";
import { shape } from "../apps/shared/shapes.ts";
import { Forecaster as SeriesForecaster } from "../apps/forecast/forecaster.ts";
import { GlobalModel } from "../apps/forecast/global_model.ts";
import { readSeriesSet } from "../apps/forecast/series_set.ts";
import { findSeason } from "../apps/forecast/season.ts";
import { foldProblem } from "../apps/stock/backtest.ts";
import { Forecaster } from "../apps/stock/forecaster.ts";
import { decodeForecasts, SUMMARY } from "../apps/stock/summary.ts";
import { Classifier } from "../apps/text/classifier/classifier.ts";
import { readLabelled } from "../apps/text/classifier/labelled_text.ts";
import { LanguageModel } from "../apps/text/language_model.ts";
import { decodeText } from "../apps/text/read_text.ts";
import { withChecksum, withHeaderLength } from "./fuzz_repair.ts";

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
      read: (bytes) =>
        loadParameters(model().parameters(), decodeSafetensors(withHeaderLength(bytes), { file: "input" }).tensors),
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
      read: async (bytes) => reader.read(await withChecksum(withHeaderLength(bytes))),
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
      read: (bytes) => fromPyTorch(gru(), decodeSafetensors(withHeaderLength(bytes), { file: "input" }).tensors),
    });
  },
  keras() {
    const gru = () => new GRU({ inputSize: 2, hiddenSize: 3, random: new Random(1) });
    const weights = Object.entries(toKeras(gru()));
    return Promise.resolve({
      seeds: [encodeSafetensors(weights as Parameters<typeof encodeSafetensors>[0])],
      read: (bytes) => fromKeras(gru(), decodeSafetensors(withHeaderLength(bytes), { file: "input" }).tensors),
    });
  },
  model: () =>
    Promise.resolve({
      seeds: [saveModel(model()), saveModel(new GRU({ inputSize: 1, hiddenSize: 2, random: new Random(1) }))],
      read: (bytes) => loadModel(withHeaderLength(bytes), { file: "input", random: new Random(1) }),
    }),
  onnx: () =>
    Promise.resolve({
      seeds: [saveModel(model(), { metadata: { scaler: "{}" } })],
      read(bytes) {
        const file = withHeaderLength(bytes);
        const { metadata } = decodeSafetensors(file);
        toOnnx(loadModel(file, { file: "input", random: new Random(1) }), { metadata });
      },
    }),
  scaler: () =>
    Promise.resolve({
      seeds: [
        text(JSON.stringify(new StandardScaler({ mean: [1], deviation: [2] }).state)),
        text('{"kind":"log","offset":1}'),
        text('{"kind":"minMax","minimum":[0],"range":[1]}'),
      ],
      read(bytes) {
        let state: unknown;
        try {
          state = JSON.parse(new TextDecoder().decode(bytes));
        } catch {
          throw new Error("Cannot parse it");
        }
        loadScaler(state);
      },
    }),
  forecasts: () =>
    Promise.resolve({
      seeds: [text("made,date,close,actual,low,high,model,naive\n2024-01-01,2024-01-02,1,2,1,3,2,1\n")],
      read: (bytes) => decodeForecasts(new TextDecoder().decode(bytes), "input"),
    }),
  link: () =>
    Promise.resolve({
      seeds: [text("view=series&data=sine&cell=gru&hidden=8&optimizer=adam&rate=0.01&seed=1")],
      read(bytes) {
        const [problem] = fromFragment(new TextDecoder().decode(bytes)).problems;
        if (problem !== undefined) throw new Error(problem);
      },
    }),
  forecaster: () =>
    Promise.resolve({
      seeds: [encodeSafetensors(Object.entries(model().parameters()), { metadata: { "unfold.stock": "{}" } })],
      read: (bytes) => Forecaster.decode(withHeaderLength(bytes), "input"),
    }),
  seriesModel() {
    const config = {
      cell: "gru",
      hidden: 3,
      segment: 2,
      past: 2,
      ahead: 1,
      series: 2,
      horizon: 2,
      season: 2,
      dropout: 0,
      scale: "linear",
      scaling: "standard",
      frequency: "1 month",
      ids: ["a", "b"],
    } as const;
    return Promise.resolve({
      seeds: [
        new SeriesForecaster(
          { use: "network", season: 2, horizon: 2, frequency: "1 month", factors: { network: Array(9).fill([1, 1]) } },
          [new GlobalModel(config, new Random(1))],
        ).encode(),
      ],
      read(bytes) {
        const [one] = readSeriesSet(parseTable("x\n1\n2\n3\n4\n5\n", "series")).series;
        SeriesForecaster.decode(withHeaderLength(bytes), "input").forecast([one!]);
      },
    });
  },
  series: () =>
    Promise.resolve({
      seeds: [
        text("date,a,b\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,3,5\n"),
        text("date,store,sales\n2024-01,x,1\n2024-01,y,2\n2024-02,x,3\n2024-02,y,4\n2024-03,x,5\n2024-03,y,6\n"),
        text("id,V1,V2,V3,V4,V5,V6,V7,V8\nH1,1,2,3,4,5,6,7,8\nH2,2,3,4,5,6,7,8,9\n"),
        text("x\n1\n2\n3\n4\n"),
      ],
      async read(bytes) {
        const { series, frequency } = readSeriesSet((await readTable(bytes, "input")).table);
        findSeason(series.map(({ values }) => values), frequency);
        for (const { next, labels } of series) next(3).concat(labels());
      },
    }),
  summary: () =>
    Promise.resolve({
      seeds: [
        text(
          '{"data":{"source":"a.csv","rows":9,"from":"2024-01-01","to":"2024-01-09","rhythm":{"unit":"day","every":1}}}',
        ),
        text('{"from":"2024-01-01","to":"2024-01-02","days":2,"learned":9,"bestEpoch":1,"scores":{"model":{"mse":1}}}'),
      ],
      read(bytes) {
        let value: unknown;
        try {
          value = JSON.parse(new TextDecoder().decode(bytes));
        } catch {
          throw new Error("Cannot parse it");
        }
        for (const problem of [SUMMARY(value, ""), foldProblem(value, [])]) {
          if (problem !== undefined) throw new Error(`Cannot read it: ${problem}`);
        }
      },
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
      read: (bytes) => LanguageModel.fromFile(withHeaderLength(bytes), "input"),
    });
  },
  classifier() {
    const config = {
      model: "network",
      tokens: "word",
      vocabulary: ["a", "b", "<unk>"],
      classes: ["x", "y"],
      limit: { longest: 2, keep: "all" },
      encoder: {
        cell: "gru",
        hidden: 3,
        layers: 1,
        embedding: 2,
        dropout: 0,
        bidirectional: true,
        pools: ["mean", "max", "last"],
        embeddingDropout: 0,
        wordDropout: 0,
      },
      bag: { parents: [0, 1, 3, 0], frequencies: { texts: 4, having: [2, 1, 0, 2, 1] } },
    };
    return Promise.resolve({
      seeds: [new Classifier(config as never, new Random(1)).toFile()],
      read: (bytes) => Classifier.fromFile(withHeaderLength(bytes), "input").predict(["a b c"]),
    });
  },
  resultLog: () =>
    ofFile(
      [text('{"stock":{"seed":1}}\n{"fold":0,"mse":1}\n{"fold":1,"mse":2}\n')],
      (path) =>
        readResultLog<object>(
          path,
          (entry, before) => shape(`${before.length}`, (fold) => fold === before.length)(Object(entry).fold, "fold"),
        ),
    ),
  tables: () =>
    Promise.resolve({
      seeds: [
        text(
          "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,2,1,2,2,5\n2024-01-03,2,3,1,2,2,6\n2024-01-04,1,2,1,3,3,4\n",
        ),
        text("Datum;Kurs\n02.01.2024;1.234,5\n03.01.2024;1.240,25\n04.01.2024;1.199,75\n"),
        text('[{"date":"2024-01-02","close":1},{"date":"2024-01-03","close":2}]'),
        text('{"date":"2024-01-02","close":1}\n{"date":"2024-01-03","close":2}\n'),
        text("# a comment\nSymbol\tMonth\t$ Price\nA\t2024-01\t(1,200)\nA\t2024-02\t1.3K\n"),
      ],
      async read(bytes) {
        const table = await readTable(bytes, "input");
        inspectionText(inspect(table), "train");
      },
    }),
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
    const days = Array.from(
      { length: 60 },
      (_, i) => `${new Date(Date.UTC(2024, 0, 1 + i)).toJSON().slice(0, 10)},${i % 7}`,
    );
    await Deno.writeTextFile(`${folder}/a.csv`, `Date,Close\n${days.join("\n")}\n`);
    return {
      seeds: [
        text("stock\0train\0--csv\0a.csv\0--epochs\x001"),
        text("stock\0forecast\0model.safetensors\0--csv\0a.csv"),
        text("text\0--text\0a.csv\0--steps\x001\0--hidden\x004"),
        text("text\0classify\0train\0--csv\0a.csv"),
        text("stock\0report\0--out\0x"),
        text("forecast\0compare\0--csv\0a.csv\0--no-network"),
        text("forecast\0--csv\0a.csv\0--steps\x001\0--horizon\x002\0--hidden\x004"),
      ],
      async read(input) {
        const [app = "stock", ...args] = new TextDecoder().decode(input).split("\0").filter((one) => one !== "");
        const known = ["stock", "text", "forecast"].includes(app) ? app : "stock";
        const main = new URL(`../apps/${known}/main.ts`, import.meta.url).pathname;
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
