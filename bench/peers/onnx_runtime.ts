/** The character model in ONNX Runtime: onnx_runtime.ts stream|batch HIDDEN FOLDER THREADS. */

import { ort } from "../../tools/onnx.ts";
import { CHARACTERS, INPUTS, magnitude, serve, tokens } from "./_workload.ts";

const [task, hidden, folder, threads] = Deno.args as [string, string, string, string];
const { vocabulary, batch, time } = CHARACTERS;
const options = { intraOpNumThreads: Number(threads), interOpNumThreads: 1, logSeverityLevel: 3 } as const;
const file = Deno.readFileSync(`${folder}/${hidden}${task === "stream" ? ".state" : ""}.onnx`);
const session = await ort.InferenceSession.create(file, options);
const text = tokens(batch * time, vocabulary, INPUTS);

if (task === "batch") {
  const input = new ort.Tensor(text, [batch, time]);
  let first = true;
  await serve(async () => {
    const logits = (await session.run({ input })).output!.data as Float32Array;
    if (!first) return logits[0]!;
    first = false;
    return magnitude(logits);
  });
} else {
  const names = session.inputNames.filter((name) => name.startsWith("state."));
  let state = Object.fromEntries(
    names.map((name) => [name, new ort.Tensor(new Float32Array(Number(hidden)), [1, Number(hidden)])]),
  );
  let place = 0;
  await serve(async () => {
    const input = new ort.Tensor(Int32Array.of(text[place++ % text.length]!), [1, 1]);
    const { output, ...next } = await session.run({ input, ...state });
    state = Object.fromEntries(names.map((name) => [name, next[name.replace("state.", "next.")]!])) as typeof state;
    const logits = output!.data as Float32Array;
    return place === 1 ? magnitude(logits) : logits[0]!;
  });
}
