export { plural } from "../printed.ts";

/**
 * A number as a label: three significant digits, an exponent only for the very large and small, a true minus sign.
 * 0.98765 is 0.988, 1234567 is 1.23e6.
 */
export function label(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const small = size < 1e-3 || size >= 1e6;
  const text = small
    ? value
        .toExponential(digits - 1)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e")
    : size >= 10 ** (digits - 1)
      ? grouped(Math.round(value))
      : trimmed(value.toPrecision(digits));
  return text.replaceAll("-", "−");
}

/** A whole number with commas: 60,000. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `[1, 28, 28]` as people write sizes: 1 × 28 × 28. */
export function sizes(shape: readonly number[]): string {
  return shape.join(" × ");
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
