import { REPORT_FD, type Report } from "../protocol/messages.ts";
import { encodePacket, writeAll } from "../protocol/packets.ts";
import { unfinishedBytes } from "./utf8.ts";

/** Text that is waiting, at most: what is printed at once leaves in pieces of this size. */
const CAPACITY = 1 << 18;
/** Text that goes in one report, at most. The server makes a string of it, and V8's end at 512 MB. */
const PIECE = 1 << 23;

// Cells of the shared header.
const LOCK = 0;
const LENGTH = 1;
const RUN = 2;
const STREAM = 3;
const HEADER_BYTES = 16;

const STREAMS = ["stdout", "stderr"] as const;
export type StreamName = (typeof STREAMS)[number];

/**
 * The evaluator's way out to the server: reports, and printed text gathered into few of them.
 *
 * Text waits in shared memory, so that a second thread can send it on while the cell computes without a pause: a line
 * printed before a long loop shows within milliseconds, and a million lines cost a handful of reports.
 */
export class Outbox {
  readonly memory: SharedArrayBuffer;
  readonly #header: Int32Array;
  readonly #text: Uint8Array;
  readonly #encoder = new TextEncoder();
  /** Called as the first text begins to wait: whoever can should flush soon. */
  onWaiting: () => void = () => {};

  /** @param memory - of the outbox that another thread made; default a new one */
  constructor(memory = new SharedArrayBuffer(HEADER_BYTES + CAPACITY)) {
    this.memory = memory;
    this.#header = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#text = new Uint8Array(memory, HEADER_BYTES);
  }

  /** Queues printed text of a run. */
  print(run: number, name: StreamName, text: string | Uint8Array): void {
    const bytes = typeof text === "string" ? this.#encoder.encode(text) : text;
    const header = this.#header;
    const stream = STREAMS.indexOf(name);
    this.#lock();
    try {
      const length = header[LENGTH]!;
      const isOther = header[RUN] !== run || header[STREAM] !== stream;
      if (length > 0 && (isOther || length + bytes.length > CAPACITY)) this.#flush();
      if (bytes.length > CAPACITY) return this.#sendPieces({ type: "stream", run, name }, bytes);
      header[RUN] = run;
      header[STREAM] = stream;
      this.#text.set(bytes, header[LENGTH]);
      const isFirst = header[LENGTH] === 0;
      header[LENGTH] = header[LENGTH]! + bytes.length;
      if (isFirst) this.onWaiting();
    } finally {
      this.#unlock();
    }
  }

  /** Sends a report, after the text that was printed before it. */
  send(report: Report, buffers?: readonly Uint8Array[]): void {
    const packet = encodePacket(report, buffers);
    this.#lock();
    try {
      this.#flush();
      writeAll(REPORT_FD, packet);
    } finally {
      this.#unlock();
    }
  }

  /** Sends the text that waits. */
  flush(): void {
    this.#lock();
    try {
      this.#flush();
    } finally {
      this.#unlock();
    }
  }

  /** Lets go of a lock whose holder was stopped in the middle: terminated code runs no `finally`. */
  forceUnlock(): void {
    this.#unlock();
  }

  #flush(): void {
    const header = this.#header;
    const length = header[LENGTH]!;
    if (length === 0) return;
    header[LENGTH] = 0;
    const report: Report = { type: "stream", run: header[RUN]!, name: STREAMS[header[STREAM]!]! };
    // slice: the bytes leave shared memory before JSON or a write could see them change.
    writeAll(REPORT_FD, encodePacket(report, [this.#text.slice(0, length)]));
  }

  #sendPieces(report: Report, bytes: Uint8Array): void {
    for (let start = 0; start < bytes.length; ) {
      const piece = bytes.subarray(start, start + PIECE);
      const isLast = start + piece.length === bytes.length;
      const complete = isLast ? piece : piece.subarray(0, piece.length - unfinishedBytes(piece));
      writeAll(REPORT_FD, encodePacket(report, [complete]));
      start += complete.length;
    }
  }

  #lock(): void {
    while (Atomics.compareExchange(this.#header, LOCK, 0, 1) !== 0) Atomics.wait(this.#header, LOCK, 1, 10);
  }

  #unlock(): void {
    Atomics.store(this.#header, LOCK, 0);
    Atomics.notify(this.#header, LOCK, 1);
  }
}
