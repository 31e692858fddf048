import { printable } from "./printable.ts";

/** Formats a table as text, the first column aligned left and the others right, with a rule under the head. */
export function table(titles: readonly string[], cells: readonly (readonly string[])[]): string {
  // Names of classes and columns come from files.
  const [head, ...rows] = [titles, ...cells].map((row) => row.map((cell) => printable(cell))) as [
    string[],
    ...string[][],
  ];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** What is shown for a score that does not exist, such as R² of values that are all the same. */
export const NONE = "—";

/** A score that may not exist: it is NaN in the program, and null in a file. */
export type Score = number | null | undefined;

/** Shows a score, or a dash if it does not exist. */
export function scoreText(score: Score, format: (score: number) => string): string {
  return typeof score === "number" && Number.isFinite(score) ? format(score) : NONE;
}

/** Formats a number with five significant digits and grouped thousands, or as a power of ten if very large or small. */
export function formatNumber(score: Score): string {
  return scoreText(score, (value) => {
    const notation = value !== 0 && (Math.abs(value) >= 1e12 || Math.abs(value) < 1e-4) ? "scientific" : "standard";
    return new Intl.NumberFormat("en", { maximumSignificantDigits: 5, notation }).format(value);
  });
}

/** Formats a fraction as a percentage. */
export function percent(fraction: Score, digits = 1): string {
  return scoreText(fraction, (value) => `${(100 * value).toFixed(digits)} %`);
}
