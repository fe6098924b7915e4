/** How the library's larger objects print: a line or a few, where the engine would list everything that is in them. */

/** The method that `console.log`, a notebook and errors call for an object's text. */
export const PRINTED: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** A head, and below it a line for each part: `  unet       UNet2DConditionModel, 859,520,964 weights`. */
export function listed(head: string, parts: readonly (readonly [name: string, text: string])[]): string {
  const width = Math.max(0, ...parts.map(([name]) => name.length));
  return [head, ...parts.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join("\n");
}

/** A number with commas: 60,000. What is none, in the error of a wrong argument, is written as it is. */
export function counted(value: unknown): string {
  return typeof value === "number" ? value.toLocaleString("en") : String(value);
}

/** 1 element, 3 elements, 60,000 elements. */
export function plural(count: unknown, word: string): string {
  return `${counted(count)} ${word}${count === 1 ? "" : "s"}`;
}
