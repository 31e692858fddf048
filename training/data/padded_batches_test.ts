import { Random } from "@unfold/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { PaddedBatches, type PaddedBatchesOptions } from "./padded_batches.ts";

/** The sequences, targets and lengths of one pass. Checks all padding. */
function unpadded(batches: PaddedBatches, padding: number): [number[][], number[], number[][]] {
  const [sequences, targets, lengthsOfBatches]: [number[][], number[], number[][]] = [[], [], []];
  for (const { x, y, lengths } of batches) {
    const width = Math.max(...lengths!);
    assert.deepEqual([x.shape, x.dtype, y.dtype], [[y.size, width], "i32", "i32"]);
    lengths!.forEach((length, row) => {
      const tokens = [...x.data.subarray(row * width, (row + 1) * width)];
      sequences.push(tokens.slice(0, length));
      assert.ok(tokens.slice(length).every((token) => token === padding));
    });
    targets.push(...y.data);
    lengthsOfBatches.push([...lengths!]);
  }
  return [sequences, targets, lengthsOfBatches];
}

const someSequences = fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 30,
});

Deno.test("each pass has every sequence once, with its target, in the given order unless shuffled", () => {
  fc.assert(
    fc.property(
      someSequences,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: -1, max: 1 }),
      fc.option(fc.nat(1e6), { nil: undefined }),
      (sequences, batchSize, bucket, padding, seed) => {
        const targets = sequences.map((_, i) => i);
        const random = seed === undefined ? {} : { random: new Random(seed) };
        const batches = new PaddedBatches({ sequences, targets, batchSize, bucket, padding, ...random });
        for (let pass = 0; pass < 2; pass++) {
          const [seen, order, lengths] = unpadded(batches, padding);
          assert.deepEqual(seen, order.map((i) => sequences[i]));
          assert.deepEqual(seed === undefined ? order : order.toSorted((a, b) => a - b), targets);
          assert.equal(batches.length, lengths.length);
          assert.equal(lengths.filter(({ length }) => length !== batchSize).length, sequences.length % batchSize && 1);
        }
      },
    ),
  );
});

Deno.test("the batches of a pool are cut from sorted sequences, and each pass shuffles them", () => {
  const sequences = Array.from({ length: 40 }, (_, i) => new Uint8Array(1 + i * 7 % 40));
  const targets = new Int32Array(40);
  const batches = new PaddedBatches({ sequences, targets, batchSize: 4, bucket: 10, random: new Random(3) });
  const passes = [0, 1].map(() => unpadded(batches, 0)[2]);
  for (const lengths of passes) {
    const sorted = lengths.toSorted(([a], [b]) => a! - b!);
    assert.deepEqual(sorted.flat(), Array.from({ length: 40 }, (_, i) => i + 1));
    assert.notDeepEqual(lengths, sorted);
  }
  assert.notDeepEqual(passes[0], passes[1]);
});

Deno.test("a larger bucket needs less padding", () => {
  const sequences = Array.from({ length: 400 }, (_, i) => new Uint8Array(1 + i * 7 % 40));
  const padding = (bucket: number) => {
    const batches = new PaddedBatches({
      sequences,
      targets: new Uint8Array(400),
      batchSize: 4,
      bucket,
      random: new Random(3),
    });
    return unpadded(batches, 0)[2].reduce((sum, all) => sum + all.reduce((a, b) => a + Math.max(...all) - b, 0), 0);
  };
  assert.ok(padding(100) < padding(5) && padding(5) < padding(1));
});

Deno.test("PaddedBatches refuses bad options", () => {
  const options = { sequences: [[1, 2], [3]], targets: [0, 1], batchSize: 2 };
  const refuse = (changes: Partial<PaddedBatchesOptions>, message: string, name = "RangeError") =>
    assert.throws(() => new PaddedBatches({ ...options, ...changes }), {
      name,
      message: `Cannot pad sequences: ${message}`,
    });
  refuse({ batchSize: 0 }, "batchSize must be an integer of 1 or more, got 0");
  refuse({ bucket: 0.5 }, "bucket must be an integer of 1 or more, got 0.5");
  refuse({ targets: [0] }, "each sequence must have one target, got 2 sequences and 1 targets", "TypeError");
  refuse({ sequences: [], targets: [] }, "there must be at least one, got none");
  refuse({ sequences: [[1], []] }, "sequence 1 must have at least one token, got none");
  refuse({ sequences: [[1], [2, 0.5]] }, "token 1 of sequence 1 must be a 32-bit integer, got 0.5");
  refuse({ targets: [0, 2 ** 31] }, "target 1 must be a 32-bit integer, got 2147483648");
  refuse({ padding: NaN }, "padding must be a 32-bit integer, got NaN");
});
