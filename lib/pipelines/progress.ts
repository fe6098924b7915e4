/** How far a run is: the notebook's bar if there is one, a line every few seconds in a terminal. */
export interface RunBar {
  update(done: number): void;
  close(): void;
}

const LINE_MS = 5_000;

/** The kernel's `progress` is found by its shape: the library knows no kernel. */
export function runBar(total: number, now = () => performance.now()): RunBar | null {
  const { progress } = globalThis as { progress?: { bar?: (options: { total: number; label: string }) => RunBar } };
  if (typeof progress?.bar === "function") return progress.bar({ total, label: "denoising" });
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
