import assert from "node:assert/strict";
import { withFolder } from "../../../tools/testing.ts";
import { firstNames, type LabelledOptions, type LabelledText, readLabelled } from "./labelled_text.ts";

Deno.test("first names are labelled female and male", async () => {
  const { texts, labels } = await firstNames();
  assert.deepEqual([texts.length, texts[0], labels[0], labels.at(-1)], [8849, "Aaren", "female", "male"]);
});

/** Texts of two classes as rows. */
const ROWS = Array.from({ length: 12 }, (_, i) => [`text ${i}`, i % 2 === 0 ? "pos" : "neg"] as const);
const csvOf = (rows: readonly (readonly [string, string])[]) =>
  `text,label\n${rows.map(([text, label]) => `"${text}","${label}"`).join("\n")}\n`;
const COLUMNS = { textColumn: "text", labelColumn: "label" };

/** Reads a file with some contents. */
function reading(
  test: (
    read: (content: string, options?: Partial<LabelledOptions>) => Promise<LabelledText>,
    file: string,
  ) => Promise<void>,
) {
  return withFolder((folder) => {
    const file = `${folder}/some.csv`;
    return test(async (content, options) => {
      await Deno.writeTextFile(file, content);
      return await readLabelled(file, { ...COLUMNS, ...options });
    }, file);
  });
}

Deno.test("CSV, TSV, JSON and JSON lines give the same texts, whatever the columns are called", () =>
  reading(async (read) => {
    const [texts, labels] = [ROWS.map(([text]) => text), ROWS.map(([, label]) => label)];
    const records = ROWS.map(([text, label]) => ({ label, text }));
    const named = { textColumn: "What", labelColumn: "2" };
    const forms: [content: string, options?: Partial<LabelledOptions>][] = [
      [csvOf(ROWS)],
      [`\uFEFF${csvOf(ROWS.map(([text, label]) => [text, ` ${label} `]))}`.replaceAll("\n", "\r\n")],
      [`what\tkind\n${ROWS.map((row) => row.join("\t")).join("\n")}`, named],
      [ROWS.map((row) => row.join(";")).join("\n"), { textColumn: "1", labelColumn: "2", header: "no" }],
      [JSON.stringify(records)],
      [records.map((record) => JSON.stringify(record)).join("\n")],
    ];
    for (const [content, options] of forms) {
      const found = await read(content, options);
      assert.deepEqual([found.texts, found.labels], [texts, labels], content.slice(0, 30));
    }
    const quoted = await read(csvOf([...ROWS, ['so ""good"", really\nvery', "pos"]]));
    assert.equal(quoted.texts.at(-1), 'so "good", really\nvery');
  }));

Deno.test("a folder has a folder of files for each class", () =>
  withFolder(async (folder) => {
    for (const [i, [text, label]] of ROWS.entries()) {
      await Deno.mkdir(`${folder}/${label}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${label}/${String(i).padStart(2, "0")}.txt`, `${text}\r\n`);
    }
    const { texts, labels } = await readLabelled(folder, COLUMNS);
    assert.deepEqual(labels, [...Array(6).fill("neg"), ...Array(6).fill("pos")]);
    assert.deepEqual(texts.slice(0, 2), ["text 1", "text 3"]);
    await assert.rejects(readLabelled(`${folder}/pos`, COLUMNS), {
      message: /a folder must have a folder of text files for each class/,
    });
  }));

Deno.test("what cannot be right is an error with the line and the next step", () =>
  reading(async (read, file) => {
    const cases: [content: string, message: string | RegExp, options?: Partial<LabelledOptions>][] = [
      ["", "it must have a header and rows, got an empty file"],
      [
        "text,kind\na,b\n",
        'column "label" is missing; it has "text", "kind"; --label-column names it by title or position',
      ],
      [
        csvOf(ROWS.map(([text]) => [text, "x"])),
        'column label must have at least two different labels, got only "x"; --label-column names another column',
      ],
      [`${csvOf(ROWS)}"a\nb",x\n,y\n`, "line 16, column text: it must not be empty; complete the row or remove it"],
      [`${csvOf(ROWS)}a\n`, /^line 14: it must have 2 cells as the header has, got 1; /],
      [`${csvOf(ROWS)}a,b,c\n`, /^line 14: it must have 2 cells as the header has, got 3; /],
      [
        csvOf([...ROWS, ["a", "n\neg"]]),
        /^line 14, column label: a label must have no tab, line break or other control character, got "n\\neg"; /,
      ],
      [csvOf([...ROWS, ["a", "po\ts"]]), /^line 14, column label: .*got "po\\ts"/],
      [
        csvOf([...ROWS, ["a", "POS"]]),
        'column label: the labels "pos" (6) and "POS" (1) differ only in case or spaces; --label-case merge takes them for one class, --label-case keep for several',
      ],
      [
        csvOf([...ROWS, ["a", "odd"]]),
        'column label: each class must have at least 3 different texts (to train on, to choose the epoch by, to test on), got 1 of "odd" (line 14); add texts, or remove the class',
      ],
      [
        csvOf(ROWS.map(([text], i) => [text, `id${i}`])),
        "column label has 12 different labels in 12 rows; --label-column names another column",
      ],
    ];
    for (const [content, message, options] of cases) {
      await assert.rejects(() => read(content, options), (error: Error) => {
        const found = error.message.replace(`Cannot read ${file}: `, "");
        if (typeof message === "string") assert.equal(found, message);
        else assert.match(found, message);
        return true;
      });
    }
  }));

Deno.test("labels that differ in case are merged or kept on demand; texts with two labels are counted", () =>
  reading(async (read) => {
    const odd = csvOf([...ROWS, ["a", "POS"], ["b", "Pos"], ["text 0", "neg"]]);
    const { labels, notes } = await read(odd, { labelCase: "merge" });
    assert.deepEqual([...new Set(labels)].sort(), ["neg", "pos"]);
    assert.deepEqual(notes!.map(({ text }) => text), [
      'the labels "pos" (6) and "POS" (1) and "Pos" (1) are one class, "pos"',
      '1 text comes with several labels, such as "text 0" (line 2)',
    ]);
    await assert.rejects(() => read(odd, { labelCase: "keep" }), { message: /at least 3 different texts/ });
  }));

Deno.test("more than a thousand labels are refused with their number", () =>
  reading(async (read, file) => {
    const rowsOf = (labels: number) =>
      Array.from({ length: 3 * labels }, (_, i) => [`text ${i}`, `label ${i % labels}`] as const);
    assert.equal(new Set((await read(csvOf(rowsOf(1000)))).labels).size, 1000);
    await assert.rejects(() => read(csvOf(rowsOf(1001))), {
      message: `Cannot read ${file}: column label must have at most 1,000 different labels, got 1,001 in 3,003 rows; ` +
        "merge rare classes into one, or name another column by --label-column",
    });
  }));
