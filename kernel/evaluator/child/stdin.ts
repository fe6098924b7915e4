import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { Readable } from "node:stream";
import { currentRun } from "./context.ts";
import type { Questions } from "./questions.ts";

/** What standard input needs to know of the cells. */
export interface InputEvents {
  /** "finishing": the cell's own code has ended, and it waits for what is left of it. */
  stateOf(run: number): "running" | "finishing" | "ended";
  /** Ends a cell that reads if nobody can be asked: it would wait for ever. */
  refuse(run: number, error: Error): void;
  /** What the cell has printed of a line that is not ended, and ends it. */
  takeLine(): string;
}

/** A program that reads without having printed a prompt is given this long to show that it means to wait for a line. */
const PATIENCE = 200;

const CALLER = "standard input";

/**
 * `process.stdin` of the cells: each line is asked of whoever runs the cell, with what was printed last as the prompt.
 * So `readline` works as in a terminal. Where nobody can be asked, the cell ends with an error and does not hang.
 */
class NotebookInput extends Readable {
  readonly isTTY = false;
  readonly fd = 0;
  readonly #questions: Questions;
  readonly #events: InputEvents;
  /** The stream has asked for data that is not there yet. */
  #isWanted = false;
  #isAsking = false;
  #run = 0;
  /** The run that a line was last read in. */
  #answeredRun = 0;

  constructor(questions: Questions, events: InputEvents) {
    super();
    this.#questions = questions;
    this.#events = events;
    this.on("resume", () => this.#consider());
    this.on("newListener", (event) => {
      if (event === "data" || event === "readable") this.#consider();
    });
  }

  // Programs call these to let the process end, which is not theirs to decide.
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  /** A loop over its lines that is left ends it with an error, which others that listen must not hear. */
  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    done(null);
  }

  override _read(): void {
    this.#isWanted = true;
    this.#consider();
  }

  /** The cell's own code has ended: what still reads is asked for now, or is not meant to be. */
  finish(run: number): void {
    if (this.#run === run) this.#ask(true);
  }

  #consider(): void {
    const run = currentRun();
    this.#run = run;
    // A program creates its reader first and prints its prompt then.
    setImmediate(() => {
      if (this.#run !== run || this.#ask(false)) return;
      setTimeout(() => this.#run === run && this.#ask(true), PATIENCE).unref();
    });
  }

  /** @returns whether there is nothing more to do */
  #ask(withoutPrompt: boolean): boolean {
    const run = this.#run;
    const hasReader = this.listenerCount("readable") > 0 || (this.listenerCount("data") > 0 && !this.isPaused());
    if (!this.#isWanted || this.#isAsking || this.destroyed || !hasReader) return true;
    const state = this.#events.stateOf(run);
    if (state === "ended") return true;
    const prompt = this.#events.takeLine();
    if (prompt === "" && !withoutPrompt) return false;
    // One that listens on and on, as most that forget to close, does not keep the cell from ending.
    if (prompt === "" && state === "finishing" && this.#answeredRun === run) return true;
    this.#isAsking = true;
    this.#questions.ask(CALLER, prompt).answer.then(
      (line) => {
        this.#isAsking = this.#isWanted = false;
        this.#answeredRun = run;
        this.push(`${line}\n`);
      },
      (error: Error) => {
        this.#isAsking = false;
        this.#events.refuse(run, error);
      },
    );
    return true;
  }
}

/** Gives cells a standard input that asks. @returns call with each run whose own code has ended */
export function installInput(questions: Questions, events: InputEvents): (run: number) => void {
  let stream: NotebookInput | undefined;
  const get = () => {
    if (!stream || stream.destroyed) stream = new NotebookInput(questions, events);
    return stream;
  };
  Object.defineProperty(process, "stdin", { configurable: true, enumerable: true, get });
  patchFiles(() => Buffer.from(`${questions.askNow(CALLER, events.takeLine())}\n`));
  return (run) => stream?.finish(run);
}

/** Lets the functions of `fs` that read descriptor 0 ask too. */
function patchFiles(ask: () => Buffer): void {
  /** What of the last answer has not been read, and by which cell. */
  let rest: Buffer = Buffer.alloc(0);
  let run = 0;
  /** What is there to be read, or is now asked for. */
  const available = (): Buffer => {
    if (run !== currentRun()) rest = Buffer.alloc(0);
    run = currentRun();
    return rest.length > 0 ? rest : ask();
  };
  const fill = (target: Uint8Array): number => {
    if (target.length === 0) return 0;
    rest = available();
    const count = Math.min(rest.length, target.length);
    target.set(rest.subarray(0, count));
    rest = rest.subarray(count);
    return count;
  };
  const readAll = (options: unknown): Buffer | string => {
    const content = available();
    rest = Buffer.alloc(0);
    const encoding = typeof options === "string" ? options : (options as { encoding?: string } | undefined)?.encoding;
    return encoding && encoding !== "buffer" ? content.toString(encoding as BufferEncoding) : content;
  };
  const { readSync, readFileSync, read, readFile } = fs;
  const patched = {
    readSync: (fd: number, ...args: unknown[]) =>
      fd === 0 ? fill(targetOf(args)) : Reflect.apply(readSync, fs, [fd, ...args]),
    readFileSync: (path: unknown, options: unknown) =>
      isInput(path) ? readAll(options) : Reflect.apply(readFileSync, fs, [path, options]),
    read: (fd: number, ...args: unknown[]) => {
      const callback = args.at(-1);
      if (fd !== 0 || typeof callback !== "function") return Reflect.apply(read, fs, [fd, ...args]);
      const buffers = args.slice(0, -1);
      const target = targetOf(buffers);
      later(callback as Callback, () => [fill(target), ArrayBuffer.isView(buffers[0]) ? buffers[0] : target]);
    },
    readFile: (path: unknown, ...args: unknown[]) => {
      const callback = args.at(-1);
      if (!isInput(path) || typeof callback !== "function") return Reflect.apply(readFile, fs, [path, ...args]);
      later(callback as Callback, () => [readAll(args.length > 1 ? args[0] : undefined)]);
    },
  };
  for (const [name, value] of Object.entries(patched)) {
    // promisify(fs.read) finds on the function how its results are called.
    Object.defineProperties(value, Object.getOwnPropertyDescriptors(Reflect.get(fs, name)));
    Object.defineProperty(fs, name, { value, configurable: true, writable: true, enumerable: true });
  }
  syncBuiltinESMExports();
}

function isInput(path: unknown): boolean {
  return path === 0 || path === "/dev/stdin" || path === "/proc/self/fd/0";
}

/** Where `fs.read` and `fs.readSync` put what they read: `buffer, offset?, length?` or `buffer, { offset, length }`. */
function targetOf([buffer, second, third]: unknown[]): Uint8Array {
  const given = typeof second === "object" && second !== null ? (second as { offset?: number; length?: number }) : {};
  const view = (ArrayBuffer.isView(buffer) ? buffer : Buffer.alloc(16_384)) as Uint8Array;
  const offset = typeof second === "number" ? second : (given.offset ?? 0);
  const length = typeof third === "number" ? third : (given.length ?? view.byteLength - offset);
  return new Uint8Array(view.buffer, view.byteOffset + offset, Math.min(length, view.byteLength - offset));
}

type Callback = (...args: unknown[]) => void;

function later(callback: Callback, work: () => unknown[]): void {
  setImmediate(() => {
    let results: unknown[];
    try {
      results = work();
    } catch (error) {
      return callback(error);
    }
    callback(null, ...results);
  });
}
