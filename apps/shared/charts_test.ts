import assert from "node:assert/strict";
import { drawChart, LIGHT, toPng } from "./charts.ts";

Deno.test("a title with characters that XML forbids is drawn with U+FFFD in their place", async () => {
  const svg = await drawChart({
    title: "a\x00b\x1bc\ufffed\ud800e <&\u{1f600}",
    data: { values: [{ x: 1 }] },
    mark: "point",
    encoding: { x: { field: "x", type: "quantitative" } },
  }, LIGHT);
  assert.ok(svg.includes("a\ufffdb\ufffdc\ufffdd\ufffde &lt;&amp;\u{1f600}"), svg);
  assert.deepEqual([...(await toPng(svg)).subarray(1, 4)], [..."PNG"].map((char) => char.charCodeAt(0)));
});
