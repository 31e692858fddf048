import { decodeSafetensors, memoryStats, Random } from "@unfold/core";
import assert from "node:assert/strict";
import { Forecaster } from "../../stock/forecaster.ts";
import { LanguageModel } from "../../text/language_model.ts";
import type { Request } from "../messages.ts";
import { fromFragment } from "../settings.ts";
import { makeTask } from "./make_task.ts";
import { Session } from "./session.ts";

type Start = Extract<Request, { type: "start" }>;

const TEXT = Array.from({ length: 120 }, (_, i) => `${i} green bottles hanging on the wall;\n`).join("");

function start(fragment: string, more: Partial<Start> = {}): Start {
  const { settings, problems } = fromFragment(fragment);
  assert.deepEqual(problems, []);
  return { type: "start", run: 1, settings, data: { name: "the song", content: TEXT }, ...more };
}

async function after(session: Session, steps: number): Promise<number[]> {
  for (let i = 0; i < steps; i++) await session.step();
  return [...session.takeLosses().losses];
}

const RUNS = ["data=own-text&hidden=12&length=10&layers=2", "data=sine&hidden=8&length=12&cell=gru"];

for (const fragment of RUNS) {
  Deno.test(`#${fragment}: equal settings give equal losses, even if watched; another seed gives other losses`, async () => {
    const plain = await after(new Session(makeTask(start(fragment))), 60);
    const watched = new Session(makeTask(start(fragment)));
    const losses: number[] = [];
    for (let i = 0; i < 6; i++) {
      watched.preview({ temperature: 1 });
      watched.unfold();
      watched.toFile("safetensors");
      losses.push(...await after(watched, 10));
    }
    assert.deepEqual(losses, plain);
    const mean = (some: number[]) => some.reduce((a, b) => a + b) / some.length;
    assert.ok(mean(plain.slice(-10)) < mean(plain.slice(0, 10)), `${plain}`);
    assert.notDeepEqual(await after(new Session(makeTask(start(`${fragment}&seed=2`))), 5), plain.slice(0, 5));
  });

  Deno.test(`#${fragment}: validation runs before the first step and at fixed steps`, async () => {
    const session = new Session(makeTask(start(fragment)));
    for (let i = 0; i < 110; i++) await session.step();
    const { validation } = session.takeLosses();
    assert.deepEqual(validation.map(([step]) => step), [0, 10, 20, 30, 40, 50, 100]);
    assert.ok(validation.at(-1)![1] < validation[0]![1]);
    assert.deepEqual(session.takeLosses(), { losses: new Float64Array(), validation: [] });
    assert.equal(session.steps, 110);
  });

  Deno.test(`#${fragment}: a saved model continues, with the shape from its file`, async () => {
    const session = new Session(makeTask(start(fragment)));
    const first = (await after(session, 60)).at(-1)!;
    const bytes = session.toFile("safetensors");
    const other = start(`${fragment.replace(/&hidden=.*/, "")}&hidden=3&cell=relu`, {
      file: { name: "m.safetensors", bytes },
    });
    const loaded = new Session(makeTask(other));
    const { hidden, cell, layers } = session.facts.settings;
    assert.deepEqual(
      [loaded.facts.settings.hidden, loaded.facts.settings.cell, loaded.facts.settings.layers],
      [hidden, cell, layers],
    );
    assert.ok((await after(loaded, 3)).every((loss) => loss < 1.5 * first + 0.1));
    assert.ok(session.toFile("onnx").length > 1000);
  });
}

Deno.test("apps/text reads a text model's file, and apps/stock a forecaster's", () => {
  const [text, series] = RUNS.map((run) => new Session(makeTask(start(run))).toFile("safetensors"));
  assert.deepEqual(LanguageModel.fromFile(text!, "text").config.vocabulary, [...new Set(TEXT)]);
  const { config } = Forecaster.decode(series!, "series");
  assert.deepEqual([config.model, config.hidden, config.window, config.horizon], ["gru", 8, 12, 20]);
  assert.ok("unfold.stock" in decodeSafetensors(series!).metadata);
});

for (const data of ["own-text", "sine"]) {
  Deno.test(`${data}: before training, gated cells carry the gradient, while tanh and ReLU lose it`, () => {
    const carried = (cell: string, layers = 1) => {
      const gradients = new Session(makeTask(start(`data=${data}&length=48&cell=${cell}&layers=${layers}`)))
        .unfold().steps.map(({ gradient }) => gradient);
      return gradients[0]! / gradients.at(-1)!;
    };
    for (const cell of ["rnn", "relu"]) assert.ok(carried(cell) < 1e-4, `${cell} ${carried(cell)}`);
    for (const cell of ["lstm", "gru"]) assert.ok(carried(cell) > 3e-3, `${cell} ${carried(cell)}`);
    assert.ok(carried("lstm", 2) > 3e-3);
  });
}

Deno.test("the network does not train on the validation text", async () => {
  const held = Math.round(0.05 * TEXT.length);
  const other = TEXT.slice(0, -held) + TEXT.slice(-held).split("").reverse().join("");
  const [a, b] = [TEXT, other].map((content) =>
    new Session(makeTask(start(RUNS[0]!, { data: { name: "the song", content } })))
  );
  // Several epochs.
  assert.deepEqual(await after(a!, 60), await after(b!, 60));
});

Deno.test("gradients are clipped to norm 1", async () => {
  const vocabulary = [...new Set(TEXT)];
  const stack = { cell: "gru", hidden: 12, embedding: 8, layers: 1, dropout: 0, tied: false } as const;
  const model = new LanguageModel({ ...stack, tokens: "char", vocabulary }, new Random(1));
  // A large loss has a large gradient.
  for (const parameter of Object.values(model.output.parameters())) {
    parameter.data.forEach((_, i, data) => data[i]! *= 40);
  }
  const file = { name: "wrong", bytes: model.toFile() };
  const session = new Session(makeTask(start("data=own-text&optimizer=sgd&rate=0.1&length=10", { file })));
  await session.step();
  const { tensors } = decodeSafetensors(session.toFile("safetensors"));
  let squares = 0;
  for (const [name, { data }] of Object.entries(model.network.parameters())) {
    (tensors.get(name)!.data as Float32Array).forEach((value, i) => squares += (value - data[i]!) ** 2);
  }
  assert.ok(Math.abs(Math.sqrt(squares) - 0.1) < 1e-4, `${Math.sqrt(squares)}`);
});

Deno.test("a tied model of apps/text can be trained and unfolded", async () => {
  const vocabulary = [...new Set(TEXT)];
  const stack = { cell: "lstm", hidden: 12, embedding: 12, layers: 1, dropout: 0 } as const;
  const model = new LanguageModel({ ...stack, tied: true, tokens: "char", vocabulary }, new Random(1));
  const session = new Session(makeTask(start(RUNS[0]!, { file: { name: "tied", bytes: model.toFile() } })));
  assert.deepEqual(session.unfold().outputWeight.shape, [12, vocabulary.length]);
  const losses = await after(session, 40);
  assert.ok(losses.at(-1)! < 0.9 * losses[0]!, `${losses}`);
});

Deno.test("after warming up, a session holds its memory constant", async () => {
  using session = new Session(makeTask(start(RUNS[0]!)));
  const look = async () => {
    await after(session, 60);
    session.unfold();
    session.preview({ temperature: 0 });
    return memoryStats();
  };
  await look();
  const before = await look();
  assert.deepEqual(await look(), before);
});

Deno.test("unsuitable data and models are refused in one line", () => {
  const refused = (request: Start, message: RegExp) => assert.throws(() => makeTask(request), { message });
  const given = (content: string) => ({ data: { name: "mine", content } });
  refused(start("data=own-text", given("")), /^Cannot train on mine: it must have at least 200 characters, got 0$/);
  refused(start("data=own-csv", given("a,b\n1,2\n")), /^Cannot read mine: several columns may be the one to forecast/);
  refused(
    start("data=own-csv", given("date,close\n2020-01-01,1\n")),
    /^Cannot train on mine: .* at least \d+ rows .* got 1; try a smaller --window or a longer file$/,
  );
  const text = new Session(makeTask(start(RUNS[0]!))).toFile("safetensors");
  const file = { name: "m.safetensors", bytes: text };
  const series = new Session(makeTask(start(RUNS[1]!))).toFile("safetensors");
  const { config } = Forecaster.decode(series, "series");
  const mlp = { name: "mlp.safetensors", bytes: new Forecaster({ ...config, model: "mlp" }, new Random(1)).encode() };
  refused(
    start("data=sine", { file: mlp }),
    /^Cannot continue the model: it must be a recurrent model .*, got mlp for price from returns$/,
  );
  for (const [fragment, bytes] of [["data=own-text", text], ["data=sine", series]] as const) {
    const bad = bytes.slice();
    new DataView(bad.buffer).setFloat32(bad.length - 4, NaN, true);
    refused(start(fragment, { file: { name: "bad", bytes: bad } }), /^Cannot read bad: .* must be finite, got NaN at /);
  }
  refused(start("data=sine", { file }), /^Cannot read m\.safetensors: it must be a model of this app/);
  refused(
    start("data=own-text", { file, ...given(`${TEXT}ß`) }),
    /^Cannot read .*: every character must be in the model's vocabulary, got "ß"/,
  );
});
