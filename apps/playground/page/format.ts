/** Formatters by digits and notation. Creating one is far slower than using it. */
const formatters = new Map<string, Intl.NumberFormat>();

function formatter(digits: number, notation: "scientific" | "standard"): Intl.NumberFormat {
  const key = `${digits} ${notation}`;
  let found = formatters.get(key);
  if (found === undefined) {
    found = new Intl.NumberFormat("en", {
      minimumSignificantDigits: digits,
      maximumSignificantDigits: digits,
      notation,
    });
    formatters.set(key, found);
  }
  return found;
}

/** Formats a number with a fixed number of significant digits and a true minus sign. */
export function format(value: number, digits = 3): string {
  const size = Math.abs(value);
  const notation = size !== 0 && (size < 1e-3 || size >= 1e6) ? "scientific" : "standard";
  return formatter(digits, notation).format(value).replaceAll("-", "−").replace("E", "e");
}

/** Formats a whole number with its thousands grouped. */
export function formatCount(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}
