import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** As much must fit on the disk: the files of a long session. */
const PROBE = Buffer.alloc(1 << 16);

/**
 * Makes a folder for files that go with the process: in the system's temporary one, or where that is missing, full or
 * cannot be written, in another.
 *
 * @throws Error that names the folders if there is none
 */
export function makeScratchFolder(): string {
  const problems: string[] = [];
  for (const parent of new Set([tmpdir(), "/tmp", "/var/tmp", "/dev/shm", join(homedir(), ".cache")])) {
    let folder: string | undefined;
    try {
      if (parent.endsWith(".cache")) mkdirSync(parent, { recursive: true });
      folder = mkdtempSync(join(parent, "difflab-"));
      const probe = join(folder, "probe");
      writeFileSync(probe, PROBE);
      rmSync(probe);
      return realpathSync(folder);
    } catch (error) {
      problems.push(`${parent} (${(error as NodeJS.ErrnoException).code ?? error})`);
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    `no writable folder for temporary files: tried ${problems.join(", ")}. Set TMPDIR to a writable one.`,
  );
}
