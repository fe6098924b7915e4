/** The process that runs the cells. Started by the kernel's server, which it talks to over two file descriptors. */
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { red } from "../cells/ansi.ts";
import { COMMON_PACKAGES } from "../cells/common-packages.ts";
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
  toMimeBundle,
} from "../display/index.ts";
import { CommRegistry } from "./comms.ts";
import { installConsole } from "./console.ts";
import { currentRun, inRun, installContext, resetContext } from "./context.ts";
import { describeFailure } from "./failures.ts";
import { GLOBAL_NAMES } from "./globals.ts";
import { type CellFailure, type Command, endMark } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { installPolyfills } from "./polyfills.ts";
import { CellRunner, type Outcome } from "./runner.ts";
import { installTraces } from "./stack.ts";

type Execute = Extract<Command, { type: "execute" }>;

/** How long a cell that listens for SIGINT may take to end by itself: a training loop, to keep what it has learnt. */
const GRACE = 2000;

/** How long nothing must have happened before a package is loaded ahead of its use. */
const IDLE = 250;

const [nonce = ""] = process.argv.slice(2);
const outbox = new Outbox();
/** What the watcher sees of this thread: how often it has shown that it is awake, and the run whose code is at work. */
const shared = new SharedArrayBuffer(8);
const awake = new Int32Array(shared, 0, 1);

installConsole(outbox);
installContext(new Int32Array(shared, 4, 1));
installTraces();
installPolyfills();
// Beside libraries that draw, cells see a `document`; tslab gives their code no file name, which Node calls so.
installDom({ sees: (file) => file.startsWith("evalmachine.") || isDrawingLibrary(file) });

const watcher = new Worker(new URL("./watcher.js", import.meta.url), {
  workerData: { shared, outbox: outbox.memory },
});
outbox.onWaiting = () => watcher.postMessage("flush");

const displays = createDisplay(({ type, content, buffers }) => {
  stopIfInterrupted();
  outbox.send({ type: "display", run: currentRun(), kind: type, content }, buffers);
});
// What grows while a cell runs sees by this number that another cell has begun, and shows itself there.
Object.defineProperty(displays.display, "cell", { get: currentRun });
const { progress, startCell, interrupted: stopBars } = createProgress(displays.display);
const comms = new CommRegistry(outbox);
const questions = new Map<number, { resolve: (answer: string) => void; reject: (error: Error) => void }>();
const runner = new CellRunner(process.cwd(), stopIfInterrupted);

/** The run that has not ended. */
let current: Execute | undefined;
/** Runs that were interrupted while they waited: their code may go on, and is stopped where it calls the kernel. */
const interrupted = new Set<number>();

const globals: Record<(typeof GLOBAL_NAMES)[number], unknown> = {
  display: displays.display,
  clearOutput: displays.clearOutput,
  progress,
  comms,
  html,
  markdown,
  svg,
  image,
  json,
  prompt(question: unknown = "", { password = false }: { password?: boolean } = {}): Promise<string> {
    const id = questions.size === 0 ? 1 : Math.max(...questions.keys()) + 1;
    return new Promise((resolve, reject) => {
      questions.set(id, { resolve, reject });
      outbox.send({ type: "input", run: currentRun(), id, prompt: String(question), password });
    });
  },
};
for (const name of GLOBAL_NAMES) {
  Object.defineProperty(globalThis, name, { configurable: true, writable: true, value: globals[name] });
}

// Libraries find them here: they know no kernel by name.
Object.defineProperty(globalThis, Symbol.for("Jupyter.comms"), { configurable: true, writable: true, value: comms });

watcher.on("message", (command: (Command & { buffers: Uint8Array[] }) | { type: "wake" }) => {
  resetContext();
  switch (command.type) {
    case "wake":
      Atomics.add(awake, 0, 1);
      return;
    case "interrupt":
      Atomics.add(awake, 0, 1);
      return interrupt();
    case "execute":
      return execute(command);
    case "input":
      return answer(command.id, command.value);
    case "comm":
      return inRun(command.run, () => comms.receive({ ...command, buffers: command.buffers }));
  }
});

function execute(command: Execute): void {
  current = command;
  startCell();
  const before = new Map(command.declared.map((name) => [name, runner.scope[name]]));
  inRun(command.run, async () => {
    try {
      const outcome = await runner.run(command);
      await finish(command, outcome, before);
    } catch (error) {
      giveUp(error);
    }
  });
}

/** The cell has broken what this process itself needs, as one that replaces a built-in can: a new process goes on. */
function giveUp(error: unknown): never {
  try {
    writeSync(2, `The cell left nothing to go on with: ${error}\n`);
  } finally {
    process.abort();
  }
}

async function finish(command: Execute, outcome: Outcome, before: Map<string, unknown>): Promise<void> {
  const { run, declared, showsResult, returnsResult } = command;
  let failure: CellFailure | undefined;
  let bundle: Awaited<ReturnType<typeof toMimeBundle>>;
  if (outcome.ok && outcome.hasValue && (showsResult || returnsResult)) bundle = await toMimeBundle(outcome.value);
  if (!outcome.ok) failure = describeFailure(outcome.thrown);
  await displays.settled();
  if (current !== command) return; // interrupted meanwhile
  if (bundle && showsResult) outbox.send({ type: "result", run, bundle });
  // A cell that failed halfway leaves the names that it got to.
  const isPresent = (name: string) => outcome.ok || !Object.is(runner.scope[name], before.get(name));
  end(run, failure, declared.filter(isPresent), returnsResult ? bundle : undefined);
}

function end(run: number, failure: CellFailure | undefined, present: string[], bundle?: object): void {
  current = undefined;
  const isInterrupt = failure === INTERRUPTED;
  markEnd(run);
  outbox.send({
    type: "done",
    run,
    present,
    ...(failure && { failure }),
    ...(isInterrupt && { interrupted: true as const }),
    ...(bundle && { bundle: bundle as never }),
  });
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

const STOPPED = "The cell was stopped. What earlier cells and lines made is still there.";
const INTERRUPTED: CellFailure = {
  ename: "Interrupted",
  evalue: STOPPED,
  traceback: [`${red("Interrupted")}: ${STOPPED}`],
};

function interrupt(): void {
  const stopped = current;
  if (!stopped) return;
  if (process.listenerCount("SIGINT") > 0 && !interrupted.has(stopped.run)) {
    // Code that listens is given the chance to end well, as it would be in a terminal.
    interrupted.add(stopped.run);
    inRun(stopped.run, () => process.emit("SIGINT"));
    setTimeout(() => current === stopped && abandon(stopped), GRACE).unref();
    return;
  }
  abandon(stopped);
}

function abandon(stopped: Execute): void {
  inRun(stopped.run, stopBars);
  interrupted.add(stopped.run);
  watcher.postMessage(stopped.run);
  runner.interrupt();
  end(
    stopped.run,
    INTERRUPTED,
    Object.keys(runner.scope).filter((name) => stopped.declared.includes(name)),
  );
}

/**
 * Code that awaits cannot be stopped from outside; it stops at its loop's next turn, as it next shows something, or
 * by the watcher where it does not let this thread run.
 */
function stopIfInterrupted(): void {
  const run = currentRun();
  if (interrupted.has(run) && current?.run !== run) throw new Error("The cell was interrupted.");
}

function answer(id: number, value: string | null): void {
  const question = questions.get(id);
  questions.delete(id);
  if (value !== null) question?.resolve(value);
  else question?.reject(new Error("prompt: this front end cannot ask questions, or was told not to."));
}

/** Errors that no cell waits for: shown where they come from, and nothing ends. */
function showStray(what: string, thrown: unknown): void {
  const run = currentRun();
  if (interrupted.has(run)) return;
  const { traceback } = describeFailure(thrown);
  outbox.print(run, "stderr", `${what}\n${traceback.join("\n")}\n`);
}
process.on("uncaughtException", (error) => showStray("Uncaught, in a timer or a callback:", error));
process.on("unhandledRejection", (reason) => showStray("A promise was rejected and nobody handled it:", reason));
process.on("exit", (code) => outbox.send({ type: "exit", code }));

outbox.send({ type: "ready" });
void preload();

/** Uses the time before the first cells, and between them, for what they will probably import. */
async function preload(): Promise<void> {
  for (const name of COMMON_PACKAGES) {
    do await new Promise((resolve) => setTimeout(resolve, IDLE).unref());
    while (current);
    await runner.preload(name);
  }
}
