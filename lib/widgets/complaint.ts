import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

/** This folder, as stacks name it. */
const HERE = [new URL(".", import.meta.url).href, fileURLToPath(new URL(".", import.meta.url))];

/**
 * Prints errors where the code stood that called this, so that a notebook shows them below that cell: what is called as the page
 * sends a message has no cell of its own, and a front end puts what it prints where nobody looks.
 *
 * @param what - the line before the error
 * @returns takes an error
 */
export function complaintsTo(what: string): (error: unknown) => void {
  const errors: unknown[] = [];
  let wake = () => {};
  // What follows a promise belongs to the code that said so, whoever keeps the promise.
  const wait = () => {
    void new Promise<void>((resolve) => (wake = resolve)).then(() => {
      wait();
      for (const error of errors.splice(0)) console.error(`${what} ${textOf(error)}`);
    });
  };
  wait();
  return (error) => {
    errors.push(error);
    wake();
  };
}

/** An error and where it was thrown, without the steps by which it came to this folder's code. */
function textOf(error: unknown): string {
  if (!(error instanceof Error) || !error.stack) return inspect(error);
  const lines = error.stack.split("\n");
  return lines.filter((line) => !HERE.some((folder) => line.includes(folder))).join("\n");
}
