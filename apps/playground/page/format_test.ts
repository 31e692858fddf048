import assert from "node:assert/strict";
import { describeFlow } from "./unfolded_view.ts";
import { format, formatCount } from "./format.ts";

Deno.test("numbers are short and have a real minus", () => {
  const shown = [2.34567, -0.5, 0, 0.00012, 1234.5, 2e6].map((value) => format(value));
  assert.deepEqual(shown, ["2.35", "−0.500", "0.00", "1.20e−4", "1,230", "2.00e6"]);
  assert.deepEqual([formatCount(1234), formatCount(12.4)], ["1,234", "12"]);
});

Deno.test("what becomes of a gradient is told as it is", () => {
  const told = (first: number) => describeFlow([first, 0.5, 1]).split(":")[0];
  assert.deepEqual([0, 1e-5, 0.1, 0.9, 3, 40].map(told), [
    "It vanishes",
    "It vanishes",
    "It fades",
    "It gets through",
    "It gets through",
    "It explodes",
  ]);
  assert.equal(describeFlow([0.02, 2]), "It fades: 1 step back one part in 100 of the last step’s gradient is left.");
  // Units that are off are spoken of where there are such, and nothing gets through them.
  assert.equal(describeFlow([1, 0], true), "There is no gradient to follow: that of the last step is 0.");
  assert.match(describeFlow([0, 0, 1], true), /every unit is switched off, as ReLU does/);
  assert.match(describeFlow([0, 0, 1]), /^It vanishes: 2 steps back nothing is left/);
  assert.match(describeFlow([0.9, 1], true), /^It gets through/);
});
