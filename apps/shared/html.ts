/** HTML that needs no escaping. */
export class Html {
  constructor(readonly text: string) {}
}

/** Text with U+FFFD in place of each character that XML 1.0 forbids, even escaped, such as most control characters. */
export function xmlText(text: string): string {
  return text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd");
}

type Part = Html | string | number | readonly Part[];

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(render).join("");
  return xmlText(String(part)).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}

/** A template tag that escapes its values, except those that are {@linkcode Html}. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(strings.map((text, i) => text + (i < values.length ? render(values[i]!) : "")).join(""));
}

/** A table. The first cell of a row is its heading. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`
    <div class="wide">
      <table>
        <thead>
          <tr>${head.map((cell) => html`<th>${cell}</th>`)}</tr>
        </thead>
        <tbody>${rows.map(([first = "", ...cells]) =>
          html`
            <tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
          `
        )}</tbody>
      </table>
    </div>
  `;
}

/** The settings of a run, one row each. */
export function settingsTable(settings: object): Html {
  const said = (value: unknown) => typeof value === "object" ? JSON.stringify(value) : String(value);
  return htmlTable(["setting", "value"], Object.entries(settings).map(([name, value]) => [name, said(value)]));
}

/** A chart. In a narrow window it scrolls. */
export async function htmlChart(svg: Promise<string>): Promise<Html> {
  return html`<div class="wide">${new Html(await svg)}</div>`;
}

const STYLE = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2430; --quiet: #5c6577; --grid: #e3e6ec; --actual: #8a94a6;
  --forecast: #d9480f; --other: #1c7ed6; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171e; --ink: #dfe3ea; --quiet: #9aa3b3; --grid: #2c323e;
  --actual: #8a94a6; --forecast: #ff8a4c; --other: #6bb3ff; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 980px; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 0.4rem; }
p { margin: 0.4rem 0; } .quiet { color: var(--quiet); } .verdict { font-size: 1.1rem; margin: 1rem 0; }
.wide { overflow-x: auto; } svg { display: block; width: 100%; min-width: 720px; max-width: 920px; height: auto; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.6 ui-monospace, monospace; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9rem; margin: 0.6rem 0; }
th, td { padding: 0.25rem 0.8rem 0.25rem 0; border-bottom: 1px solid var(--grid); text-align: right; font-weight: normal;
  white-space: nowrap; }
thead th { color: var(--quiet); white-space: normal; vertical-align: bottom; } th:first-child { text-align: left; }
`;

/** A complete, self-contained page. */
export function htmlPage(title: string, body: Html): string {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>${title}</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
    ${body}
      </body>
    </html>
  `.text;
}
