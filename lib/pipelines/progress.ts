import { type Bar, notebookBars } from "../page/bar.ts";

const LINE_MS = 5_000;

/** How far a run is: the notebook's bar if there is one, a line every few seconds in a terminal. */
export function runBar(total: number, now = () => performance.now()): Bar | null {
  const open = notebookBars();
  if (open) return open({ total, label: "denoising" });
  if (!process.stderr.isTTY) return null;
  let last = now();
  return {
    update(done) {
      if (done < total && now() - last < LINE_MS) return;
      last = now();
      process.stderr.write(`denoising: step ${done} of ${total}\n`);
    },
    close() {},
  };
}
