import assert from "node:assert/strict";
import { withFolder } from "../../tools/testing.ts";
import { firstNames, readLabelled } from "./labelled_text.ts";

Deno.test("first names are labelled female and male", async () => {
  const { texts, labels } = await firstNames();
  assert.deepEqual([texts.length, texts[0], labels[0], labels.at(-1)], [8849, "Aaren", "female", "male"]);
});

Deno.test("CSV and TSV files can have any column titles; errors name the line and column", () =>
  withFolder(async (folder) => {
    const file = `${folder}/some.csv`;
    const read = async (content: string, columns = { textColumn: "text", labelColumn: "label" }) => {
      await Deno.writeTextFile(file, content);
      return await readLabelled(file, columns);
    };
    const { texts, labels } = await read(
      '\uFEFFLabel,id,Text\r\npos,1,"so ""good"", really\nvery"\r\n\r\nneg,2,bad\r\n',
    );
    assert.deepEqual([texts, labels], [['so "good", really\nvery', "bad"], ["pos", "neg"]]);
    const tsv = await read("what\tkind\na, b\tx\nc\ty\n", { textColumn: "what", labelColumn: "kind" });
    assert.deepEqual(tsv.texts, ["a, b", "c"]);
    const cases: [string, string][] = [
      ["", "line 1 must have a column text, got an empty line"],
      ["text,kind\na,b", 'line 1 must have a column label, got "text", "kind"'],
      ["text,label\na,x\nb,x\n", 'column label must have at least two different labels, got only "x"'],
      ["text,label\n", "column label must have at least two different labels, got none"],
      ['text,label\n"a\nb",x\n,y\n', "line 4, column text must not be empty"],
      ["text,label\na,x\nb\n", "line 3, column label must not be empty"],
    ];
    for (const [content, message] of cases) {
      await assert.rejects(() => read(content), { message: `Cannot read ${file}: ${message}` });
    }
  }));
