import assert from "node:assert/strict";
import { assertPrintable, HOSTILE } from "../../tools/testing.ts";
import {
  count,
  exactly,
  finite,
  fraction,
  listOf,
  mapOf,
  notNegative,
  oneOf,
  optional,
  positive,
  recordOf,
  sameAs,
  score,
  type Shape,
  size,
  text,
} from "./shapes.ts";

/** Values of all kinds that JSON can hold, and those that it writes as null. */
const VALUES = [null, true, "", "1", [], {}, [1], -1, -0.5, 0, 0.5, 1, 1.5, 1e300, 2 ** 53, NaN, Infinity, undefined];

Deno.test("each shape takes its own values and no others", () => {
  const taken: [Shape, unknown[]][] = [
    [text, ["", "1"]],
    [count, [0, 1]],
    [size, [1]],
    [finite, [-1, -0.5, 0, 0.5, 1, 1.5, 1e300, 2 ** 53]],
    [positive, [0.5, 1, 1.5, 1e300, 2 ** 53]],
    [notNegative, [0, 0.5, 1, 1.5, 1e300, 2 ** 53]],
    [fraction, [0, 0.5, 1]],
    [score, [null, -1, -0.5, 0, 0.5, 1, 1.5, 1e300, 2 ** 53]],
    [oneOf(["1", "2"]), ["1"]],
    [exactly(1), [1]],
    [sameAs({}), [{}]],
    [optional(size), [1, undefined]],
    [listOf(size), [[], [1]]],
    [listOf(size, 1), [[1]]],
    [mapOf(size), [{}]],
    [recordOf({}), [{}]],
    [recordOf({ a: optional(size) }), [{}]],
  ];
  for (const [shape, expected] of taken) {
    assert.deepEqual(VALUES.filter((value) => shape(value, "x") === undefined), expected);
  }
});

Deno.test("the first problem is named with its place, in a message that can be printed", () => {
  const shape = recordOf({
    name: text,
    scores: mapOf(recordOf({ mse: finite })),
    epochs: listOf(recordOf({ loss: score })),
  });
  const problemOf = (changes: object) => shape({ name: "a", scores: {}, epochs: [], ...changes }, "");
  assert.equal(problemOf({}), undefined);
  assert.equal(problemOf({ name: 3 }), "name must be a text, got 3");
  assert.equal(problemOf({ scores: { a: { mse: null } } }), "scores.a.mse must be a finite number, got null");
  assert.equal(problemOf({ scores: { a: { mse: Infinity } } }), "scores.a.mse must be a finite number, got Infinity");
  assert.equal(problemOf({ scores: [] }), "scores must be an object, got []");
  assert.equal(
    problemOf({ epochs: [{ loss: 1 }, { loss: "2" }] }),
    'epochs[1].loss must be a finite number, or null if there is none, got "2"',
  );
  assert.equal(shape(7, ""), "it must be an object, got 7");
  assert.equal(listOf(size, 2)([1], "radii"), "radii must be a list of 2, got one of 1");
  // What objects inherit is no entry.
  assert.equal(recordOf({ toString: text })({}, ""), "toString must be a text, got undefined");
  for (const hostile of [{ name: [HOSTILE] }, { scores: { [HOSTILE]: HOSTILE } }]) assertPrintable(problemOf(hostile)!);
});
