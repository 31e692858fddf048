/** Formats a table as text, the first column aligned left and the others right, with a rule under the head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** Formats a number with five significant digits and grouped thousands, or as a power of ten if very large or small. */
export function formatNumber(value: number): string {
  const notation = value !== 0 && (Math.abs(value) >= 1e12 || Math.abs(value) < 1e-4) ? "scientific" : "standard";
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 5, notation }).format(value);
}
