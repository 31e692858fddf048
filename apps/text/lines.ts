/**
 * Joins chunks of text into lines, and yields the lines that each chunk completes. A last line without an end counts, unless
 * it is empty.
 *
 * The work is proportional to the text: a line that many chunks bring is joined once, when it ends.
 */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string[], void, undefined> {
  let begun: string[] = [];
  for await (const chunk of chunks) {
    const [first, ...others] = chunk.split("\n");
    begun.push(first!);
    const last = others.pop();
    if (last === undefined) continue;
    yield [begun.join(""), ...others];
    begun = [last];
  }
  const rest = begun.join("");
  if (rest !== "") yield [rest];
}
