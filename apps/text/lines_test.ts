import assert from "node:assert/strict";
import { linesOf } from "./lines.ts";

async function* from(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

Deno.test("lines are the same however the text is cut", async () => {
  const text = "one\n\n two\nthree\n\nfour";
  const expected = text.split("\n");
  for (let length = 1; length <= text.length; length++) {
    const chunks = Array.from({ length: Math.ceil(text.length / length) }, (_, i) => {
      return text.slice(i * length, (i + 1) * length);
    });
    assert.deepEqual((await Array.fromAsync(linesOf(from(chunks)))).flat(), expected, `chunks of ${length}`);
  }
});

Deno.test("lines come out with the chunk that completes them, and an empty last line is none", async () => {
  const lines = await Array.fromAsync(linesOf(from(["a", "b\nc\nd", "", "e\n"])));
  assert.deepEqual(lines, [["ab", "c"], ["de"]]);
  assert.deepEqual(await Array.fromAsync(linesOf(from([]))), []);
});

Deno.test("a line in many chunks is read once: twice the chunks are twice the work", async () => {
  /** Characters that are split, searched or joined while a line comes in chunks of ten. */
  const workFor = async (count: number) => {
    let work = 0;
    const { split, indexOf } = String.prototype;
    const { join } = Array.prototype;
    String.prototype.split = function (this: string, ...args: Parameters<typeof split>) {
      work += this.length;
      return split.apply(this, args);
    } as typeof split;
    String.prototype.indexOf = function (...args) {
      work += this.length;
      return indexOf.apply(this, args);
    };
    Array.prototype.join = function (...args) {
      const joined = join.apply(this, args);
      work += joined.length;
      return joined;
    };
    try {
      const lines = await Array.fromAsync(linesOf(from([...Array(count).fill("0123456789"), "\nend"])));
      assert.deepEqual(lines.map(({ length }) => length), [1, 1]);
      assert.equal(lines[0]![0]!.length, 10 * count);
    } finally {
      Object.assign(String.prototype, { split, indexOf });
      Array.prototype.join = join;
    }
    return work;
  };
  const [once, twice] = [await workFor(1000), await workFor(2000)];
  assert.ok(once >= 10_000, `${once} characters of work`);
  assert.ok(twice / once < 2.1, `${once} and ${twice} characters of work`);
});
