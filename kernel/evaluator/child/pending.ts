/** What keeps the event loop busy: timers, files, sockets, child processes, by kind. */
export interface Pending {
  /** Whether there is more of a kind than there was before. */
  exceeds(before: Pending): boolean;
  readonly counts: ReadonlyMap<string, number>;
}

/** What is at work now. Costs some microseconds. */
export function findPending(): Pending {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return {
    counts,
    exceeds: (before) => [...counts].some(([kind, count]) => count > (before.counts.get(kind) ?? 0)),
  };
}
