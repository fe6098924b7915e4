import { openSync, readlinkSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { parse } from "node:path";

/** The notebook's folder, which may be renamed or deleted while the kernel runs. */
export class NotebookFolder {
  /** Where it was as the kernel started. */
  readonly path: string;
  readonly #descriptor: number | undefined;

  constructor(path: string) {
    this.path = path;
    try {
      // Follows the folder where it is moved to. Not on Windows, where an open folder cannot be renamed.
      if (process.platform === "linux") this.#descriptor = openSync(path, "r");
    } catch {
      // It is looked for under its name only.
    }
  }

  /** Where a process can start: in the folder, wherever it is now, or where it is gone, at home. */
  find(): string {
    const moved = () => readlinkSync(`/proc/self/fd/${this.#descriptor}`);
    for (const find of [() => this.path, moved, homedir]) {
      try {
        const found = find();
        if (statSync(found).isDirectory()) return found;
      } catch {
        // It is not there.
      }
    }
    return parse(process.execPath).root;
  }
}
