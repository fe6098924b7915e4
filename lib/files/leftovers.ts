import { readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";

/** Who a file that is there for a while belongs to, as a part of its name: this machine and this process. */
export function ownMark(): string {
  return `${host()}-${process.pid}`;
}

function host(): string {
  return hostname().replaceAll(/[^\w]/g, "_");
}

/**
 * Deletes files of a folder whose process is gone, and could not do it itself.
 *
 * @param pattern - of their names; its two groups are what `ownMark` says
 */
export function sweep(folder: string, pattern: RegExp): void {
  for (const name of names(folder)) {
    const [, machine, pid] = pattern.exec(name) ?? [];
    if (machine !== host() || isAlive(Number(pid))) continue;
    try {
      rmSync(`${folder}/${name}`, { force: true });
    } catch {
      // Somebody else's; it harms nobody.
    }
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether a process of this machine, anybody's, is at work. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
