import { Random } from "@unfold/core";
import { checkOp } from "@unfold/core/testing";
import { toOnnx } from "@unfold/layers/interchange";
import assert from "node:assert/strict";
import { OnnxModel } from "../../../tools/onnx.ts";
import { assertEqual, forward, integers, stir } from "../../../tools/testing.ts";
import { BagOfTerms, bagOfTermsInterchange, bagProduct } from "./bag_of_terms.ts";
import { findTerms, inverseFrequencies, Terms, textFrequencies } from "./terms.ts";

const TEXTS = [[0, 1, 2, 0, 1], [2, 2, 2], [3, 1], [4]];
const UNKNOWN = 4;
const terms = findTerms(TEXTS, { tokens: 5, unknown: UNKNOWN, longest: 3, fewest: 1, most: Infinity });
const idf = inverseFrequencies(textFrequencies(terms.count(TEXTS)));
const x = {
  shape: [4, 5],
  data: Int32Array.from(TEXTS.flatMap((text) => [...text, ...new Array(5 - text.length).fill(1)])),
};
const lengths = TEXTS.map(({ length }) => length);

for (const [name, given] of [["counts", undefined], ["TF-IDF", idf]] as const) {
  Deno.test(`a bag of ${name}: values and gradients`, () => {
    const layer = new BagOfTerms({ terms, classes: 3, idf: given });
    const { starts, columns, values } = layer.valuesOf(TEXTS);
    checkOp({
      op: (weight, bias) => bagProduct({ width: terms.size, starts, columns, values }, weight!, bias!),
      oracle: (weight, bias) => {
        const data = new Float64Array(4 * 3);
        for (let row = 0; row < 4; row++) {
          for (let k = 0; k < 3; k++) {
            data[row * 3 + k] = bias!.data[k]!;
            for (let at = starts[row]!; at < starts[row + 1]!; at++) {
              data[row * 3 + k]! += values[at]! * weight!.data[columns[at]! * 3 + k]!;
            }
          }
        }
        return { shape: [4, 3], data };
      },
      shapes: [[terms.size, 3], [3]],
    });
  });

  Deno.test(`a bag of ${name}: ONNX Runtime gives the same, whatever the padding`, async () => {
    const layer = stir(new BagOfTerms({ terms, classes: 3, idf: given }), new Random(2));
    const file = toOnnx(layer, { lengths: true, layers: [bagOfTermsInterchange] });
    const { output } = await (await OnnxModel.load(file)).run({ input: x, lengths: integers(...lengths) });
    assertEqual(output, forward(layer, x, { lengths }), name);
    // The text of the unknown token has only the bias.
    assert.deepEqual([...output!.data.slice(9)], [...layer.bias.data]);
  });
}

Deno.test("a bag of single tokens exports too", async () => {
  const layer = stir(new BagOfTerms({ terms: new Terms(5, undefined, []), classes: 2 }), new Random(2));
  const file = toOnnx(layer, { lengths: true, layers: [bagOfTermsInterchange] });
  const { output } = await (await OnnxModel.load(file)).run({ input: x, lengths: integers(...lengths) });
  assertEqual(output, forward(layer, x, { lengths }), "single tokens");
});
