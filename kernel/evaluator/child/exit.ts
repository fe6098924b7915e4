/** Signals that ask a process to end, as `process.kill` sends them. */
const ENDING = new Set<unknown>(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", undefined, 1, 2, 3, 15]);

/** What the shell adds to the number of the signal that ended a program. */
const SIGNAL_EXIT = 128;

/**
 * Replaces `process.exit`, and what libraries do to the same end as they hear of an interrupt: the process holds the
 * variables of all cells, so no cell ends it that way.
 *
 * @param exit - called instead, with the exit code; does not return
 */
export function installExit(exit: (code: number) => never): void {
  const original = process.kill.bind(process);
  const replaced = {
    exit: (code: number | string | null | undefined = process.exitCode) => exit(Number(code ?? 0)),
    reallyExit: (code?: number) => exit(Number(code ?? 0)),
    kill(pid: number, signal?: NodeJS.Signals | number): true {
      const name = signal === undefined ? "SIGTERM" : signal;
      const isHeard = typeof name === "string" && process.listenerCount(name) > 0;
      if ((pid === process.pid || pid === 0) && ENDING.has(signal) && !isHeard) return exit(SIGNAL_EXIT + 15);
      return original(pid, name);
    },
  };
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(process, name, { configurable: true, writable: true, enumerable: true, value });
  }
}
