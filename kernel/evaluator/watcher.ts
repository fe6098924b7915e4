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

/** Counts the interrupts that the first thread has seen. */
const seen = new Int32Array(workerData.seen as SharedArrayBuffer);
const outbox = new Outbox(workerData.outbox as SharedArrayBuffer);
const main = parentPort!;

let flushing = false;
main.on("message", () => {
  if (flushing) return;
  flushing = true;
  setTimeout(() => {
    flushing = false;
    outbox.flush();
  }, FLUSH_AFTER);
});

let interrupts = 0;

function interrupt(): void {
  const number = ++interrupts;
  main.postMessage({ type: "interrupt" });
  setTimeout(() => {
    // Asked of a thread that is idle, V8 would stop the next code that runs, whatever it is.
    if (Atomics.load(seen, 0) >= number) return;
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
    if (message.type === "interrupt") interrupt();
    else main.postMessage({ ...message, buffers });
  }
});
// Without a server there is nobody to compute for; in a thread, process.exit would end the thread alone.
commands.on("close", () => process.kill(process.pid, "SIGKILL"));
commands.on("error", () => {});
