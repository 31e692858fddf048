/** Batches for a training run, and its checkpoints. */

import { decodeSafetensors, encodeSafetensors, Random } from "@unfold/core";
import { LSTM } from "@unfold/layers";
import { PaddedBatches, StandardScaler, TokenStream, Windows } from "@unfold/training";
import { givenText } from "../apps/text/read_text.ts";
import { tokenize } from "../apps/text/tokenize.ts";
import { draw } from "./_measure.ts";

const DAYS = 5000;
const features = { data: draw(DAYS * 8), columns: 8 };
const targets = { data: draw(DAYS), columns: 1 };
const past = 30;
const windowing = `windows of ${past} days over ${DAYS} of 8 features`;
const all = new Windows({ features, targets, past, batchSize: 32, random: new Random(1) });
Deno.bench({
  name: "Windows, shuffled",
  group: windowing,
  baseline: true,
  fn: () => {
    for (const _ of all);
  },
});
Deno.bench({
  name: "arrays of arrays",
  group: windowing,
  fn: () => {
    const rows = Array.from({ length: DAYS }, (_, day) => Array.from(features.data.subarray(8 * day, 8 * day + 8)));
    const windows = Array.from({ length: DAYS - past + 1 }, (_, from) => rows.slice(from, from + past));
    for (let from = 0; from < windows.length; from += 32) Float32Array.from(windows.slice(from, from + 32).flat(2));
  },
});
Deno.bench({
  name: "StandardScaler, fit and transform",
  group: windowing,
  fn: () => void StandardScaler.fit(features).transform(features),
});

const random = new Random(1);
const text = Array.from({ length: 1_000_000 }, () => "abcdefghijklmnop qrstuvwxyz \n"[random.integer(29)]).join("");
const reading = "a million characters";
for (const kind of ["char", "word", "byte"] as const) {
  Deno.bench({
    name: `tokenize as ${kind}`,
    group: reading,
    baseline: kind === "char",
    fn: async () => {
      using _ = await tokenize([givenText("text", text)], { kind, vocabularySize: 10_000 });
    },
  });
}
const tokens = Uint8Array.from(text, (char) => char.charCodeAt(0));
const stream = new TokenStream({ tokens, batchSize: 50, time: 50 });
Deno.bench({
  name: "stream in batches of 50×50",
  group: reading,
  fn: () => {
    for (const _ of stream);
  },
});
const sequences = Array.from({ length: 10_000 }, () => Int32Array.from({ length: 1 + random.integer(200) }, () => 1));
const padded = new PaddedBatches({ sequences, targets: new Uint8Array(10_000), batchSize: 32, random });
Deno.bench({
  name: "10,000 sequences in padded batches",
  group: reading,
  fn: () => {
    for (const _ of padded);
  },
});

const model = new LSTM({ inputSize: 128, hiddenSize: 512, layers: 2, random });
const saved = encodeSafetensors(Object.entries(model.parameters()));
const file = await Deno.makeTempFile();
await Deno.writeFile(file, saved);
globalThis.addEventListener("unload", () => Deno.removeSync(file));
const checkpoint = `a checkpoint of ${Math.round(saved.length / 1e6)} MB`;
Deno.bench({
  name: "encode",
  group: checkpoint,
  baseline: true,
  fn: () => void encodeSafetensors(Object.entries(model.parameters())),
});
Deno.bench({ name: "decode", group: checkpoint, fn: () => void decodeSafetensors(saved) });
Deno.bench({ name: "write to a file", group: checkpoint, fn: () => Deno.writeFile(file, saved) });
Deno.bench({
  name: "read from a file",
  group: checkpoint,
  fn: async () => void decodeSafetensors(await Deno.readFile(file)),
});
