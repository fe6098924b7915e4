import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../files/leftovers.ts";

const POLL_MS = 100;
const HEARTBEAT_MS = 5_000;
/** A lock whose owner cannot be asked is given up after this long without a sign of life. */
const STALE_MS = 10 * 60_000;

/**
 * Runs `work` while no other process of ours that asks for the same lock does.
 *
 * Node has no `flock`, which Python's library uses, so the lock is a file that only one can create. One that a dead
 * process left is taken over. Were it ever to fail, two would download the same file, and the check of its contents
 * would find the mixture.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const own = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  while (!(await create(path, own))) {
    signal?.throwIfAborted();
    if (await isStale(path)) await takeAway(path);
    else await sleep(POLL_MS, undefined, { signal });
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    // Ours still, unless it was thought dead.
    if ((await readFile(path, "utf8").catch(() => "")) === own) await rm(path, { force: true });
  }
}

async function create(path: string, own: string): Promise<boolean> {
  try {
    await writeFile(path, own, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > STALE_MS) return true;
    const { pid, host } = JSON.parse(await readFile(path, "utf8")) as { pid: number; host: string };
    return host === hostname() && !isAlive(pid);
  } catch {
    // Gone meanwhile, or just being written: look again.
    return false;
  }
}

/** Renamed first: of several who find it stale, one succeeds. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    await rm(aside, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
