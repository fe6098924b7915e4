import type * as Rich from "../display/index.ts";
import type { Display, Progress } from "../display/index.ts";
import type { Comms } from "./comms.ts";

/**
 * What every cell sees without an import, for the checker. The values are made in ./main.ts; a cell that declares one
 * of these names has its own.
 */

/** Shows a value below the cell; returns a handle whose `update(value)` shows another in its place. */
export declare const display: Display["display"];

/** Takes away what the cell has shown; with `{ wait: true }` not before the next output comes. */
export declare const clearOutput: Display["clearOutput"];

/** A progress bar with time left, for a loop: `for (const x of progress(items))`, or `for await` over an async iterable. */
export declare const progress: Progress;

/** Asks the person at the notebook for a line of text: `const name = await prompt("Your name?")`. Never without `await`. */
export declare function prompt(question?: string, options?: { password?: boolean }): Promise<string>;

/** Connections to objects in the front end, such as widgets. */
export declare const comms: Comms;

/** HTML text as a value that shows itself: `display(html("<b>bold</b>"))`, or as a cell's last expression. */
export declare const html: typeof Rich.html;

/** Markdown text as a value that shows itself. */
export declare const markdown: typeof Rich.markdown;

/** SVG text as a value that shows itself. */
export declare const svg: typeof Rich.svg;

/** The bytes of a PNG, JPEG, GIF or WebP file as a value that shows itself, in a size of your choice. */
export declare const image: typeof Rich.image;

/** A value as JSON that can be unfolded. */
export declare const json: typeof Rich.json;

/** Stands where an answer is still to be written, as a statement or a value: `const f = (x: number): number => TODO()`. */
export function TODO(): never {
  throw new Error("No answer yet.");
}

/** Names of the above. */
export const GLOBAL_NAMES = [
  "display",
  "clearOutput",
  "progress",
  "prompt",
  "comms",
  "html",
  "markdown",
  "svg",
  "image",
  "json",
  "TODO",
] as const;
