import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { fileURLToPath } from "node:url";
import { QUIET } from "../../spec/quiet.ts";
import { COMMAND_FD, type Command, endMark, REPORT_FD, type Report } from "../protocol/messages.ts";
import { encodePacket, PacketReader } from "../protocol/packets.ts";
import { endProcesses, MARK } from "./processes.ts";

/** How an evaluator ended by itself. */
export interface EvaluatorExit {
  signal?: NodeJS.Signals | undefined;
  code?: number | undefined;
  outOfMemory: boolean;
  /** Why it could not be started. */
  problem?: string;
  /** The end of what it wrote to standard error. */
  lastWords: string;
}

/** What an evaluator tells the kernel. */
export interface EvaluatorEvents {
  onReport(report: Report, buffers: Uint8Array[]): void;
  /** Text written to a file descriptor, by a child process or native code. */
  onRawOutput(name: "stdout" | "stderr", text: string): void;
  onExit(exit: EvaluatorExit): void;
  /** Resolves when the kernel can take more; until then the evaluator's output waits. */
  drained(): Promise<void> | undefined;
}

/** How long a run that is done may wait for its last raw output. A cell may have closed the descriptor. */
const MARK_WITHIN = 500;

/**
 * What Node is told as it starts the evaluator: `terminateExecution` leaves async hooks unbalanced, which must not end
 * the process, and notices about experimental features would fail a graded cell.
 */
const NODE_FLAGS = ["--no-force-async-hooks-checks", "--disable-warning=ExperimentalWarning", "--stack-trace-limit=50"];

/** The process that runs the cells, seen from the kernel's server. */
export class Evaluator {
  readonly #process: ChildProcess;
  readonly #events: EvaluatorEvents;
  readonly #nonce = randomUUID();
  readonly #commands: Writable;
  readonly #raw: { stdout: RawOutput; stderr: RawOutput };
  /** The last lines of raw standard error: what Node says as it dies. */
  #lastWords = "";
  readonly #mark: string;
  #stopped = false;
  #ended = false;

  /** @param folder - working folder of the cells */
  constructor(folder: string, events: EvaluatorEvents) {
    this.#events = events;
    const main = fileURLToPath(new URL("../child/main.js", import.meta.url));
    const kernel = process.env[MARK] ?? "";
    this.#mark = `${kernel}/${this.#nonce}`;
    this.#process = spawn(process.execPath, [...NODE_FLAGS, main, this.#nonce, kernel], {
      cwd: folder,
      env: { ...QUIET, ...process.env, [MARK]: this.#mark },
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
      // A process group of its own: what ends the kernel's leaves it the time to end what its cells have started.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const pipes = this.#process.stdio as [null, Readable, Readable, Readable, Writable];
    this.#commands = pipes[COMMAND_FD];
    this.#commands.on("error", () => {}); // the exit tells
    const raw = (name: "stdout" | "stderr", pipe: Readable) => {
      const output = new RawOutput(this.#nonce, (text) => {
        if (name === "stderr") this.#lastWords = (this.#lastWords + text).slice(-4000);
        events.onRawOutput(name, text);
      });
      this.#read(pipe, (chunk) => output.push(chunk));
      return output;
    };
    this.#raw = { stdout: raw("stdout", pipes[1]), stderr: raw("stderr", pipes[2]) };
    const reader = new PacketReader<Report>();
    this.#read(pipes[REPORT_FD], (chunk) => {
      for (const { message, buffers } of reader.push(chunk)) this.#report(message, buffers);
    });
    this.#process.once("error", (error) => this.#exit(1, null, error.message));
    this.#process.once("exit", (code, signal) => this.#waitForPipes().then(() => this.#exit(code, signal)));
  }

  send(command: Command, buffers?: Uint8Array[]): void {
    this.#commands.write(encodePacket(command, buffers));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Whether it has ended by itself. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the process and all that its cells have started, without asking; `onExit` is not called. */
  stop(): void {
    this.#stopped = true;
    this.#endChildren();
    this.#process.kill("SIGKILL");
  }

  /** Ends the process as if it had crashed. */
  kill(): void {
    this.#endChildren();
    this.#process.kill("SIGKILL");
  }

  #endChildren(): void {
    if (this.#process.pid !== undefined) endProcesses(this.#process.pid, this.#mark);
  }

  #read(pipe: Readable, take: (chunk: Buffer) => void): void {
    pipe.on("data", (chunk: Buffer) => {
      if (this.#stopped) return;
      take(chunk);
      const drained = this.#events.drained();
      if (!drained) return;
      pipe.pause();
      void drained.then(() => pipe.resume());
    });
    pipe.on("error", () => {});
  }

  #report(report: Report, buffers: Uint8Array[]): void {
    if (report.type !== "done" && report.type !== "handled") this.#events.onReport(report, buffers);
    else {
      const { stdout, stderr } = this.#raw;
      const marks = Promise.all([stdout.mark(report.run), stderr.mark(report.run)]);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, MARK_WITHIN);
      });
      void Promise.race([marks, late]).then(() => {
        clearTimeout(timer);
        this.#events.onReport(report, buffers);
      });
    }
  }

  /** What the process wrote last may arrive after it is gone. Its own children may hold the pipes open, so not for ever. */
  #waitForPipes(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 300);
      this.#process.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #exit(code: number | null, signal: NodeJS.Signals | null, problem?: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#ended = true;
    this.#endChildren();
    const lastWords = this.#lastWords;
    this.#events.onExit({
      signal: signal ?? undefined,
      code: code ?? undefined,
      outOfMemory: /heap out of memory|Array buffer allocation failed.*FATAL/s.test(lastWords),
      lastWords,
      ...(problem !== undefined && { problem }),
    });
  }
}

/** Raw output with the marks that end each run taken out. */
class RawOutput {
  readonly #decoder = new StringDecoder("utf8");
  readonly #markStart: string;
  readonly #emit: (text: string) => void;
  readonly #reached: (() => void)[] = [];
  #held = "";
  /** Runs whose mark has come and is not waited for yet. */
  readonly #marked = new Set<number>();

  constructor(nonce: string, emit: (text: string) => void) {
    this.#markStart = endMark(nonce, 0).replace(/0\n$/, "");
    this.#emit = emit;
  }

  /** Resolves when the mark of this run has come. */
  async mark(run: number): Promise<void> {
    while (!this.#marked.delete(run)) await new Promise<void>((resolve) => this.#reached.push(resolve));
  }

  push(chunk: Buffer): void {
    let text = this.#held + this.#decoder.write(chunk);
    for (;;) {
      const start = text.indexOf(this.#markStart);
      const end = start < 0 ? -1 : text.indexOf("\n", start);
      if (end < 0) break;
      if (start > 0) this.#emit(text.slice(0, start));
      this.#marked.add(Number(text.slice(start + this.#markStart.length, end)));
      for (const resolve of this.#reached.splice(0)) resolve();
      text = text.slice(end + 1);
    }
    // What may be the beginning of a mark waits for the rest.
    const possible = text.lastIndexOf("\u0000");
    const holds = possible >= 0 && this.#mayBeMark(text.slice(possible));
    const complete = holds ? text.slice(0, possible) : text;
    this.#held = text.slice(complete.length);
    if (complete !== "") this.#emit(complete);
  }

  #mayBeMark(text: string): boolean {
    return this.#markStart.startsWith(text) || text.startsWith(this.#markStart);
  }
}
