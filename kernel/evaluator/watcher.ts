import { Session } from "node:inspector";
import { Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { FrameReader } from "./frames.ts";
import { COMMAND_FD, type Command } from "./messages.ts";
import { Outbox } from "./outbox.ts";

/**
 * The evaluator's second thread. It stays awake while a cell computes: it receives the server's commands and passes
 * them on, sends printed text that waits, and stops a cell that does not let the first thread run.
 */

/** How long printed text may wait for more to go with it. */
const FLUSH_AFTER = 15;
/** How long the first thread may take to say that it is awake, before its code is stopped. */
const AWAKE_WITHIN = 60;

/** How often the code of interrupted cells is looked for that came back from what it awaited. */
const LOOK_EVERY = 250;

/** How often the first thread has answered, and the run whose code it executes. */
const [awake, atWork] = [0, 4].map((offset) => new Int32Array(workerData.shared as SharedArrayBuffer, offset, 1)) as [
  Int32Array,
  Int32Array,
];
const outbox = new Outbox(workerData.outbox as SharedArrayBuffer);
const main = parentPort!;

let flushing = false;
main.on("message", (message: "flush" | number) => {
  if (typeof message === "number") return watchFor(message);
  if (flushing) return;
  flushing = true;
  setTimeout(() => {
    flushing = false;
    outbox.flush();
  }, FLUSH_AFTER);
});

/** Runs that were interrupted while they waited. */
const interrupted = new Set<number>();

/** From now on the code of this run is stopped where it computes without a pause. */
function watchFor(run: number): void {
  if (interrupted.size === 0) {
    setInterval(() => {
      const isStray = () => interrupted.has(Atomics.load(atWork, 0));
      if (isStray()) stopUnlessAwake("wake", isStray);
    }, LOOK_EVERY);
  }
  interrupted.add(run);
}

let asked = 0;

/** Passes a message to the first thread, and stops its code where that keeps the message from being read. */
function stopUnlessAwake(type: "interrupt" | "wake", mayStop = () => true): void {
  const number = ++asked;
  main.postMessage({ type });
  setTimeout(() => {
    // Asked of a thread that is idle, V8 would stop the next code that runs, whatever it is.
    if (Atomics.load(awake, 0) >= number || !mayStop()) return;
    // Connected only for this: a process with a debugger attached waits for it as it exits.
    const inspector = new Session();
    inspector.connectToMainThread();
    inspector.post("Runtime.terminateExecution", () => {
      inspector.disconnect();
      outbox.forceUnlock();
    });
  }, AWAKE_WITHIN);
}

const reader = new FrameReader<Command>();
const commands = new Socket({ fd: COMMAND_FD });
commands.on("data", (chunk: Buffer) => {
  for (const { message, buffers } of reader.push(chunk)) {
    if (message.type === "interrupt") stopUnlessAwake("interrupt");
    else main.postMessage({ ...message, buffers });
  }
});
// Without a server there is nobody to compute for; in a thread, process.exit would end the thread alone.
commands.on("close", () => process.kill(process.pid, "SIGKILL"));
commands.on("error", () => {});
