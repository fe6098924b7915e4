import { readdirSync, readFileSync } from "node:fs";

/** Milliseconds between two checks. Allocating fresh pages takes time, so little memory can be gained in between. */
const EVERY = 100;

/** Processes that a kernel may have started; its own are three, with a few tens of threads. */
const MOST_PROCESSES = 64;

const PAGE = 4096;

interface Process {
  pid: number;
  parent: number;
  bytes: number;
  command: string;
}

/**
 * Watches a process and everything it starts, from outside.
 *
 * Over the memory limit (for all of them together), the largest process is killed, which is usually the one that runs the
 * cells: the kernel then says so and goes on. Over the limit on processes, all but the kernel are killed; over the time
 * limit, all of them.
 *
 * @returns stops watching
 */
export function watch(pid: number, limits: { memory: number; seconds: number }): () => void {
  const deadline = Date.now() + limits.seconds * 1000;
  const timer = setInterval(() => {
    if (Date.now() > deadline) return kill(pid);
    const all = descendants(pid);
    const kernel = all.find(({ command }) => command.includes("/kernel/main.js\0"));
    const others = all.filter((each) => each.pid !== kernel?.pid && each.command.includes("/") && !isSetUp(each));
    if (all.length > MOST_PROCESSES) {
      for (const each of others) kill(each.pid);
      return;
    }
    const bytes = all.reduce((sum, each) => sum + each.bytes, 0);
    if (bytes <= limits.memory * 2 ** 20) return;
    const [largest] = all.sort((a, b) => b.bytes - a.bytes);
    kill(largest!.pid);
  }, EVERY);
  return () => clearInterval(timer);
}

/** The programs between this process and the kernel. */
function isSetUp({ command }: Process): boolean {
  return /(^|\/)(unshare|sh|setpriv|prlimit|mount)\0/.test(command);
}

function descendants(of: number): Process[] {
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? processOf(Number(name)) : []));
  const found = new Set([of]);
  // A child has mostly a higher number than its parent, but numbers start again at some point.
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all
    .filter(({ pid }) => found.has(pid))
    .map((each) => ({ ...each, command: read(`/proc/${each.pid}/cmdline`), bytes: residentBytes(each.pid) }));
}

function processOf(pid: number): Process[] {
  // The name, in brackets, may hold anything; what follows it are numbers.
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  return fields.length > 2 && fields[0] !== "Z" ? [{ pid, parent: Number(fields[1]), bytes: 0, command: "" }] : [];
}

function residentBytes(pid: number): number {
  const [, resident = "0", shared = "0"] = read(`/proc/${pid}/statm`).split(" ");
  // Programs and libraries are there once, however many processes use them.
  return Math.max(0, Number(resident) - Number(shared)) * PAGE;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return ""; // it has ended
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
