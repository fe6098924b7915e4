import { Session } from "node:inspector";
import { Socket } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { COMMAND_FD, type Command } from "../protocol/messages.ts";
import { PacketReader } from "../protocol/packets.ts";
import { Outbox } from "./outbox.ts";

/**
 * The evaluator's second thread. It stays awake while a cell computes: it receives the server's commands and passes
 * them on, sends printed text that waits, and stops a cell that does not let the first thread run.
 */

/** How long printed text may wait for more to go with it. */
const FLUSH_AFTER = 15;
/** How long the first thread may take to say that it is awake, before its code is stopped. */
const AWAKE_WITHIN = 60;
/** How long it may take then, before the programs are stopped that it may be waiting for, and before they are killed. */
const CHILDREN_AFTER = [300, 1500] as const;

/** How often the code of interrupted cells is looked for that came back from what it awaited. */
const LOOK_EVERY = 250;

/** How often the first thread has answered, the run whose code it executes, and how many answers have come. */
const [awake, atWork, answered] = [0, 4, 8].map(
  (offset) => new Int32Array(workerData.shared as SharedArrayBuffer, offset, 1),
) as [Int32Array, Int32Array, Int32Array];
const outbox = new Outbox(workerData.outbox as SharedArrayBuffer);
const answering = workerData.answering as MessagePort;
const main = parentPort!;
/** When the cell was sent that runs now, or ran last. */
let executedAt = 0;

let flushing = false;
main.on("message", (message: "flush" | "halt" | number) => {
  if (message === "halt") return terminate();
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
  const isAwake = () => Atomics.load(awake, 0) >= number;
  main.postMessage({ type });
  setTimeout(() => {
    // Asked of a thread that is idle, V8 would stop the next code that runs, whatever it is.
    if (isAwake() || !mayStop()) return;
    terminate();
    if (type === "interrupt") stopChildren(isAwake);
  }, AWAKE_WITHIN);
}

/** Stops the code of the first thread. */
function terminate(): void {
  // Connected only for this: a process with a debugger attached waits for it as it exits.
  const inspector = new Session();
  inspector.connectToMainThread();
  inspector.post("Runtime.terminateExecution", () => {
    inspector.disconnect();
    outbox.forceUnlock();
  });
}

/** A thread that is stopped and does not wake may be waiting for a program, as in `execSync`. */
function stopChildren(isAwake: () => boolean): void {
  const since = executedAt;
  const [interrupt, kill] = CHILDREN_AFTER;
  const signal = async (name: NodeJS.Signals) => {
    if (isAwake()) return;
    const { signalChildren } = await import("../host/processes.ts");
    signalChildren(process.pid, since, name);
  };
  setTimeout(signal, interrupt, "SIGINT");
  setTimeout(signal, kill, "SIGKILL");
}

const reader = new PacketReader<Command>();
const commands = new Socket({ fd: COMMAND_FD });
commands.on("data", (chunk: Buffer) => {
  for (const { message, buffers } of reader.push(chunk)) receive(message, buffers);
});
// Without a server there is nobody to compute for, and what cells started ends too.
commands.on("close", async () => {
  try {
    const { endProcesses } = await import("../host/processes.ts");
    endProcesses(process.pid, workerData.kernel as string);
  } finally {
    // In a thread, process.exit would end the thread alone.
    process.kill(process.pid, "SIGKILL");
  }
});
commands.on("error", () => {});

function receive(message: Command, buffers: Uint8Array[]): void {
  switch (message.type) {
    case "interrupt":
      return stopUnlessAwake("interrupt");
    case "input":
      // The first thread may stand still until the answer comes.
      answering.postMessage({ id: message.id, value: message.value });
      Atomics.add(answered, 0, 1);
      Atomics.notify(answered, 0);
      return;
    case "execute":
      executedAt = Date.now();
  }
  main.postMessage({ ...message, buffers });
}
