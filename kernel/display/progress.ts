import { type BarState, barHtml, barText } from "./bar.ts";
import type { DisplayHandle } from "./display.ts";
import { Rate } from "./rate.ts";
import { describeError } from "./safe.ts";

/** What `progress` may be told beside the items. */
export interface ProgressOptions {
  /** Steps in all; default: the `length` or `size` of the items, where they have one. */
  total?: number;
  /** A word or two in front of the bar; default none. A new bar takes the place of a finished one with the same label. */
  label?: string;
}

/** A progress bar that the program moves itself. */
export interface ProgressBar {
  readonly done: number;
  readonly total: number | undefined;
  /** `steps` more are done; default 1. A note (the loss, a file name) stands behind the figures until the next one. */
  step(steps?: number, note?: string): void;
  /** `done` steps are done in all. */
  update(done: number, note?: string): void;
  /** No more to come: shows the last state. Where fewer steps than the total were done, the bar says that it stopped. Can be called twice. */
  close(): void;
  [Symbol.dispose](): void;
}

/** The `progress` that cells see. */
export interface Progress {
  /** Goes through the numbers 0 to `count` - 1, and shows how far it is. */
  (count: number, options?: ProgressOptions): Iterable<number>;
  /** Goes through the items of an iterable (for await: of an asynchronous one), and shows how far it is. */
  <T>(items: Iterable<T>, options?: ProgressOptions): Iterable<T>;
  <T>(items: AsyncIterable<T>, options?: ProgressOptions): AsyncIterable<T>;
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

/** Milliseconds between two pictures of a bar, and between two lines in a terminal. */
const PAGE_INTERVAL_MS = 100;
const TERMINAL_INTERVAL_MS = 1000;
/** Reading the clock costs as much as ten steps of an empty loop; up to this many steps go by without. */
const MAX_STRIDE = 16;
/** Closed bars that stay in sight below the others of their output. */
const MAX_CLOSED = 8;

type Show = (value: Record<string, unknown>, options: { raw: true }) => Pick<DisplayHandle, "update">;

/**
 * Makes `progress`.
 *
 * @param display - the kernel's `display`; without one, lines of plain text are printed
 * @param options.print - takes a line where there is no display; default: standard error, as progress is not the program's result
 * @param options.now - a clock in milliseconds, for tests
 */
export function createProgress(
  display?: Show,
  { print = (line: string) => void process.stderr.write(`${line}\n`), now = () => performance.now() } = {},
): ProgressControl {
  let group: Group | undefined;
  const groups = new Set<Group>();

  function open({ total, label = "" }: ProgressOptions): Bar {
    if (total !== undefined && !(typeof total === "number" && total >= 0)) {
      throw new TypeError(
        `progress: got the total ${String(total)}, expected a number of steps from 0 up. Leave it out where it is not known.`,
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
      `progress: got ${items === null ? "null" : `a ${typeof items}`}, expected an array or another iterable, or a number of steps.`,
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

/** The bars that share one output: those opened while another one was open, as in nested loops. */
class Group {
  ended = false;
  readonly #bars: Bar[] = [];
  readonly #display: Show | undefined;
  readonly #print: (line: string) => void;
  readonly #onEnd: (group: Group) => void;
  readonly now: () => number;
  readonly interval: number;
  #handle: Pick<DisplayHandle, "update"> | undefined;
  #lastShown = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    display: Show | undefined,
    print: (line: string) => void,
    now: () => number,
    onEnd: (group: Group) => void,
  ) {
    this.#display = display;
    this.#print = print;
    this.#onEnd = onEnd;
    this.now = now;
    this.interval = display ? PAGE_INTERVAL_MS : TERMINAL_INTERVAL_MS;
  }

  open(label: string, total: number | undefined): Bar {
    const bar = new Bar(this, label, total);
    const same = this.#bars.findIndex((other) => other.closed && other.label === label);
    if (same >= 0) this.#bars[same] = bar;
    else this.#bars.push(bar);
    const closed = this.#bars.filter((other) => other.closed);
    for (const old of closed.slice(0, Math.max(0, closed.length - MAX_CLOSED)))
      this.#bars.splice(this.#bars.indexOf(old), 1);
    this.refresh(this.now());
    return bar;
  }

  /** Shows the bars, unless that was done a moment ago: then a timer does, for programs that wait meanwhile. */
  refresh(time: number): void {
    if (time - this.#lastShown >= this.interval) {
      this.#show(time);
    } else if (!this.#timer) {
      this.#timer = setTimeout(() => this.#show(this.now()), this.interval);
      this.#timer.unref();
    }
  }

  /** A bar has closed. The last one closes the output, and its state is always shown. */
  closed(): void {
    if (this.ended) return;
    if (this.#bars.every((bar) => bar.closed)) {
      this.ended = true;
      this.#onEnd(this);
      this.#show(this.now());
    } else {
      this.refresh(this.now());
    }
  }

  stop(): void {
    for (const bar of this.#bars) bar.end("stopped");
  }

  #show(time: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastShown = time;
    const states = this.#bars.map((bar) => bar.look(time));
    if (!this.#display) {
      for (const state of states) this.#print(barText(state));
      return;
    }
    const bundle = { "text/html": states.map(barHtml).join("\n"), "text/plain": states.map(barText).join("\n") };
    if (this.#handle) this.#handle.update(bundle, { raw: true });
    else this.#handle = this.#display(bundle, { raw: true });
  }
}

class Bar implements ProgressBar {
  readonly label: string;
  readonly total: number | undefined;
  readonly #group: Group;
  readonly #rate = new Rate();
  readonly #start: number;
  #done = 0;
  #note = "";
  #state: BarState["state"] = "running";
  #end = 0;
  // Steps since the clock was last read, and how many may go by before it is read again.
  #unread = 0;
  #stride = 1;
  #lastRead: number;
  #lastLook: number;
  #doneAtLook = 0;

  constructor(group: Group, label: string, total: number | undefined) {
    this.#group = group;
    this.label = label;
    this.total = total;
    this.#start = group.now();
    this.#lastRead = this.#start;
    this.#lastLook = this.#start;
  }

  get done(): number {
    return this.#done;
  }

  get closed(): boolean {
    return this.#state !== "running";
  }

  step(steps = 1, note?: string): void {
    this.update(this.#done + steps, note);
  }

  update(done: number, note?: string): void {
    if (!(typeof done === "number" && Number.isFinite(done))) {
      throw new TypeError(`progress: got ${String(done)} steps done, expected a number.`);
    }
    if (this.closed) return;
    this.#done = done;
    if (note !== undefined) this.#note = String(note);
    if (++this.#unread >= this.#stride) this.#read();
  }

  /** One step of a loop: as little work as can be. */
  tick(): void {
    this.#done++;
    if (++this.#unread >= this.#stride) this.#read();
  }

  close(): void {
    this.end(this.total !== undefined && this.#done < this.total ? "stopped" : "done");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  end(state: "done" | "stopped", note?: string): void {
    if (this.closed) return;
    this.#end = this.#group.now();
    this.look(this.#end); // takes the last steps into the rate
    this.#state = state;
    if (note !== undefined) this.#note = note;
    this.#group.closed();
  }

  look(time: number): BarState {
    if (!this.closed) {
      this.#rate.add(this.#done - this.#doneAtLook, (time - this.#lastLook) / 1000);
      this.#doneAtLook = this.#done;
      this.#lastLook = time;
    }
    const elapsed = ((this.closed ? this.#end : time) - this.#start) / 1000;
    const { label, total } = this;
    return { label, total, done: this.#done, elapsed, rate: this.#rate.value, note: this.#note, state: this.#state };
  }

  #read(): void {
    const time = this.#group.now();
    const spent = time - this.#lastRead;
    if (spent > 1) this.#stride = 1;
    else if (spent < 0.1) this.#stride = Math.min(MAX_STRIDE, this.#stride * 2);
    this.#lastRead = time;
    this.#unread = 0;
    this.#group.refresh(time);
  }
}

/*
 * The bar opens with the first item asked for and closes with the last. An iterator of our own rather than a generator: it costs half as much
 * a step, and it sees `return` (break, or an error in the loop's body) apart from the end.
 */
function overItems<T>(items: Iterable<T>, start: () => Bar): Iterable<T> {
  return {
    [Symbol.iterator](): Iterator<T> {
      const source = items[Symbol.iterator]();
      let bar: Bar | undefined;
      let begun = false;
      return {
        next() {
          if (begun) bar!.tick();
          else bar ??= start();
          let result: IteratorResult<T>;
          try {
            result = source.next();
          } catch (error) {
            bar!.end("stopped", describeError(error));
            throw error;
          }
          begun = !result.done;
          if (result.done) bar!.end("done");
          return result;
        },
        return(value) {
          bar?.end("stopped");
          return (source.return?.(value) ?? { done: true, value }) as IteratorResult<T>;
        },
      };
    },
  };
}

function overAsync<T>(items: AsyncIterable<T>, start: () => Bar): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const source = items[Symbol.asyncIterator]();
      let bar: Bar | undefined;
      let begun = false;
      return {
        async next() {
          if (begun) bar!.tick();
          else bar ??= start();
          let result: IteratorResult<T>;
          try {
            result = await source.next();
          } catch (error) {
            bar!.end("stopped", describeError(error));
            throw error;
          }
          begun = !result.done;
          if (result.done) bar!.end("done");
          return result;
        },
        async return(value) {
          bar?.end("stopped");
          return ((await source.return?.(value)) ?? { done: true, value }) as IteratorResult<T>;
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
