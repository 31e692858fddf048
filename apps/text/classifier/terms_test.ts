import fc from "fast-check";
import assert from "node:assert/strict";
import { findTerms, textFrequencies } from "./terms.ts";

const TOKENS = 4;
const UNKNOWN = 3;
const texts = fc.array(fc.array(fc.nat(TOKENS - 1), { maxLength: 12 }), { minLength: 1, maxLength: 8 });

/** The runs of up to `longest` known tokens in a text, as strings, with their counts. */
function runsOf(text: readonly number[], longest: number): Map<string, number> {
  const runs = new Map<string, number>();
  for (let from = 0; from < text.length; from++) {
    for (let to = from + 1; to <= Math.min(text.length, from + longest); to++) {
      const run = text.slice(from, to);
      if (!run.includes(UNKNOWN)) runs.set(run.join(" "), (runs.get(run.join(" ")) ?? 0) + 1);
    }
  }
  return runs;
}

Deno.test("terms are the runs of tokens that enough texts have", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), (texts, longest, fewest) => {
      const terms = findTerms(texts, { tokens: TOKENS, unknown: UNKNOWN, longest, fewest, most: Infinity });
      const runs = texts.map((text) => runsOf(text, longest));
      const having = new Map<string, number>();
      for (const run of runs.flatMap((one) => [...one.keys()])) having.set(run, (having.get(run) ?? 0) + 1);
      const expected = [...having].filter(([run, count]) => run.includes(" ") && count >= fewest).map(([run]) => run);
      const names = Array.from({ length: terms.size }, (_, term) => terms.tokensOf(term).join(" "));
      assert.deepEqual(names.slice(TOKENS).sort(), expected.sort());

      const { starts, columns, values } = terms.count(texts);
      runs.forEach((counts, row) => {
        const found = Array.from(
          columns.subarray(starts[row], starts[row + 1]),
          (term, i) => [names[term]!, values[starts[row]! + i]!] as const,
        );
        const kept = [...counts].filter(([run]) => names.includes(run));
        assert.deepEqual(new Map(found), new Map(kept));
        assert.deepEqual(
          columns.subarray(starts[row], starts[row + 1]),
          columns.slice(starts[row], starts[row + 1]).sort(),
        );
      });
      const frequencies = textFrequencies(terms.count(texts));
      names.forEach((name, term) =>
        assert.equal(frequencies.having[term], term === UNKNOWN ? 0 : having.get(name) ?? 0)
      );
    }),
  );
});

Deno.test("of too many terms, those of most texts are kept, and each keeps its parent", () => {
  fc.assert(fc.property(texts, fc.nat(6), (texts, most) => {
    const find = (most: number) =>
      findTerms(texts, { tokens: TOKENS, unknown: undefined, longest: 3, fewest: 1, most });
    const [all, some] = [find(Infinity), find(most)];
    assert.equal(some.parents.length, Math.min(most, all.parents.length));
    const having = (terms: typeof all) => {
      const { having } = textFrequencies(terms.count(texts));
      return terms.parents.flatMap(([parent], i) => parent < TOKENS ? [having[TOKENS + i]!] : []).sort((a, b) => b - a);
    };
    // Pairs come before longer terms.
    assert.deepEqual(having(some), having(all).slice(0, most));
  }));
});
