import { type Bar, notebookBars } from "../page/bar.ts";
import { bytes } from "./errors.ts";
import type { FileProgress } from "./options.ts";

/** Files below this are there before a bar would be seen. */
const SHOWN_FROM = 1_000_000;
const LINE_MS = 2_000;

/**
 * How downloads are shown where nobody asked for another way: a bar for each file in a notebook, lines in a terminal,
 * nothing where standard error is no terminal, or `HF_HUB_DISABLE_PROGRESS_BARS` says so.
 */
export function defaultProgress(): ((progress: FileProgress) => void) | undefined {
  if (/^(1|on|yes|true)$/i.test(process.env.HF_HUB_DISABLE_PROGRESS_BARS ?? "")) return undefined;
  const open = notebookBars();
  if (open) return inNotebook(open);
  if (process.stderr.isTTY) return inTerminal((line) => process.stderr.write(line));
  return undefined;
}

function inNotebook(open: NonNullable<ReturnType<typeof notebookBars>>): (progress: FileProgress) => void {
  const bars = new Map<string, Bar>();
  return ({ file, loaded, total }) => {
    if (total < SHOWN_FROM) return;
    // In megabytes: a bar's figures are for people.
    const mega = (n: number) => Math.round(n / 1e5) / 10;
    const bar = bars.get(file) ?? open({ total: mega(total), label: `${file} (MB)` });
    bars.set(file, bar);
    bar.update(mega(loaded));
    if (loaded >= total) {
      bar.close();
      bars.delete(file);
    }
  };
}

/** A line when a file starts, one every two seconds, and one when it is there. */
export function inTerminal(
  write: (line: string) => void,
  now = () => performance.now(),
): (progress: FileProgress) => void {
  const last = new Map<string, number>();
  return ({ file, loaded, total }) => {
    if (total < SHOWN_FROM) return;
    const before = last.get(file);
    if (loaded < total && before !== undefined && now() - before < LINE_MS) return;
    last.set(file, now());
    write(`${file}: ${bytes(loaded)} of ${bytes(total)} (${Math.floor((100 * loaded) / total)} %)\n`);
  };
}
