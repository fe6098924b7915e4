import { promiseHooks } from "node:v8";

/**
 * Which run of a cell the code at hand belongs to. It follows promises and timers, so that what a cell prints after it
 * ended still goes to the cell that printed it.
 *
 * Node's `AsyncLocalStorage` does the same, and would do more; but on Node 20 it keeps a stack of asynchronous contexts
 * that code stopped by an interrupt leaves unbalanced, and Node then ends the process. V8's own promise hooks keep none.
 */
let current = 0;
let latest = 0;
/** The same number where another thread can see it while the code does not let this one run. */
let place: Int32Array = new Int32Array(1);

function enter(run: number): void {
  current = run;
  place[0] = run;
}

/** Where a promise keeps its run. */
const RUN = Symbol("run");
type WithRun = Promise<unknown> & { [RUN]?: number };

/** What code of a run threw last: by the time that Node reports it as uncaught, the run has been left. */
let thrown: { error: unknown; run: number } | undefined;

/** Runs code as part of a run. */
export function inRun<T>(run: number, code: () => T): T {
  latest = Math.max(latest, run);
  const outer = current;
  enter(run);
  try {
    return code();
  } catch (error) {
    if (thrown?.error !== error) thrown = { error, run };
    throw error;
  } finally {
    enter(outer);
  }
}

/** The run whose code threw an error that nothing caught. */
export function runOfError(error: unknown): number {
  const found = thrown?.error === error ? thrown?.run : undefined;
  thrown = undefined;
  return found ?? currentRun();
}

/** The run that a promise was made in. */
export function runOfPromise(promise: unknown): number {
  return (promise as WithRun)[RUN] || currentRun();
}

/** The run that the code at hand belongs to; where that is not known, as in callbacks of the file system, the latest. */
export function currentRun(): number {
  return current || latest;
}

/** Forgets where stopped code was: called as the event loop enters this process's own code. */
export function resetContext(): void {
  enter(0);
}

/**
 * Starts to follow promises and timers.
 *
 * @param seenBy - shared memory that always holds the number of the run whose code is at work
 */
export function installContext(seenBy: Int32Array<SharedArrayBuffer>): void {
  place = seenBy;
  const outer: number[] = [];
  promiseHooks.createHook({
    init: (promise: WithRun) => {
      promise[RUN] = current;
    },
    before: (promise: WithRun) => {
      outer.push(current);
      enter(promise[RUN] ?? 0);
    },
    after: () => {
      enter(outer.pop() ?? 0);
    },
  });
  const follow = (owner: object, name: string) => {
    const original = Reflect.get(owner, name) as (callback: unknown, ...rest: unknown[]) => unknown;
    function scheduled(callback: unknown, ...rest: unknown[]): unknown {
      if (typeof callback !== "function") return original(callback, ...rest); // Node throws its own error
      const run = current;
      return original(
        function resumed(this: unknown, ...args: unknown[]) {
          outer.length = 0; // a turn of the event loop begins: nothing is left to go back to
          return inRun(run, () => callback.apply(this, args));
        },
        ...rest,
      );
    }
    // promisify(setTimeout) finds its promise form on the function.
    const properties = Object.getOwnPropertyDescriptors(original);
    Object.defineProperties(scheduled, properties);
    Object.defineProperty(owner, name, { value: scheduled, configurable: true, writable: true, enumerable: true });
  };
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) follow(globalThis, name);
}
