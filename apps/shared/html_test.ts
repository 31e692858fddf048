import assert from "node:assert/strict";
import { html } from "./html.ts";

Deno.test("values are escaped, and characters that XML forbids become U+FFFD", () => {
  assert.equal(
    html`<p>${"<\x07&\t\n\uffff\udc00\u{1f600}"}</p>`.text,
    "<p>&lt;\ufffd&amp;\t\n\ufffd\ufffd\u{1f600}</p>",
  );
});
