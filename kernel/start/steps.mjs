// What `npm start` prints, one line per step. Plain JavaScript, because it runs before anything is built.

/** How many lines of a failed program's output are shown. */
const DETAIL_LINES = 15;

/** Where lines cannot be redrawn (a file, a log, an editor's output): when a running step is first reported, and how often after that. */
const PATIENCE = { first: 1500, next: 15_000 };

/** A step failed for a reason that the user can fix. */
export class StepError extends Error {
  /**
   * @param {string} message - what went wrong, in a few words
   * @param {{ next: string, detail?: string, cause?: unknown }} options - what to do next; output with the details
   */
  constructor(message, { next, detail = "", cause }) {
    super(message, { cause });
    this.name = "StepError";
    this.next = next;
    this.detail = detail;
  }
}

/**
 * @typedef {object} Steps
 * @property {<T extends string>(name: string, work: (report: (text: string) => void) => T | Promise<T>) => Promise<T>} run
 *   does a piece of work and prints its line: a tick, the name, what `work` returned, the time. `report` shows progress
 *   in the meantime: redrawn in a terminal, elsewhere as a new line now and then. A failure prints a cross, what went
 *   wrong and what to do, and is rethrown.
 */

/**
 * @param {{ write(text: string): unknown, isTTY?: boolean, columns?: number }} out
 * @returns {Steps}
 */
export function createSteps(out) {
  return {
    async run(name, work) {
      const started = performance.now();
      const label = name.padEnd(11);
      let state = "";
      let due = started + PATIENCE.first;
      const draw = () => {
        if (out.isTTY) {
          const line = `  · ${label} ${state} ${seconds(started)}`;
          out.write(`\r\x1b[K${line.slice(0, (out.columns ?? 80) - 1)}`);
        } else if (performance.now() >= due) {
          due = performance.now() + PATIENCE.next;
          out.write(`  · ${label} ${(state || "working").padEnd(52)} ${seconds(started)}\n`);
        }
      };
      const clock = setInterval(draw, 500);
      const clear = () => {
        clearInterval(clock);
        if (out.isTTY) out.write("\r\x1b[K");
      };
      draw();
      try {
        const outcome = await work((text) => {
          state = text;
          draw();
        });
        clear();
        out.write(`  ✓ ${label} ${outcome.padEnd(52)} ${seconds(started)}\n`);
        return outcome;
      } catch (error) {
        clear();
        const { message, next, detail = "" } = /** @type {StepError} */ (error);
        out.write(`  ✗ ${label} ${message.padEnd(52)} ${seconds(started)}\n`);
        const last = detail.trimEnd().split(/\r?\n/).slice(-DETAIL_LINES);
        if (detail.trim()) out.write(`\n${last.map((line) => `      ${line}`).join("\n")}\n`);
        if (next) out.write(`\n    → ${next.replaceAll("\n", "\n      ")}\n`);
        throw error;
      }
    },
  };
}

/** @param {number} since */
function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1).padStart(6)} s`;
}
