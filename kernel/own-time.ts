import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * How much of the time that has passed was a process's own: without that in which it could have worked, and had to wait
 * for a processor. Whoever waits for a process's answer goes by this, so that a machine that is too busy does not count as
 * a process that hangs.
 *
 * A process that sleeps, is suspended or computes without an end has all the time there is. Linux counts the waiting;
 * elsewhere a process's own time is that of the clock.
 */
export class OwnTime {
  readonly #pid: number | undefined;
  #own = 0;
  #looked = 0;
  #threads = new Map<string, Thread>();

  /** @param pid - the process; undefined: unknown, all time is its own */
  constructor(pid: number | undefined) {
    this.#pid = pid;
    this.restart();
  }

  /** Counts from now on. */
  restart(): void {
    this.#own = 0;
    this.#looked = performance.now();
    this.#threads = threadsOf(this.#pid);
  }

  /** Milliseconds since it was made, or last restarted: the more exact, the more often it is read. */
  get milliseconds(): number {
    const passed = performance.now() - this.#looked;
    const threads = threadsOf(this.#pid);
    let [busy, waited] = [0, 0];
    for (const [id, now] of threads) {
      const before = this.#threads.get(id) ?? NEW_THREAD;
      const worked = now.busy - before.busy;
      busy += worked;
      // Linux counts the waiting only once it is over: a thread that was ready all the while and did nothing still waits.
      waited += worked === 0 && before.isReady && now.isReady ? passed : now.waited - before.waited;
    }
    this.#looked += passed;
    this.#threads = threads;
    // Threads hand work on, so their waiting adds up; those that wait for each other's processors have those processors.
    this.#own += Math.min(passed, Math.max(passed - waited, busy / availableParallelism()));
    return this.#own;
  }
}

/** Milliseconds on a processor, and waiting for one; whether it is on one, or could be. */
interface Thread {
  busy: number;
  waited: number;
  isReady: boolean;
}

const NEW_THREAD: Thread = { busy: 0, waited: 0, isReady: false };

/** The threads of a process, by their ids; none if it has ended, or this system does not count. */
function threadsOf(pid: number | undefined): Map<string, Thread> {
  const threads = new Map<string, Thread>();
  if (pid === undefined || process.platform !== "linux") return threads;
  for (const id of entries(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${id}`;
    const [busy = 0, waited = 0] = text(`${folder}/schedstat`).split(" ").map(Number);
    // "ID (NAME) STATE ...", where a name may be anything.
    const isReady = /\) R [^)]*$/.test(text(`${folder}/stat`));
    threads.set(id, { busy: busy / 1e6, waited: waited / 1e6, isReady });
  }
  return threads;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** How often it is looked how far a process's time has run. */
const LOOK_EVERY = 500;

/**
 * Calls back once a process has had so much time of its own, counted from the first look.
 *
 * @param find - says which process, where that is known: otherwise time by the clock counts
 * @returns a function that calls it off
 */
export function afterOwnTime(find: () => number | undefined, milliseconds: number, callback: () => void): () => void {
  let own: OwnTime | undefined;
  let isOff = false;
  const look = () => {
    if (isOff) return;
    own ??= new OwnTime(find()); // mostly it does not come to that, and nothing is read
    if (own.milliseconds < milliseconds) return;
    end();
    callback();
  };
  // After what has arrived in the meantime is read: this process too may have waited.
  const timer = setInterval(() => setImmediate(look), LOOK_EVERY).unref();
  const end = () => {
    isOff = true;
    clearInterval(timer);
  };
  return end;
}
