import { Writable } from "node:stream";
import { currentRun } from "./context.ts";
import type { Outbox, StreamName } from "./outbox.ts";
import { unfinishedBytes } from "./utf8.ts";

/**
 * Standard output or standard error of the cells: what they print goes to the server together with the run it belongs
 * to. Child processes and native code write to the file descriptor itself; the server reads that separately.
 */
class CellStream extends Writable {
  readonly isTTY = false;
  readonly fd: number;
  readonly #outbox: Outbox;
  readonly #name: StreamName;
  /** The beginning of a character that the last write ended in: what comes from a pipe is cut anywhere. */
  #rest: Uint8Array = new Uint8Array(0);
  /** What was printed behind the last line break, as far as it may be a question. */
  #line = "";

  constructor(outbox: Outbox, name: StreamName, fd: number) {
    super({ decodeStrings: false });
    this.#outbox = outbox;
    this.#name = name;
    this.fd = fd;
  }

  /** Ends the line that was begun, as the one that answers a question does; @returns what stands in it. */
  takeLine(): string {
    const line = this.#line;
    this.#line = "";
    return line;
  }

  /** Prints at once: a `Writable` that waits for its turn would cost more than the printing. */
  override write(
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error?: Error | null) => void),
    done?: (error?: Error | null) => void,
  ): boolean {
    const bytes = typeof chunk === "string" && isOther(encoding) ? Buffer.from(chunk, encoding) : chunk;
    this.#print(bytes);
    const callback = typeof encoding === "function" ? encoding : done;
    if (callback) process.nextTick(callback);
    return true;
  }

  #print(text: string | Uint8Array): void {
    this.#follow(text);
    let complete = text;
    if (typeof text !== "string") {
      const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, text]) : text;
      const end = bytes.length - unfinishedBytes(bytes);
      this.#rest = bytes.slice(end);
      complete = bytes.subarray(0, end);
    } else if (this.#rest.length > 0) {
      this.#outbox.print(currentRun(), this.#name, this.#rest);
      this.#rest = new Uint8Array(0);
    }
    this.#outbox.print(currentRun(), this.#name, complete);
  }

  #follow(text: string | Uint8Array): void {
    const end = text.slice(-LONGEST_LINE);
    const last = typeof end === "string" ? end : Buffer.from(end).toString("utf8");
    const start = last.lastIndexOf("\n") + 1;
    this.#line = start > 0 ? last.slice(start) : (this.#line + last).slice(-LONGEST_LINE);
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.write(chunk);
    done();
  }

  override end(...args: unknown[]): this {
    // As with the real ones, ending them is not the cell's business.
    if (typeof args[0] === "string") this.write(args[0]);
    return this;
  }
}

/** A prompt has no more characters than this. */
const LONGEST_LINE = 500;

function isOther(encoding: unknown): encoding is BufferEncoding {
  return typeof encoding === "string" && !/^utf-?8$/i.test(encoding);
}

/**
 * Replaces `process.stdout` and `process.stderr`, before anything has used them.
 *
 * @returns takes what was printed of a line that is not ended: the prompt of a program that now reads an answer
 */
export function installConsole(outbox: Outbox): () => string {
  const streams = { stdout: new CellStream(outbox, "stdout", 1), stderr: new CellStream(outbox, "stderr", 2) };
  for (const [name, stream] of Object.entries(streams)) {
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
  return () => streams.stdout.takeLine();
}
