import assert from "node:assert/strict";
import { format, formatCount } from "./format.ts";

Deno.test("numbers are short, with a true minus sign", () => {
  const shown = [2.34567, -0.5, 0, 0.00012, 1234.5, 2e6].map((value) => format(value));
  assert.deepEqual(shown, ["2.35", "−0.500", "0.00", "1.20e−4", "1,230", "2.00e6"]);
  assert.deepEqual([formatCount(1234), formatCount(12.4)], ["1,234", "12"]);
});
