/** Formatters by what they are for: each takes far longer to make than to use. */
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

/** A number with some significant digits, and a real minus. */
export function format(value: number, digits = 3): string {
  const size = Math.abs(value);
  const notation = size !== 0 && (size < 1e-3 || size >= 1e6) ? "scientific" : "standard";
  return formatter(digits, notation).format(value).replaceAll("-", "−").replace("E", "e");
}

/** A whole number, its thousands grouped. */
export function formatCount(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}
