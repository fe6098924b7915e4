/** An output on a page that can be changed. */
export interface Output {
  update(value: unknown): unknown;
  /** Whether another cell runs now: this output may be gone from the page, as when its cell was interrupted and is run again. */
  past(): boolean;
}

/** The kernel's `display`; `cell` numbers the cell that runs. Other kernels may know no such number: then no output is past. */
type Show = ((value: unknown) => unknown) & { readonly cell?: unknown };

interface DenoJupyter {
  display(value: unknown, options?: { display_id?: string; update?: boolean }): Promise<void>;
}

/**
 * Shows a value in an output that can be changed: through the kernel's `display`, or Deno's.
 *
 * @returns undefined if there is no page, as in a script
 */
export function openOutput(value: unknown): Output | undefined {
  const { display, Deno } = globalThis as { display?: unknown; Deno?: { jupyter?: DenoJupyter } };
  if (typeof display === "function") {
    const show = display as Show;
    const { cell } = show;
    const handle = show(value) as { update?(value: unknown): unknown } | undefined;
    if (typeof handle?.update !== "function") return undefined;
    return { update: (next) => handle.update!(next), past: () => show.cell !== cell };
  }
  const jupyter = Deno?.jupyter;
  if (typeof jupyter?.display !== "function") return undefined;
  const display_id = globalThis.crypto.randomUUID();
  void jupyter.display(value, { display_id });
  return { update: (next) => void jupyter.display(next, { display_id, update: true }), past: () => false };
}
