import { ChildProcess, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { uptime } from "node:os";

/**
 * Finding and ending what cells have started. A process that left its group, or whose parent has died, is still known
 * by the mark in its environment, which children inherit; one that was given another environment is known by its
 * parent as long as that lives.
 */

/** Variable that marks the kernel's processes and all that they start. */
export const MARK = "DIFFLAB_PROCESS";

interface Entry {
  pid: number;
  parent: number;
  /** When it was started, in milliseconds as `Date.now()` counts them; 0 where the system does not say. */
  started: number;
}

/** Ticks of the clock that Linux counts the starts of processes in: the same on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

function list(): Entry[] {
  if (process.platform === "win32") return [];
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-axo", "pid=,ppid="], { encoding: "utf8" });
    return [...(stdout ?? "").matchAll(/(\d+) +(\d+)/g)].map(([, pid, parent]) => ({
      pid: Number(pid),
      parent: Number(parent),
      started: 0,
    }));
  }
  const boot = Date.now() - uptime() * 1000;
  return pids().flatMap((pid) => {
    // The name, in brackets, may hold anything; what follows it are numbers.
    const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    return fields.length > 19 && fields[0] !== "Z"
      ? [{ pid, parent: Number(fields[1]), started: boot + (Number(fields[19]) * 1000) / TICKS_PER_SECOND }]
      : [];
  });
}

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // it has ended, or belongs to somebody else
  }
}

/** The children of a process and theirs, without the process itself. */
function descendants(of: number, since = 0): number[] {
  const entries = list();
  const found = new Set([of]);
  // A child has mostly a higher number than its parent, but numbers start again at some point.
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { pid, parent, started } of entries) {
      if (found.has(parent) && (parent !== of || started === 0 || started >= since)) found.add(pid);
    }
  }
  found.delete(of);
  return [...found];
}

function marked(mark: string): number[] {
  if (mark === "") return []; // a kernel that was not started as a program has none, and every mark begins with it
  if (process.platform === "linux") {
    const entry = `${MARK}=${mark}`;
    return pids().filter((pid) =>
      read(`/proc/${pid}/environ`)
        .split("\0")
        .some((text) => text.startsWith(entry)),
    );
  }
  if (process.platform === "win32") return [];
  const { stdout } = spawnSync("ps", ["-axwwEo", "pid=,command="], { encoding: "utf8", maxBuffer: 1e8 });
  const lines = (stdout ?? "").split("\n").filter((line) => line.includes(`${MARK}=${mark}`));
  return lines.map((line) => Number.parseInt(line, 10));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

/**
 * Interrupts what a process has started lately, as Ctrl+C in a terminal does.
 *
 * @param since - children that it started before this time (as of `Date.now()`) are left alone
 */
export function signalChildren(parent: number, since: number, name: NodeJS.Signals): void {
  // Linux counts in steps of 10 ms.
  for (const pid of descendants(parent, since - 20)) signal(pid, name);
}

/**
 * Ends all that a process has started, and all that carries a mark, except this process.
 *
 * @param parent - a process that may be gone already; its own children are ended, and the group that it leads
 * @param mark - the beginning of the mark
 */
export function endProcesses(parent: number, mark: string): void {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(parent), "/T", "/F"], { windowsHide: true });
    return;
  }
  end(() => [...descendants(parent), ...marked(mark)]);
  if (parent !== process.pid) signal(-parent, "SIGKILL");
}

/** Ends all that carries a mark, except this process. */
export function endMarked(mark: string): void {
  end(() => marked(mark));
}

function end(find: () => number[]): void {
  // What is being started while the list is read is found the next time.
  for (let round = 0; round < 5; round++) {
    const found = new Set(find());
    found.delete(process.pid);
    if (found.size === 0) return;
    for (const pid of found) signal(pid, "SIGKILL");
    if (round > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // a killed process takes a moment
  }
}

/** From now on also children that are given an environment of their own carry this process's mark. */
export function markChildren(): void {
  const { prototype } = ChildProcess as unknown as { prototype: { spawn(options: { envPairs?: string[] }): number } };
  const { spawn } = prototype;
  prototype.spawn = function marked(options) {
    const isMarked = options?.envPairs?.some((pair) => pair.startsWith(`${MARK}=`));
    if (options?.envPairs && !isMarked) options.envPairs.push(`${MARK}=${process.env[MARK]}`);
    return spawn.call(this, options);
  };
}
