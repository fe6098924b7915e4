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

/** Asks the person at the notebook for a line of text: `const name = await prompt("Your name?")`. */
export declare function prompt(question?: string, options?: { password?: boolean }): Promise<string>;

/** Connections to objects in the front end, such as widgets. */
export declare const comms: Comms;

/** Names of the above. */
export const GLOBAL_NAMES = ["display", "clearOutput", "progress", "prompt", "comms"] as const;
