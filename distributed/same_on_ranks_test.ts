import assert from "node:assert/strict";
import type { Communicator } from "./communicator.ts";
import { single } from "./communicator.ts";
import { checkSameOnRanks, type SameOnRanks } from "./same_on_ranks.ts";
import { inProcess } from "./testdata/in_process.ts";

const same: SameOnRanks = {
  settings: { seed: 1, target: "price", nested: { b: 2, a: [1, 2] } },
  data: { close: Float64Array.of(1, 2, 3), dates: ["2020-01-01", "2020-01-02"] },
};

/** The message on each rank; undefined if a rank passes. */
async function outcomes(ranks: readonly SameOnRanks[]): Promise<(string | undefined)[]> {
  const settled = await Promise.allSettled(
    inProcess(ranks.length).map((communicator, rank) => checkSameOnRanks(communicator, ranks[rank]!)),
  );
  return settled.map((outcome) => outcome.status === "rejected" ? (outcome.reason as Error).message : undefined);
}

Deno.test("ranks with the same settings and data pass, whatever the order of keys and whatever is undefined", async () => {
  const { seed, target } = same.settings;
  const other = { target, nested: { a: [1, 2], b: 2 }, steps: undefined, seed };
  assert.deepEqual(await outcomes([same, { ...same, settings: other }, same]), [undefined, undefined, undefined]);
});

for (
  const [what, part, message] of [
    ["seed", { settings: { ...same.settings, seed: 2 } }, "seed 2 instead of 1"],
    ["target", { settings: { ...same.settings, target: "direction" } }, 'target "direction" instead of "price"'],
    [
      "list",
      { settings: { ...same.settings, nested: { b: 2, a: [2, 1] } } },
      /^nested .*\[2,1\].* instead of .*\[1,2\]/,
    ],
    ["missing setting", { settings: { seed: 1, nested: same.settings.nested } }, 'target none instead of "price"'],
    ["new setting", { settings: { ...same.settings, tied: true } }, "tied true instead of none"],
    [
      "long text",
      { settings: { ...same.settings, target: "x".repeat(50) + "y" } },
      /^target "x{39}… instead of "price"$/,
    ],
    ["array", { data: { ...same.data, close: Float64Array.of(1, 2, 4) } }, "another close"],
    ["shorter array", { data: { ...same.data, close: Float64Array.of(1, 2) } }, "another close"],
    ["list of texts", { data: { ...same.data, dates: ["2020-01-01"] } }, "another dates"],
    ["missing data", { data: { dates: same.data.dates } }, "another close"],
    [
      "everything",
      { settings: { ...same.settings, seed: 3 }, data: { ...same.data, dates: [] } },
      "seed 3 instead of 1, another dates",
    ],
  ] as const
) {
  Deno.test(`another ${what} on one rank is an error on all, which names the rank and what differs`, async () => {
    const other = { ...same, ...part };
    for (const rank of [1, 2]) {
      const found = await outcomes([0, 1, 2].map((each) => each === rank ? other : same));
      const before = `Cannot train on 3 ranks: all must have the settings and the data of rank 0, got on rank ${rank} `;
      const after = "; start every rank with the same options and files";
      assert.equal(new Set(found).size, 1, "all ranks have the same message");
      assert.ok(found[0]!.startsWith(before) && found[0]!.endsWith(after), found[0]!);
      const got = found[0]!.slice(before.length, -after.length);
      if (typeof message === "string") assert.equal(got, message);
      else assert.match(got, message);
    }
  });
}

Deno.test("long values that begin alike are not shown as equal", async () => {
  const [a, b] = ["a", "b"].map((end) => ({ settings: { name: "x".repeat(60) + end }, data: {} }));
  assert.match((await outcomes([a!, b!]))[0]!, /got on rank 1 another name;/);
});

Deno.test("a single rank compares nothing", async () => {
  const communicator: Communicator = { ...single(), broadcast: () => Promise.reject(new Error("broadcast")) };
  await checkSameOnRanks(communicator, same);
});
