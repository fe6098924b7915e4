/** A progress bar of the kernel's. */
export interface Bar {
  update(done: number): void;
  close(): void;
}

type Bars = (options: { total: number; label: string }) => Bar;

/** What opens the notebook's progress bars, found by its shape, since the library knows no kernel; undefined if there is no page. */
export function notebookBars(): Bars | undefined {
  const { progress } = globalThis as { progress?: { bar?: Bars } };
  return typeof progress?.bar === "function" ? (options) => progress.bar!(options) : undefined;
}
