import { setImmediate } from "node:timers";

const open: ((stopped: boolean) => void)[] = [];
const listeners: (() => void)[] = [];
let watched = false;

/**
 * Runs `f`, which is synchronous, and then `leave`, whatever ends `f`: also a notebook's stop button. Code that is stopped by it runs
 * no `finally`, and what was only meant for the moment (no gradients, a function being traced) would stay.
 *
 * @param leave - told whether `f` was stopped
 */
export function within<T>(leave: (stopped: boolean) => void, f: () => T): T {
  if (!watched) {
    watched = true;
    // Nothing else runs before synchronous code is done: what is still open then was stopped.
    setImmediate(leaveStopped);
  }
  open.push(leave);
  try {
    return f();
  } finally {
    // In this order: leaving may be stopped as well, and is then done again.
    try {
      leave(false);
    } finally {
      open.pop();
    }
  }
}

/** Calls `listener` each time that code in a scope was stopped: promises that it should have settled never will be. */
export function onStopped(listener: () => void): void {
  listeners.push(listener);
}

function leaveStopped(): void {
  watched = false;
  if (open.length === 0) return;
  for (const leave of open.splice(0).reverse()) leave(true);
  for (const listener of listeners) listener();
}
