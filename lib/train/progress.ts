import { DISPLAY } from "../page/display.ts";
import { type Output, openOutput } from "../page/output.ts";

/** What a run looks like at one moment. */
export interface Status {
  readonly title: string;
  readonly done: number;
  readonly total: number;
  /** Milliseconds so far. */
  readonly elapsed: number;
  /** Of this run, for the time left. */
  readonly doneHere: number;
  readonly numbers: Readonly<Record<string, number>>;
  /** The losses of all steps, for the curve. */
  readonly curve: readonly number[];
  readonly note?: string;
}

/**
 * Shows how far a run has come: a bar with the loss curve in a notebook, a line now and then in a terminal.
 */
export class Progress {
  readonly #output: Output | undefined;
  readonly #quiet: boolean;
  #last = 0;

  constructor(options: { quiet?: boolean } = {}) {
    this.#quiet = options.quiet ?? false;
    this.#output = this.#quiet ? undefined : openOutput(view(""));
  }

  /** Shows `status`, at most a few times a second (a terminal: every ten seconds) unless it is the last. */
  show(status: Status, last = false): void {
    if (this.#quiet) return;
    const now = performance.now();
    if (!last && now - this.#last < (this.#output ? 250 : 10_000)) return;
    this.#last = now;
    if (this.#output) this.#output.update(view(html(status), line(status)));
    else console.log(line(status));
  }
}

function view(markup: string, text = markup): unknown {
  return { [DISPLAY]: () => ({ "text/html": markup, "text/plain": text }) };
}

/** One line, such as `epoch 2/5  1200/4690  loss 0.0812  31 s, 1 min 30 s left`. */
export function line(status: Status): string {
  const numbers = Object.entries(status.numbers).map(([name, value]) => `${name} ${figure(value)}`);
  return [status.title, `${status.done}/${status.total}`, ...numbers, time(status), status.note]
    .filter(Boolean)
    .join("  ");
}

function time({ elapsed, done, doneHere, total }: Status): string {
  const left = doneHere > 0 ? (elapsed / doneHere) * (total - done) : Number.NaN;
  return done < total && Number.isFinite(left) ? `${duration(elapsed)}, ${duration(left)} left` : duration(elapsed);
}

export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  const minutes = Math.floor(s / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(s % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e-3 || value === 0 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

function html(status: Status): string {
  const part = status.total > 0 ? (100 * status.done) / status.total : 0;
  const bar = `<div style="background:#8883;height:6px;width:480px;border-radius:3px"><div style="background:#36c;height:6px;border-radius:3px;width:${part.toFixed(1)}%"></div></div>`;
  return `<div style="font-family:sans-serif;font-size:13px">${bar}<div style="margin:4px 0">${line(status)}</div>${curve(status.curve)}</div>`;
}

/** The loss curve, each point the mean of neighbouring steps, on a logarithmic scale where it falls far. */
function curve(losses: readonly number[]): string {
  const points = smooth(losses, 240);
  if (points.length < 2) return "";
  const [low, high] = [Math.min(...points), Math.max(...points)];
  const log = low > 0 && high / low > 10;
  const scale = (v: number) => {
    const [a, b, c] = log ? [Math.log(low), Math.log(high), Math.log(v)] : [low, high, v];
    return b === a ? 60 : 112 - (104 * (c - a)) / (b - a);
  };
  const path = points
    .map((v, i) => `${(40 + (430 * i) / (points.length - 1)).toFixed(1)},${scale(v).toFixed(1)}`)
    .join(" ");
  const label = (v: number, y: number) =>
    `<text x="36" y="${y}" text-anchor="end" font-size="10" fill="currentColor">${figure(v)}</text>`;
  // A page that has not been run loses the style and the drawing's tags, but not its text: that is hidden, then.
  return `<style>.difflab-curve{display:block!important}</style><div class="difflab-curve" style="display:none"><svg width="480" height="120" role="img" aria-label="loss over steps"><polyline points="${path}" fill="none" stroke="#36c" stroke-width="1.5"/>${label(high, 12)}${label(low, 116)}</svg></div>`;
}

function smooth(values: readonly number[], count: number): number[] {
  const width = Math.max(1, Math.ceil(values.length / count));
  const out: number[] = [];
  for (let i = 0; i < values.length; i += width) {
    const part = values.slice(i, i + width).filter(Number.isFinite);
    if (part.length > 0) out.push(part.reduce((a, b) => a + b, 0) / part.length);
  }
  return out;
}
