import assert from "node:assert/strict";
import { listed, printable, quoted } from "./printable.ts";

Deno.test("control characters and marks that reorder text never reach the terminal", () => {
  const text = "a\x1b[31mred\x07\x00\r\n\tb\u202Ecd\u2028e\x9bf";
  const safe = printable(text);
  assert.equal(safe, "a\\u001b[31mred\\u0007\\u0000\\r\\n\\tb\\u202ecd\\u2028e\\u009bf");
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(quoted(text), /[\x00-\x1f\x7f-\x9f\u2028-\u202e]/);
});

Deno.test("a long value is cut to 80 characters with the count of what is missing", () => {
  assert.equal(printable("x".repeat(80)), "x".repeat(80));
  assert.equal(printable("x".repeat(2080)), `${"x".repeat(80)}… (2,000 more characters)`);
  assert.equal(quoted("y".repeat(81)), `"${"y".repeat(80)}…" (1 more characters)`);
  // No half of a surrogate pair is left.
  assert.equal(printable(`${"x".repeat(79)}😀😀`), `${"x".repeat(79)}… (4 more characters)`);
});

Deno.test("lists of titles are cut too", () => {
  assert.equal(listed(["a", 'b"']), '"a", "b\\""');
  assert.match(listed(Array.from({ length: 30 }, (_, i) => `c${i}`)), /"c19" and 10 more$/);
});
