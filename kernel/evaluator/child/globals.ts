import type * as Rich from "../../display/index.ts";
import type { Display, Progress } from "../../display/index.ts";
import type { Comms } from "./comms.ts";

/**
 * What every cell sees without an import, for the checker. The values are created in ./main.ts; a cell that declares one
 * of these names gets its own.
 */

/** Shows a value below the cell; returns a handle whose `update(value)` shows another in its place. */
export declare const display: Display["display"];

/** Clears the cell's output; with `{ wait: true }`, only once the next output arrives. */
export declare const clearOutput: Display["clearOutput"];

/** A progress bar with the time left, for a loop: `for (const x of progress(items))`, or `for await` over an async iterable. */
export declare const progress: Progress;

/** Asks the user for a line of text: `const name = await prompt("Your name?")`. Always write `await`. */
export declare function prompt(question?: string, options?: { password?: boolean }): Promise<string>;

/** Connections to objects in the front end, such as widgets. */
export declare const comms: Comms;

/** HTML as a value that displays itself: `display(html("<b>bold</b>"))`, or as a cell's last expression. */
export declare const html: typeof Rich.html;

/** Markdown as a value that displays itself. */
export declare const markdown: typeof Rich.markdown;

/** SVG as a value that displays itself. */
export declare const svg: typeof Rich.svg;

/** The bytes of a PNG, JPEG, GIF or WebP file as a value that displays itself, in a size of your choice. */
export declare const image: typeof Rich.image;

/** A value as JSON that can be expanded. */
export declare const json: typeof Rich.json;

/** Marks an answer that is still to be written, as a statement or a value: `const f = (x: number): number => TODO()`. */
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
