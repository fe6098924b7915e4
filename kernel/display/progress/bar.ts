import { escapeHtml } from "../safe.ts";

/** What a progress bar shows at one moment. */
export interface BarState {
  label: string;
  /** Steps done. */
  done: number;
  /** Steps in all, if that is known. */
  total: number | undefined;
  /** Seconds since the start. */
  elapsed: number;
  /** Steps per second; 0 if not known yet. */
  rate: number;
  /** A remark of the program's own: the loss, a file name. */
  note: string;
  state: "running" | "done" | "stopped";
}

const CELLS = 20;

/** `train  45 % ━━━━━━━━━╸────────── 450/1000  0:12 elapsed, 0:15 left, 37.2/s`, for terminals and text outputs. */
export function barText(bar: BarState): string {
  const share = shareOf(bar);
  const drawn = share === undefined ? "" : `${percent(share).padStart(3)} % ${line(share)} `;
  const head = bar.label ? `${bar.label}  ` : "";
  return `${head}${drawn}${steps(bar)}  ${figures(bar)}${bar.note ? `  ${bar.note}` : ""}`;
}

/**
 * The bar as HTML. The element is HTML's own, which screen readers know and every front end lets through: JupyterLab takes style sheets
 * and positioned boxes out of the saved outputs of a notebook that the reader has not run yet. The colour is the theme's if it has one.
 */
export function barHtml(bar: BarState): string {
  const share = shareOf(bar);
  const colour = {
    running: "var(--jp-brand-color1, var(--vscode-progressBar-background, #1976d2))",
    done: "var(--jp-success-color1, var(--vscode-charts-green, #388e3c))",
    stopped: "var(--jp-error-color1, var(--vscode-charts-red, #d32f2f))",
  }[bar.state];
  const text = `${share === undefined ? "" : `${percent(share)} %, `}${steps(bar)}, ${figures(bar)}`;
  // Without a known end the bar has no value, and front ends show that it is busy; afterwards it is full.
  const [value, max] = bar.total ? [bar.done, bar.total] : share !== undefined || bar.state !== "running" ? [1, 1] : [];
  const values =
    value === undefined
      ? ""
      : ` value="${value}" max="${max}" aria-valuemin="0" aria-valuenow="${value}" aria-valuemax="${max}"`;
  const name = escapeHtml(bar.label || "progress");
  return [
    `<div style="font-variant-numeric:tabular-nums;">`,
    ...(bar.label ? [`<span>${escapeHtml(bar.label)}</span> `] : []),
    `<progress role="progressbar" aria-label="${name}"${values} aria-valuetext="${escapeHtml(text)}"`,
    ` style="width:16em;max-width:40%;vertical-align:middle;accent-color:${colour};"></progress> `,
    `<span>${escapeHtml(text)}</span>`,
    ...(bar.note ? [` <span style="opacity:.75;">${escapeHtml(bar.note)}</span>`] : []),
    `</div>`,
  ].join("");
}

/** From 0 to 1, more if there were more steps than announced; `undefined` without a total. */
function shareOf({ done, total }: BarState): number | undefined {
  if (total === undefined) return undefined;
  return total > 0 ? done / total : 1;
}

/** Rounded down: 100 % means that all is done. */
function percent(share: number): string {
  return String(Math.floor(share * 100 + 1e-9));
}

function line(share: number): string {
  const halves = Math.floor(Math.min(1, share) * CELLS * 2 + 1e-9);
  const full = halves >> 1;
  return `${"━".repeat(full)}${halves & 1 ? "╸" : ""}${"─".repeat(CELLS - full - (halves & 1))}`;
}

function steps({ done, total }: BarState): string {
  return total === undefined ? number(done) : `${number(done)}/${number(total)}`;
}

function figures(bar: BarState): string {
  const { state, elapsed, rate, done, total } = bar;
  if (state === "stopped") return `stopped after ${clock(elapsed)}`;
  const parts = [`${clock(elapsed)} elapsed`];
  if (state === "running" && total !== undefined && rate > 0 && done < total)
    parts.push(`${clock((total - done) / rate)} left`);
  // The mean over the whole, once it is whole: the smoothed rate is for looking ahead.
  const shown = state !== "done" ? rate : elapsed > 0 ? done / elapsed : 0;
  if (shown > 0) parts.push(shown >= 1 ? `${significant(shown)}/s` : `${significant(1 / shown)} s each`);
  return parts.join(", ");
}

/** `0:05`, `12:34`, `1:02:03`, `3 d 4:00:00`. */
function clock(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const days = Math.floor(total / 86_400);
  const hours = Math.floor(total / 3600) % 24;
  const minutes = Math.floor(total / 60) % 60;
  if (days > 999) return "> 999 d";
  if (days > 0) return `${days} d ${hours}:${two(minutes)}:${two(total % 60)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}

function significant(x: number): string {
  return x >= 100 ? number(Math.round(x)) : String(Number(x.toPrecision(3)));
}

/** Fractions of a step (megabytes, say) with two digits. */
function number(x: number): string {
  return Number.isInteger(x) ? String(x) : x.toFixed(2);
}
