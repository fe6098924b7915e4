/** The process that runs the cells. Started by the kernel's server, which it talks to over two file descriptors. */
import { writeSync } from "node:fs";
import { MessageChannel, Worker } from "node:worker_threads";
import {
  createDisplay,
  createProgress,
  html,
  image,
  installDom,
  isDrawingLibrary,
  json,
  markdown,
  svg,
} from "../../display/index.ts";
import { COMMON_PACKAGES } from "../../resolution/common-packages.ts";
import { type Command, endMark } from "../protocol/messages.ts";
import { RunningCells } from "./cells.ts";
import { CommRegistry } from "./comms.ts";
import { installConsole } from "./console.ts";
import { currentRun, inRun, installContext, resetContext } from "./context.ts";
import { installExit } from "./exit.ts";
import { describeFailure } from "./failures.ts";
import { GLOBAL_NAMES, TODO } from "./globals.ts";
import { Outbox } from "./outbox.ts";
import { installPolyfills } from "./polyfills.ts";
import { installPromises } from "./promises.ts";
import { Questions } from "./questions.ts";
import { CellRunner } from "./runner.ts";
import { installTraces } from "./stack.ts";
import { installInput } from "./stdin.ts";
import { installWarnings } from "./warnings.ts";

/** How long nothing must have happened before a package is loaded ahead of its use. */
const IDLE = 250;

const [nonce = "", kernelMark = ""] = process.argv.slice(2);
const outbox = new Outbox();
/**
 * What this thread and the watcher share: how often this one has shown that it is awake, the run whose code is at work,
 * and how many answers have come.
 */
const shared = new SharedArrayBuffer(12);
const [awake, atWork, answered] = [0, 4, 8].map((offset) => new Int32Array(shared, offset, 1)) as [
  Int32Array<SharedArrayBuffer>,
  Int32Array<SharedArrayBuffer>,
  Int32Array<SharedArrayBuffer>,
];

const takeLine = installConsole(outbox);
installContext(atWork);
installPromises();
installTraces();
installPolyfills();
installWarnings();
// Beside libraries that draw, cells see a `document`; tslab gives their code no file name, which Node calls so.
installDom({ sees: (file) => file.startsWith("evalmachine.") || isDrawingLibrary(file) });

const { port1: answers, port2: answering } = new MessageChannel();
const watcher = new Worker(new URL("./watcher.js", import.meta.url), {
  workerData: { shared, outbox: outbox.memory, answering, kernel: kernelMark },
  transferList: [answering],
});
outbox.onWaiting = () => watcher.postMessage("flush");

const displays = createDisplay(({ type, content, buffers }) => {
  cells.checkStopped();
  outbox.send({ type: "display", run: currentRun(), kind: type, content }, buffers);
});
// What grows while a cell runs sees by this number that another cell has begun, and shows itself there.
Object.defineProperty(displays.display, "cell", { get: currentRun });
const { progress, startCell, interrupted: stopBars } = createProgress(displays.display);
const comms = new CommRegistry(outbox);
const runner = new CellRunner(process.cwd(), () => cells.checkStopped());
const questions = new Questions(outbox, answers, answered, (run) => cells.stateOf(run) !== "ended");

const finishInput = installInput(questions, {
  takeLine,
  stateOf: (run) => cells.stateOf(run),
  refuse: (run, error) => cells.stop(run, describeFailure(error)),
});
const cells = new RunningCells({
  runner,
  outbox,
  displays,
  questions,
  onStart: startCell,
  onCodeEnd: finishInput,
  onStop: (run) => {
    inRun(run, stopBars);
    watcher.postMessage(run);
  },
  markEnd,
  halt,
});
installExit((code) => cells.exit(code));

const globals: Record<(typeof GLOBAL_NAMES)[number], unknown> = {
  display: displays.display,
  clearOutput: displays.clearOutput,
  progress,
  prompt: questions.prompt,
  comms,
  html,
  markdown,
  svg,
  image,
  json,
  TODO,
};
for (const name of GLOBAL_NAMES) {
  Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: globals[name] });
}

// Libraries find them here: they know no kernel by name.
Object.defineProperty(globalThis, Symbol.for("Jupyter.comms"), { configurable: true, writable: true, value: comms });

type Incoming = Exclude<Command, { type: "input" }> | { type: "wake" };

watcher.on("message", (command: Incoming & { buffers: Uint8Array[] }) => {
  resetContext();
  switch (command.type) {
    case "wake":
      Atomics.add(awake, 0, 1);
      return;
    case "interrupt":
      Atomics.add(awake, 0, 1);
      return cells.interrupt();
    case "execute":
      inRun(command.run, () => void cells.execute(command).catch(giveUp));
      return;
    case "comm":
      inRun(command.run, () => void receive(command));
      return;
  }
});

/** Hands a comm message to the code that waits for it, and tells when that is done. */
async function receive(command: Extract<Command, { type: "comm" }> & { buffers: Uint8Array[] }): Promise<void> {
  const { run } = command;
  try {
    await comms.receive(command);
    await displays.settled();
  } catch (thrown) {
    cells.addStray(run, { what: `In the handler of "${command.kind}" messages:`, thrown });
  }
  markEnd(run);
  outbox.send({ type: "handled", run });
}

/** The cell has broken what this process itself needs, as one that replaces a built-in can: a new process goes on. */
function giveUp(error: unknown): never {
  try {
    writeSync(2, `The cell broke something that the kernel itself needs: ${error}\n`);
  } finally {
    process.abort();
  }
}

/** Tells whoever reads the output descriptors that this run has written all that it will. */
function markEnd(run: number): void {
  for (const fd of [1, 2]) {
    try {
      writeSync(fd, endMark(nonce, run));
    } catch {
      // The cell closed it.
    }
  }
}

/** Stops the code that calls it, which no `catch` and no `finally` can keep from happening. */
function halt(): never {
  watcher.postMessage("halt");
  for (;;) Atomics.wait(STANDSTILL, 0, 0, 10);
}
const STANDSTILL = new Int32Array(new SharedArrayBuffer(4));

process.on("uncaughtException", (error) => cells.onUncaught(error));
process.on("unhandledRejection", (reason, promise) => cells.onRejection(reason, promise));

outbox.send({ type: "ready" });
setImmediate(async () => (await import("../host/processes.ts")).markChildren());
void preload();

/** Uses the time before the first cells, and between them, for what they will probably import. */
async function preload(): Promise<void> {
  for (const name of COMMON_PACKAGES) {
    do await new Promise((resolve) => setTimeout(resolve, IDLE).unref());
    while (!cells.areIdle);
    await runner.preload(name);
  }
}
