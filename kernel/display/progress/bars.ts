import type { DisplayHandle } from "../display.ts";
import { type BarState, barHtml, barText } from "./bar.ts";
import { Rate } from "./rate.ts";

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

/** Milliseconds between two pictures of a bar, and between two lines in a terminal. */
const PAGE_INTERVAL_MS = 100;
const TERMINAL_INTERVAL_MS = 1000;
/** Reading the clock costs as much as ten steps of an empty loop; up to this many steps go by without. */
const MAX_STRIDE = 16;
/** Closed bars that stay in sight below the others of their output. */
const MAX_CLOSED = 8;

/** The `display` that a group of bars is shown with. */
export type Show = (value: Record<string, unknown>, options: { raw: true }) => Pick<DisplayHandle, "update">;

/** The bars that share one output: those opened while another one was open, as in nested loops. */
export class Group {
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
    if (this.ended) return;
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

export class Bar implements ProgressBar {
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

  note(text: string): void {
    this.#note = String(text);
  }

  /** One step of a loop: as little work as can be. */
  tick(): void {
    if (this.#state !== "running") return;
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
