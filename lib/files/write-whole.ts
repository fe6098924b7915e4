import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { keepMapped } from "./mapped.ts";

/** Puts a file that is whole under its name. Tensors that lie in the one that was there before keep their values. */
export async function putInPlace(temporary: string, path: string): Promise<void> {
  await keepMapped(path);
  await rename(temporary, path);
}

/**
 * Writes a file under a temporary name beside `path` and renames it when all is written, so that a reader never sees
 * half of it and a failure leaves what was there before.
 *
 * @param options.mode - who may read it; default everybody whom the process's own mask allows
 */
export async function writeWhole(
  path: string,
  fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  options: { mode?: number } = {},
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
  try {
    const file = await open(temporary, "wx", options.mode);
    try {
      await fill(async (bytes) => {
        let done = 0;
        while (done < bytes.length) {
          done += (await file.write(bytes, done, Math.min(2 ** 30, bytes.length - done))).bytesWritten;
        }
      });
      await file.sync();
    } finally {
      await file.close();
    }
    await putInPlace(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC")
      throw new Error(`${path}: not written; the disk is full. Free some space and try again`, { cause: error });
    throw error;
  }
}
