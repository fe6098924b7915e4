import { describeError } from "../safe.ts";
import { type Bar, Group, type ProgressBar, type Show } from "./bars.ts";

/** Options of `progress`. */
export interface ProgressOptions {
  /** Steps in all; default: the `length` or `size` of the items, if they have one. */
  total?: number;
  /** A word or two in front of the bar; default none. A new bar takes the place of a finished one with the same label. */
  label?: string;
}

/** Items that show how far a loop over them is. */
export interface ProgressItems {
  /** Puts a remark behind the figures, until the next one: `steps.note("loss 0.12")`. */
  note(text: string): void;
}

/** The `progress` that cells see. */
export interface Progress {
  /** Goes through the numbers 0 to `count` - 1, and shows how far it is. */
  (count: number, options?: ProgressOptions): Iterable<number> & ProgressItems;
  /** Goes through the items of an iterable (for await: of an asynchronous one), and shows how far it is. */
  <T>(items: Iterable<T>, options?: ProgressOptions): Iterable<T> & ProgressItems;
  <T>(items: AsyncIterable<T>, options?: ProgressOptions): AsyncIterable<T> & ProgressItems;
  /** A bar for work that is no loop over items: `const bar = progress.bar({ total: bytes })`, `bar.step(n)`, `bar.close()`. */
  bar(options?: ProgressOptions): ProgressBar;
}

/** The kernel's side of {@link Progress}. */
export interface ProgressControl {
  progress: Progress;
  /** A new cell starts: its bars come below it, and not into an output of an earlier cell. */
  startCell(): void;
  /** The cell was interrupted, which no loop is told: its open bars say that they stopped. */
  interrupted(): void;
}

/**
 * Makes `progress`.
 *
 * @param display - the kernel's `display`; without one, lines of plain text are printed
 * @param options.print - takes a line if there is no display; default: standard error, as progress is not the program's result
 * @param options.now - a clock in milliseconds, for tests
 */
export function createProgress(
  display?: Show,
  {
    print = (line) => void process.stderr.write(`${line}\n`),
    now = () => performance.now(),
  }: { print?: (line: string) => void; now?: () => number } = {},
): ProgressControl {
  let group: Group | undefined;
  const groups = new Set<Group>();

  function open({ total, label = "" }: ProgressOptions): Bar {
    if (total !== undefined && !(typeof total === "number" && total >= 0)) {
      throw new TypeError(
        `progress: got the total ${String(total)}, expected a number of steps, 0 or more. Leave it out if it is not known.`,
      );
    }
    if (!group || group.ended) {
      group = new Group(display, print, now, (ended) => groups.delete(ended));
      groups.add(group);
    }
    return group.open(String(label), total === Number.POSITIVE_INFINITY ? undefined : total);
  }

  function progress(items: unknown, options: ProgressOptions = {}): unknown {
    const source = typeof items === "number" ? countTo(items) : items;
    const total = options.total ?? (typeof items === "number" ? items : lengthOf(items));
    const start = (): Bar => open({ ...options, total });
    if (hasMethod(source, Symbol.iterator)) return overItems(source as Iterable<unknown>, start);
    if (hasMethod(source, Symbol.asyncIterator)) return overAsync(source as AsyncIterable<unknown>, start);
    throw new TypeError(
      `progress: got ${items === null ? "null" : typeof items === "object" ? "an object" : `a ${typeof items}`}, expected an array or another iterable, or a number of steps.`,
    );
  }

  return {
    progress: Object.assign(progress, { bar: (options: ProgressOptions = {}) => open(options) }) as Progress,
    startCell() {
      group = undefined;
    },
    interrupted() {
      for (const each of [...groups]) each.stop();
    },
  };
}

/*
 * The bar opens with the first item asked for and closes with the last. An iterator of our own rather than a generator: it costs half as much
 * a step, and it sees `return` (break, or an error in the loop's body) apart from the end.
 */
function overItems<T>(items: Iterable<T>, start: () => Bar): Iterable<T> & ProgressItems {
  let latest: Bar | undefined;
  return {
    note: (text) => latest?.note(text),
    [Symbol.iterator](): Iterator<T> {
      const source = items[Symbol.iterator]();
      let bar: Bar | undefined;
      return {
        next() {
          if (bar) bar.tick();
          else bar = latest = start();
          let result: IteratorResult<T>;
          try {
            result = source.next();
          } catch (error) {
            bar.end("stopped", describeError(error));
            throw error;
          }
          if (result.done) bar.end("done");
          return result;
        },
        return(value) {
          bar?.end("stopped");
          return source.return?.(value) ?? { done: true, value };
        },
      };
    },
  };
}

function overAsync<T>(items: AsyncIterable<T>, start: () => Bar): AsyncIterable<T> & ProgressItems {
  let latest: Bar | undefined;
  return {
    note: (text) => latest?.note(text),
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const source = items[Symbol.asyncIterator]();
      let bar: Bar | undefined;
      return {
        async next() {
          if (bar) bar.tick();
          else bar = latest = start();
          let result: IteratorResult<T>;
          try {
            result = await source.next();
          } catch (error) {
            bar.end("stopped", describeError(error));
            throw error;
          }
          if (result.done) bar.end("done");
          return result;
        },
        async return(value) {
          bar?.end("stopped");
          return (await source.return?.(value)) ?? { done: true, value };
        },
      };
    },
  };
}

function* countTo(count: number): Iterable<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** What the items say about how many they are: arrays, typed arrays and strings, Maps and Sets. */
function lengthOf(items: unknown): number | undefined {
  const { length, size } = Object(items) as { length?: unknown; size?: unknown };
  const known = length ?? size;
  return typeof known === "number" && known >= 0 ? known : undefined;
}

function hasMethod(value: unknown, key: symbol): boolean {
  return value !== null && value !== undefined && typeof (value as Record<symbol, unknown>)[key] === "function";
}
