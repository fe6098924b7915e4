import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, rm, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { putInPlace } from "../files/write-whole.ts";
import { isFile, type RepoCache } from "./cache.ts";
import { bytes, ConnectionLost, HubError, HubRefusal, isOffline } from "./errors.ts";
import { withLock } from "./lock.ts";

/** Tries in a row that bring no byte before a download is given up. */
const FRUITLESS = 5;
const RETRY_MS = [200, 500, 1000, 2000];
const STALL_MS = 30_000;

/** A file of a repository at one commit, as the hub lists it. */
export interface RemoteFile {
  readonly path: string;
  readonly size: number;
  /** The name of its blob: the SHA-256 of its contents where the hub keeps it apart from git, else git's own hash. */
  readonly hash: string;
}

export interface DownloadOptions {
  readonly url: string;
  /** Names the file in errors. */
  readonly what: string;
  readonly fetch: typeof fetch;
  readonly signal?: AbortSignal;
  readonly onBytes?: (loaded: number) => void;
  /** A connection that brings nothing for so many milliseconds is broken off and made anew; default 30 seconds. */
  readonly stallMs?: number;
}

/**
 * Brings a file's contents into the cache's `blobs`. A broken connection is taken up where it broke, in this call and in
 * later ones; the blob appears under its name only when its length and hash are right.
 *
 * Dropped: `downloadFileToCacheDir` of `@huggingface/hub`. It starts from nothing each time, checks no contents, lets two
 * processes write into one file, prints, and names snapshots so that Python finds none of them.
 *
 * @throws HubError if the contents are wrong or the disk is full, HubRefusal, or what `fetch` throws
 */
export async function downloadBlob(cache: RepoCache, file: RemoteFile, options: DownloadOptions): Promise<void> {
  const blob = cache.blob(file.hash);
  if (await isFile(blob)) return;
  await mkdir(dirname(blob), { recursive: true });
  const download = async () => {
    // Another process may have brought it while we waited.
    if (await isFile(blob)) return;
    const partial = cache.incomplete(file.hash);
    await checkSpace(partial, file.size, options.what);
    for (;;) {
      const { resumed, sound } = await fill(partial, file, options);
      if (sound) break;
      await rm(partial, { force: true });
      // What an earlier call left may have been bad: once more from the start.
      if (!resumed) {
        throw new HubError(
          "damaged",
          `${options.what}: the download is not the expected file (its hash is not ${file.hash}). Try again; a proxy may be interfering.`,
        );
      }
    }
    await putInPlace(partial, blob);
  };
  await withLock(cache.lock(file.hash), download, options.signal);
}

/** Writes until `partial` has the file's length, and says whether its contents are right then. */
async function fill(
  partial: string,
  file: RemoteFile,
  options: DownloadOptions,
): Promise<{ resumed: boolean; sound: boolean }> {
  const handle = await open(partial, "a+");
  try {
    const before = (await handle.stat()).size;
    if (before > file.size) await handle.truncate(0);
    const sum = new Checksum(handle, file);
    await sum.catchUp();
    options.onBytes?.(sum.length);
    let fruitless = 0;
    while (sum.length < file.size) {
      const start = sum.length;
      try {
        await receive(handle, sum, file, options);
      } catch (error) {
        if (!(isOffline(error) || isBroken(error))) throw error;
        fruitless = sum.length > start ? 0 : fruitless + 1;
        if (fruitless >= FRUITLESS) throw error;
        await sleep(RETRY_MS[Math.min(fruitless, RETRY_MS.length - 1)], undefined, { signal: options.signal });
      }
    }
    await handle.sync();
    return { resumed: before > 0, sound: sum.isRight() };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A full disk helps nobody: give back what this took.
    if (code === "ENOSPC" || code === "EDQUOT") await handle.truncate(0).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
}

/** One connection: appends what comes. */
async function receive(handle: FileHandle, sum: Checksum, file: RemoteFile, options: DownloadOptions): Promise<void> {
  const { what, signal, stallMs = STALL_MS } = options;
  const stall = new AbortController();
  let timer = setTimeout(() => {}, 0);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => stall.abort(new DOMException(`no data received for ${stallMs} ms`, "TimeoutError")),
      stallMs,
    );
  };
  try {
    alive();
    // No compression on the way: it would hide the length, and a range counts the bytes as they lie at the hub.
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (sum.length > 0) headers.range = `bytes=${sum.length}-`;
    const response = await options.fetch(options.url, { headers, signal: stall.signal });
    if (sum.length > 0 && !continues(response, sum.length)) {
      await handle.truncate(0);
      sum.reset();
    }
    checkLength(response, file.size - sum.length, what);
    if (!response.body) throw new ConnectionLost("an empty answer");
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      alive();
      signal?.throwIfAborted();
      if (sum.length + chunk.length > file.size) throw wrongLength(what, `more than ${file.size}`, file.size);
      let done = 0;
      while (done < chunk.length) done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
      sum.update(chunk);
      options.onBytes?.(sum.length);
    }
    // Ended early without an error: as good as broken off.
    if (sum.length < file.size)
      throw new ConnectionLost(`the connection ended after ${sum.length} of ${file.size} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the answer goes on from `start`; a server that knows no ranges sends everything again. */
function continues(response: Response, start: number): boolean {
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  return response.status === 206 && Number(range?.[1]) === start;
}

function checkLength(response: Response, expected: number, what: string): void {
  const length = response.headers.get("content-length");
  if (length === null || response.headers.has("content-encoding")) return;
  if (Number(length) !== expected) throw wrongLength(what, length, expected);
}

function wrongLength(what: string, got: string, expected: number): HubError {
  return new HubError(
    "damaged",
    `${what}: got ${got} bytes, but the hub lists ${expected}. Try again; a proxy may be interfering.`,
  );
}

/** A connection that broke, as undici reports it within a body. */
function isBroken(error: unknown): boolean {
  if (error instanceof HubError || error instanceof HubRefusal) return false;
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  return /^(UND_ERR|ECONNRESET|EPIPE|ETIMEDOUT)/.test(code ?? cause?.code ?? "");
}

/**
 * The hash of a file that grows, kept up as it does: reading gigabytes again at the end would take as long as they took to come.
 * 64 digits are the SHA-256 of the contents; 40 are git's SHA-1, of a header and the contents.
 */
class Checksum {
  readonly #handle: FileHandle;
  readonly #file: RemoteFile;
  #hash: Hash;
  /** Bytes so far. */
  length = 0;

  constructor(handle: FileHandle, file: RemoteFile) {
    this.#handle = handle;
    this.#file = file;
    this.#hash = this.#start();
  }

  #start(): Hash {
    if (this.#file.hash.length === 64) return createHash("sha256");
    return createHash("sha1").update(`blob ${this.#file.size}\0`);
  }

  reset(): void {
    this.#hash = this.#start();
    this.length = 0;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.length += chunk.length;
  }

  /** Takes in what the file holds already, through one buffer: a stream's would pile up faster than they are collected. */
  async catchUp(): Promise<void> {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (;;) {
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.length);
      if (bytesRead === 0) return;
      this.update(buffer.subarray(0, bytesRead));
    }
  }

  isRight(): boolean {
    return this.#hash.digest("hex") === this.#file.hash;
  }
}

async function checkSpace(partial: string, size: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(partial));
  const have = (await stat(partial).catch(() => undefined))?.size ?? 0;
  const free = bavail * bsize;
  if (size - have > free) {
    throw new HubError(
      "disk",
      `${what}: needs ${bytes(size - have)}, but the disk of ${dirname(partial)} has only ${bytes(free)} left. ` +
        "Free space or choose another { cacheDir }.",
    );
  }
}
