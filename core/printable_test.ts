import { harmless, joined, listed, printable, quoted } from "@unfold/core/support";
import assert from "node:assert/strict";

/** All characters that a terminal may obey or that reorder a line, by Unicode's properties. */
const STEERING = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code))
  .filter((char) => /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u.test(char));

Deno.test("no character that steers a terminal or reorders a line is left", () => {
  // 65 controls, 2 separators, 12 marks, overrides and isolates of direction.
  assert.equal(STEERING.length, 79);
  for (const char of STEERING) {
    for (const safe of [printable(char), quoted(char), quoted({ [char]: char }), listed([char])]) {
      assert.match(safe, /^[\x20-\x7e]+$/);
    }
    assert.equal(harmless(char), char === "\n" || char === "\t" ? char : printable(char));
  }
  assert.equal(printable("a\x1b[31m\x00\r\n\tb\u202ec\x9b"), "a\\u001b[31m\\u0000\\r\\n\\tb\\u202ec\\u009b");
});

Deno.test("names show what cannot be seen; texts keep what joins letters", () => {
  assert.equal(quoted("Close\u200b\ufeff"), '"Close\\u200b\\ufeff"');
  assert.equal(harmless("👩\u200d💻 می\u200cخواهم"), "👩\u200d💻 می\u200cخواهم");
});

Deno.test("a long value is cut to 80 characters, with the count of what is missing", () => {
  assert.equal(printable("x".repeat(80)), "x".repeat(80));
  assert.equal(printable("x".repeat(2080)), `${"x".repeat(80)}… (2,000 more characters)`);
  assert.equal(quoted("y".repeat(81)), `"${"y".repeat(80)}…" (1 more character)`);
  assert.equal(quoted(Array(1e6).fill(0), 5), "[0,0,… (1,999,996 more characters)");
  // No half of a surrogate pair is left.
  assert.equal(printable(`${"x".repeat(79)}😀😀`), `${"x".repeat(79)}… (4 more characters)`);
});

Deno.test("values other than text are quoted as JSON", () => {
  assert.equal(quoted(undefined), "undefined");
  assert.equal(quoted({ a: ['"', 1] }), '{"a":["\\"",1]}');
  const [list, object]: [unknown[], Record<string, unknown>] = [[], {}];
  list.push(list);
  object.self = object;
  assert.deepEqual([quoted(list), quoted(object)], ["[…]", "{…}"]);
  assert.equal(quoted(1n), "1");
});

Deno.test("lists of names and of problems are cut too", () => {
  assert.equal(listed(["a", 'b"']), '"a", "b\\""');
  assert.match(listed(Array.from({ length: 1030 }, (_, i) => `c${i}`)), /"c19" and 1,010 more$/);
  assert.match(joined(Array.from({ length: 30 }, (_, i) => `c${i} is missing`)), /c19 is missing; and 10 more$/);
});
