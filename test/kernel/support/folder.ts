import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder for a test file's own files, taken away at its end. Call it at the top of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "difflab-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
