import fc from "fast-check";
import assert from "node:assert/strict";
import { CELLS, OPTIMIZER_NAMES } from "../shared/choices.ts";
import { OPTIMIZERS } from "../shared/models.ts";
import { DATA, DATA_NAMES, fileOf, taskOf } from "./data.ts";
import { BOUNDS, fits, fromFragment, SUGGESTED_RATES, toFragment, VIEWS, withinBounds } from "./settings.ts";

Deno.test("a link restores its settings", () => {
  const integer = ([min, max]: readonly [number, number]) => fc.integer({ min, max });
  const settings = fc.record({
    data: fc.constantFrom(...DATA_NAMES),
    cell: fc.constantFrom(...CELLS),
    hidden: integer(BOUNDS.hidden),
    layers: integer(BOUNDS.layers),
    length: integer(BOUNDS.length),
    optimizer: fc.constantFrom(...OPTIMIZER_NAMES),
    rate: fc.double({ min: BOUNDS.rate[0], max: BOUNDS.rate[1], noNaN: true }),
    seed: integer(BOUNDS.seed),
    unfolded: fc.boolean(),
  }).map(({ unfolded, ...chosen }) => ({ view: unfolded ? "unfolded" as const : taskOf(chosen.data), ...chosen }));
  fc.assert(
    fc.property(settings, (settings) => {
      assert.deepEqual(fromFragment(`#${toFragment(settings)}`), { settings, problems: [] });
    }),
    { seed: 1 },
  );
});

Deno.test("missing settings get their defaults, the data's view and the optimizer's rate", () => {
  assert.deepEqual(
    fromFragment("").settings,
    fromFragment("view=text&data=moby-dick&cell=lstm&hidden=128&seed=1").settings,
  );
  assert.equal(fromFragment("data=ar").settings.view, "series");
  assert.equal(fromFragment("view=series").settings.data, "sine");
  assert.equal(fromFragment("view=unfolded&data=ar").settings.view, "unfolded");
  assert.equal(fromFragment("optimizer=sgd").settings.rate, SUGGESTED_RATES.sgd);
  assert.equal(fromFragment("optimizer=sgd&rate=0.1").settings.rate, 0.1);
  // The data decides between text and series.
  assert.equal(fromFragment("view=text&data=sp500").settings.view, "series");
});

Deno.test("invalid settings of a link are reported and get their defaults", () => {
  const { settings, problems } = fromFragment(
    "view=map&data=weather&cell=elman&hidden=0&layers=1.5&length=&optimizer=newton&rate=-1&seed=x",
  );
  assert.deepEqual(settings, fromFragment("").settings);
  assert.equal(problems.length, 9);
  assert.ok(problems.includes('Cannot use hidden from the link: it must be a whole number from 1 to 512, got "0"'));
  assert.ok(problems.includes('Cannot use length from the link: it must be a whole number from 2 to 200, got ""'));
  assert.ok(problems.includes('Cannot use cell from the link: it must be one of lstm, gru, rnn, relu, got "elman"'));
  assert.ok(problems.includes('Cannot use rate from the link: it must be a number from 0.000001 to 10, got "-1"'));
  assert.equal(fromFragment("data=sine&rate=1e-7").problems.length, 1);
  assert.deepEqual(fromFragment("data=sine&rate=1e-6").problems, []);
});

Deno.test("links and changes clamp the settings of a model from a file", () => {
  const { settings } = fromFragment("data=sine&seed=7&cell=gru");
  assert.deepEqual(withinBounds(settings), settings);
  const large = { ...settings, hidden: 600, layers: 4, length: 250 };
  const expected = { ...settings, hidden: 512, layers: 3, length: 200 };
  assert.deepEqual(withinBounds(large), expected);
  assert.deepEqual(fromFragment(toFragment(large)), { settings: expected, problems: [] });
});

Deno.test("every optimizer of the library can be chosen; every view has data that it can show", () => {
  assert.deepEqual([...OPTIMIZER_NAMES], Object.keys(OPTIMIZERS));
  for (const view of VIEWS) assert.ok(DATA_NAMES.some((data) => fits(view, data)));
  assert.ok(!fits("text", "sine") && !fits("series", "names"));
  for (const data of DATA_NAMES) {
    const hasNoFile = ["sine", "ar"].includes(data) || data.startsWith("own-");
    assert.equal(fileOf(data) === undefined, hasNoFile, DATA[data].label);
  }
});
