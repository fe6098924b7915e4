import { randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, statSync, unlinkSync } from "node:fs";
import { copyFile, link, realpath, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { ownMark, sweep } from "./leftovers.ts";

/** What tells a file from another that has the same name. */
export interface FileStamp {
  /** The disk that it lies on. */
  readonly device: bigint;
  /** Its number there. */
  readonly inode: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** Nanoseconds since 1970. */
  readonly modified: bigint;
}

export function stampOf(info: { dev: bigint; ino: bigint; size: bigint; mtimeNs: bigint }): FileStamp {
  return { device: info.dev, inode: info.ino, size: info.size, modified: info.mtimeNs };
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.inode === b.inode && a.device === b.device && a.size === b.size && a.modified === b.modified;
}

function stampNow(path: string): FileStamp | null {
  const info = statSync(path, { bigint: true, throwIfNoEntry: false });
  return info ? stampOf(info) : null;
}

let count = 0;

/**
 * A file that tensors lie in: sessions map it, nothing is copied. It is what it was when it was opened, whatever becomes
 * of its name: where this process writes another file in its place, it is kept under a name of its own until nobody
 * needs it any more.
 */
export class MappedFile {
  /** Another one for other contents, also under the same name. */
  readonly id = count++;
  #path: string;
  #stamp: FileStamp;

  /** @internal Use `mapFile`. */
  constructor(path: string, stamp: FileStamp) {
    this.#path = path;
    this.#stamp = stamp;
  }

  /** Where it lies now. */
  get path(): string {
    return this.#path;
  }

  get folder(): string {
    return dirname(this.#path);
  }

  get location(): string {
    return basename(this.#path);
  }

  is(stamp: FileStamp): boolean {
    return sameStamp(stamp, this.#stamp);
  }

  /** @throws Error if what lies there is not the file that was opened */
  checkThere(): void {
    const now = stampNow(this.#path);
    if (now && this.is(now)) return;
    throw new Error(
      now
        ? `${this.#path}: the file has changed since its weights were loaded; load the weights again`
        : `${this.#path}: the weights' file cannot be read; was it moved or deleted? Load the weights again from its new location`,
    );
  }

  /**
   * For sessions that have it mapped already: another file under its name does not matter to them.
   * @throws Error if somebody has written into the file itself
   */
  checkUnwritten(): void {
    const now = stampNow(this.#path);
    const isOther = !now || now.inode !== this.#stamp.inode || now.device !== this.#stamp.device;
    if (!isOther && !this.is(now)) this.checkThere();
  }

  /** Some of its bytes. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    this.checkThere();
    const bytes = new Uint8Array(length);
    const file = openSync(this.#path, "r");
    try {
      for (let done = 0; done < length; ) {
        const got = readSync(file, bytes, done, Math.min(2 ** 30, length - done), offset + done);
        if (got === 0) throw new Error(`${this.#path}: ends ${length - done} bytes too early`);
        done += got;
      }
    } finally {
      closeSync(file);
    }
    return bytes;
  }

  /** @internal It lies elsewhere now, perhaps as a copy. */
  moved(path: string): void {
    this.#path = path;
    this.#stamp = stampNow(path)!;
  }
}

// By where they lie; held weakly, so that a file nobody computes with is forgotten.
const mapped = new Map<string, Set<WeakRef<MappedFile>>>();
// Files kept under names of their own, with whoever needs them.
const parked = new Set<string>();
const abandoned = new FinalizationRegistry<() => void>((release) => release());

function enter(file: MappedFile): void {
  const { path } = file;
  const reference = new WeakRef(file);
  const here = mapped.get(path) ?? new Set();
  mapped.set(path, here.add(reference));
  abandoned.register(file, () => {
    here.delete(reference);
    if (here.size === 0 && mapped.get(path) === here) mapped.delete(path);
    if (here.size === 0 && parked.delete(path)) unlink(path).catch(() => {});
  });
}

/** The file at `path`, which was found to be `stamp` when its header was read. */
export async function mapFile(path: string, stamp: FileStamp): Promise<MappedFile> {
  // A session may not leave its folder by a symbolic link, as those of the hub's cache would.
  const real = await realpath(path);
  for (const reference of mapped.get(real) ?? []) {
    const file = reference.deref();
    if (file?.is(stamp)) return file;
  }
  const file = new MappedFile(real, stamp);
  enter(file);
  return file;
}

/**
 * To be called before the file at `path`, or anything in the folder there, is replaced or deleted: what tensors lie in
 * is kept under another name beside it.
 */
export async function keepMapped(path: string): Promise<void> {
  if (mapped.size === 0) return;
  const folder = await realpath(dirname(resolve(path))).catch(() => null);
  if (folder === null) return;
  const target = join(folder, basename(path));
  const hit = [...mapped.keys()].filter((known) => known === target || known.startsWith(target + sep));
  for (const known of hit) {
    const files = [...mapped.get(known)!].flatMap((reference) => reference.deref() ?? []);
    const now = stampNow(known);
    const needed = files.filter((file) => now && file.is(now));
    if (needed.length === 0) continue;
    const place = join(folder, `.${basename(target)}.${ownMark()}-${randomBytes(6).toString("hex")}.mapped`);
    // The same bytes under two names; a copy where the file system has no such thing.
    await link(known, place).catch(() => copyFile(known, place));
    parked.add(place);
    for (const file of needed) {
      file.moved(place);
      enter(file);
    }
    mapped.delete(known);
    if (parked.delete(known)) await unlink(known).catch(() => {});
  }
  if (hit.length > 0) sweep(folder, /\.(\w+)-(\d+)-[0-9a-f]{12}\.mapped$/);
}

/** Whether a file is one that a process keeps for its sessions only. */
export function isKept(name: string): boolean {
  return /^\..+\.mapped$/.test(name);
}

process.on("exit", () => {
  for (const path of parked) {
    try {
      unlinkSync(path);
    } catch {
      // Gone already.
    }
  }
});
