import { isMainThread, MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Envelope, Reply, Request } from "./protocol.ts";
import { disableTelemetry } from "./telemetry.ts";

// At import, so that threads and processes that are started later inherit it.
if (isMainThread) void disableTelemetry();

interface Waiting {
  readonly computes: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The caller's side of an engine's thread. */
export class Engine {
  #worker: Worker | null = null;
  #quiet = new MessageChannel();
  #waiting = new Map<number, Waiting>();
  #count = 0;
  #generation = 0;

  /** How many threads have stopped before the present one: what an earlier one held is lost. */
  get generation(): number {
    return this.#generation;
  }

  /** Sends a request and answers with its result. The process stays alive until then, and not longer. */
  request(request: Request, moved: readonly ArrayBuffer[] = []): Promise<unknown> {
    const worker = this.#start();
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      if (this.#waiting.size === 0) worker.ref();
      this.#waiting.set(id, { computes: request.type === "run", resolve, reject });
      worker.postMessage({ id, request } satisfies Envelope, moved);
    });
  }

  /** Whether something is being computed. */
  get busy(): boolean {
    for (const { computes } of this.#waiting.values()) if (computes) return true;
    return false;
  }

  /** Sends a request that nobody waits for. */
  post(request: Request, moved: readonly ArrayBuffer[] = []): void {
    // A thread that is gone has freed everything.
    if (request.type === "free" && !this.#worker) return;
    this.#start().postMessage({ id: -1, request } satisfies Envelope, moved);
  }

  /** Sends a request and sleeps until its result is there: for `console.log`, which cannot wait otherwise. */
  requestNow(request: Request): unknown {
    const worker = this.#start();
    const wake = new Int32Array(new SharedArrayBuffer(4));
    const id = this.#count++;
    worker.postMessage({ id, request, wake } satisfies Envelope);
    if (Atomics.wait(wake, 0, 0, 60_000) === "timed-out") {
      throw new Error("engine: no answer within a minute; use `await x.data()` for long computations");
    }
    // An answer that came too late for the one who had asked may lie before it.
    for (;;) {
      const reply = receiveMessageOnPort(this.#quiet.port1)?.message as Reply | undefined;
      if (!reply) throw new Error("engine: the answer is missing");
      if (reply.id !== id) continue;
      if (reply.error !== undefined) throw new Error(reply.error);
      return reply.result;
    }
  }

  /** Ends the thread after what it has at hand; the next request starts another. Tensors that it held are lost. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    worker.ref();
    const gone = new Promise((resolve) => worker.once("exit", resolve));
    this.post({ type: "stop" });
    await gone;
  }

  #start(): Worker {
    if (this.#worker) return this.#worker;
    this.#quiet = new MessageChannel();
    const worker = new Worker(workerFile(), {
      workerData: { quiet: this.#quiet.port2, nested: !isMainThread },
      transferList: [this.#quiet.port2],
      // Flags meant for this process (a loader, a heap limit) are not the thread's.
      execArgv: [],
    });
    this.#worker = worker;
    worker.unref();
    worker.on("message", (reply: Reply) => this.#answer(reply));
    worker.on("error", (error) => this.#fail(worker, error));
    worker.on("exit", (code) => this.#fail(worker, new Error(`it ended with code ${code}`)));
    return worker;
  }

  #answer(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (reply.error === undefined) waiting.resolve(reply.result);
    else waiting.reject(new Error(reply.error));
  }

  /** The thread is gone, and all tensors with it. The next request starts another. */
  #fail(worker: Worker, cause: Error): void {
    // An error is followed by the exit; by then another thread may be at work.
    if (worker !== this.#worker) return;
    this.#generation++;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#worker = null;
    for (const { reject } of waiting) {
      reject(
        new Error(
          `engine: the computing thread stopped (${cause.message}); tensors that it held are lost. Load or create them again and continue: a new thread starts by itself.`,
        ),
      );
    }
  }
}

/** The thread runs compiled JavaScript, also while the sources are tested as TypeScript. */
function workerFile(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "../../dist/lib/runtime/thread.js" : "./thread.js", import.meta.url);
}

/** The main one: it computes, and holds all tensors. */
export const engine = new Engine();

/** A second one, for sessions that take long to open; the first keeps working meanwhile. It holds no tensors. */
export const aside = new Engine();
