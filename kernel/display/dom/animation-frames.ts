/**
 * The animation frames of a page that is never painted: callbacks run at the end of the current turn, or sooner where a picture is
 * about to be written out. Observable Plot finishes its static tips in such a callback.
 */
let waiting: (() => void)[] = [];

export function requestFrame(callback: (time: number) => void): number {
  if (waiting.length === 0) queueMicrotask(flushFrames);
  return waiting.push(() => callback(performance.now()));
}

/** Runs the callbacks that wait now; what they ask for in turn waits for the next time. */
export function flushFrames(): void {
  const batch = waiting;
  waiting = [];
  for (const callback of batch) {
    try {
      callback();
    } catch {
      // A mark that cannot be finished stays as it was drawn; the rest of the picture is good.
    }
  }
}
