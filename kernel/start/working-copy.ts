import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { toWorkIn } from "../client/exercises.ts";
import { joinText, type Notebook, readNotebook, writeNotebook } from "../client/notebook.ts";
import { copiedNotebooks } from "./args.mjs";

/** What happened to the student's copy. */
export interface Copied {
  /** Created, or updated because the student had not changed them. */
  readonly written: readonly string[];
  /** Changed both by the student and in the lesson: left alone. */
  readonly behind: readonly string[];
}

/**
 * Copies the lesson to where students work: without outputs, with stubs in place of solutions, and the solutions
 * folded away. A notebook that a student has changed is never touched.
 *
 * @param from - the folder of the lesson
 * @param to - the folder of the copy; created if necessary
 */
export function copyLesson(from: string, to: string): Copied {
  mkdirSync(to, { recursive: true });
  // The compiler options of the cells are those of the lesson.
  if (existsSync(join(from, "tsconfig.json"))) cpSync(join(from, "tsconfig.json"), join(to, "tsconfig.json"));
  const written: string[] = [];
  const behind: string[] = [];
  for (const name of copiedNotebooks(from)) {
    const fresh = toWorkIn(readNotebook(join(from, name)));
    const mark = digest(fresh);
    const target = join(to, name);
    const mine = existsSync(target) ? readNotebook(target) : undefined;
    const copied = (mine?.metadata.difflab as { copied?: string } | undefined)?.copied;
    if (mine && copied === mark) continue;
    if (mine && digest(mine) !== copied) {
      behind.push(name);
      continue;
    }
    fresh.metadata = { ...fresh.metadata, difflab: { ...fresh.metadata.difflab, copied: mark } };
    writeNotebook(target, fresh);
    written.push(name);
  }
  return { written, behind };
}

/** What identifies the text and code of a notebook, whatever its outputs. */
function digest({ cells }: Notebook): string {
  const sources = cells.map(({ cell_type, source }) => [cell_type, joinText(source)]);
  return createHash("sha256").update(JSON.stringify(sources)).digest("hex").slice(0, 16);
}
