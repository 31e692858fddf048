/** A number with five significant digits, grouped; very large and very small ones with a power of ten. */
export function formatNumber(value: number): string {
  const notation = value !== 0 && (Math.abs(value) >= 1e12 || Math.abs(value) < 1e-4) ? "scientific" : "standard";
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 5, notation }).format(value);
}
