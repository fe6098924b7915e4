import { type Display, toMimeBundle } from "../../display/index.ts";
import { red } from "../../terminal/ansi.ts";
import type { CellFailure, Command } from "../protocol/messages.ts";
import { currentRun, inRun, runOfError, runOfPromise } from "./context.ts";
import { describeFailure } from "./failures.ts";
import type { Outbox } from "./outbox.ts";
import { findPending, type Pending } from "./pending.ts";
import type { Questions } from "./questions.ts";
import type { CellRunner, Outcome } from "./runner.ts";

type Execute = Extract<Command, { type: "execute" }>;

/** What running cells need of their surroundings. */
export interface CellEvents {
  runner: CellRunner;
  outbox: Outbox;
  displays: Display;
  questions: Questions;
  /** Another cell begins. */
  onStart(): void;
  /** A cell's own code has ended. */
  onCodeEnd(run: number): void;
  /** A cell was stopped: its code may go on. */
  onStop(run: number): void;
  /** Called before the report that a run has ended: writes what marks its end. */
  markEnd(run: number): void;
  /** Stops the code that calls it, and does not return. */
  halt(): never;
}

interface Running {
  command: Execute;
  /** Values that the names it declares had before. */
  before: Map<string, unknown>;
  /** Timers, files and sockets that were at work before it. */
  pendingBefore: Pending;
  state: "running" | "finishing";
  strays: Stray[];
}

/** An error that no code waits for. */
interface Stray {
  what: string;
  thrown: unknown;
  isPrinted?: boolean;
}

/** How long a cell that listens for SIGINT may take to end by itself: a training loop, to keep what it has learnt. */
const GRACE = 2000;

/** How long a cell whose code has ended waits for what it has started and does not await: long enough to fail at once. */
const TAIL = 250;

/** How long an error that no code waits for may wait to be told as that of its cell. */
const TELL_WITHIN = 500;

const STOPPED = "The cell was stopped. Everything that earlier cells and lines created is still there.";
const INTERRUPTED: CellFailure = {
  ename: "Interrupted",
  evalue: STOPPED,
  traceback: [`${red("Interrupted")}: ${STOPPED}`],
};

/** The cells that run: one, or with subshells several that take turns as they await. */
export class RunningCells {
  readonly #events: CellEvents;
  readonly #running = new Map<number, Running>();
  /** Runs that were stopped: their code may go on, and is stopped where it calls the kernel. */
  readonly #stopped = new Set<number>();
  /** Runs whose code was told of an interrupt, and may end by itself. */
  readonly #warned = new Set<number>();

  constructor(events: CellEvents) {
    this.#events = events;
  }

  get areIdle(): boolean {
    return this.#running.size === 0;
  }

  stateOf(run: number): "running" | "finishing" | "ended" {
    return this.#running.get(run)?.state ?? "ended";
  }

  /** @throws where the cell's process itself is broken */
  async execute(command: Execute): Promise<void> {
    const { runner, onStart } = this.#events;
    const before = new Map(command.declared.map((name) => [name, runner.scope[name]]));
    this.#running.set(command.run, { command, before, pendingBefore: findPending(), state: "running", strays: [] });
    onStart();
    const outcome = await runner.run(command);
    const cell = this.#running.get(command.run);
    if (cell) await this.#finish(cell, outcome);
  }

  async #finish(cell: Running, outcome: Outcome): Promise<void> {
    const { run, showsResult, returnsResult } = cell.command;
    const isRunning = () => this.#running.get(run) === cell;
    let bundle: Awaited<ReturnType<typeof toMimeBundle>>;
    if (outcome.ok && outcome.hasValue && (showsResult || returnsResult)) bundle = await toMimeBundle(outcome.value);
    await this.#events.displays.settled();
    if (!isRunning()) return;
    if (bundle && showsResult) this.#events.outbox.send({ type: "result", run, bundle });
    await this.#settle(cell, isRunning);
    if (!isRunning()) return;
    const { failure, rest } = failureOf(outcome, cell.strays);
    for (const stray of rest) this.#print(run, stray);
    // A cell that failed halfway leaves the names that it got to.
    const { declared } = cell.command;
    const isPresent = (name: string) =>
      outcome.ok || !Object.is(this.#events.runner.scope[name], cell.before.get(name));
    this.#end(run, failure, declared.filter(isPresent), returnsResult ? bundle : undefined);
  }

  /** Waits for answers, and a moment for what the cell does not await: if that fails, the cell has failed. */
  async #settle(cell: Running, isRunning: () => boolean): Promise<void> {
    const { run } = cell.command;
    const { onCodeEnd, questions } = this.#events;
    cell.state = "finishing";
    const deadline = performance.now() + TAIL;
    // Rejections are reported as a turn ends; a program that has read a line may ask for another in the second.
    for (let turn = 0; isRunning(); turn++) {
      if (questions.isOpen(run)) {
        await questions.closed(run);
        turn = -1;
      } else if (turn < 2) {
        await nextTurn();
        onCodeEnd(run);
      } else {
        if (cell.strays.length > 0 || performance.now() > deadline) return;
        if (!findPending().exceeds(cell.pendingBefore)) return;
        await briefly();
      }
    }
  }

  #end(run: number, failure: CellFailure | undefined, present: string[], bundle?: object): void {
    this.#running.delete(run);
    this.#events.questions.forget(run);
    this.#events.markEnd(run);
    this.#events.outbox.send({
      type: "done",
      run,
      present,
      ...(failure && { failure }),
      ...(bundle && { bundle: bundle as never }),
    });
  }

  /** The stop button. */
  interrupt(): void {
    const cells = [...this.#running.values()];
    const warned = cells.filter(({ command }) => !this.#warned.has(command.run));
    if (warned.length === 0 || process.listenerCount("SIGINT") === 0) {
      for (const { command } of cells) this.stop(command.run);
      return;
    }
    // Code that listens is given the chance to end well, as it would be in a terminal.
    for (const { command } of warned) this.#warned.add(command.run);
    timeout(() => {
      for (const cell of warned) if (this.#running.get(cell.command.run) === cell) this.stop(cell.command.run);
    }, GRACE).unref();
    const { run } = warned.at(-1)!.command;
    try {
      inRun(run, () => process.emit("SIGINT"));
    } catch (thrown) {
      this.addStray(run, { what: "In a SIGINT listener:", thrown });
      for (const { command } of warned) this.stop(command.run);
    }
  }

  /** Ends a cell whatever its code does; @param failure - default: that it was interrupted */
  stop(run: number, failure: CellFailure = INTERRUPTED): void {
    const cell = this.#running.get(run);
    if (!cell) return;
    // Its open bars still show that they stopped; from then on it shows nothing.
    this.#events.onStop(run);
    this.#stopped.add(run);
    const { scope } = this.#events.runner;
    for (const stray of cell.strays) this.#print(run, stray);
    this.#end(
      run,
      failure,
      cell.command.declared.filter((name) => Object.hasOwn(scope, name)),
    );
  }

  /** `process.exit` in a cell ends the cell: other cells need the process. */
  exit(code: number): never {
    const run = currentRun();
    if (this.#warned.has(run)) this.stop(run);
    else if (this.#running.has(run)) this.stop(run, exitFailure(code));
    else if (!this.#stopped.has(run)) {
      const text = `process.exit(${code}) was called after its cell had ended. The code that called it was stopped; everything else goes on.\n`;
      this.#events.outbox.print(run, "stderr", text);
    }
    return this.#events.halt();
  }

  /** Stops the code that calls it where its cell was stopped: code that awaits cannot be stopped from outside. */
  checkStopped(): void {
    if (this.#stopped.has(currentRun())) throw new Error("The cell was interrupted.");
  }

  /** An error that nothing caught, in a timer or a callback. */
  onUncaught(error: unknown): void {
    this.addStray(runOfError(error), { what: "Uncaught error in a timer or callback:", thrown: error });
  }

  onRejection(reason: unknown, promise: unknown): void {
    this.addStray(runOfPromise(promise), { what: "A promise was rejected, and nothing handled it:", thrown: reason });
  }

  /** Takes an error that no code waits for. Nothing ends of it, but a cell that has not ended has failed. */
  addStray(run: number, stray: Stray): void {
    if (this.#stopped.has(run)) return;
    const cell = this.#running.get(run);
    if (!cell) return this.#print(run, stray);
    cell.strays.push(stray);
    // Who awaits for long is told meanwhile.
    timeout(() => this.#running.get(run) === cell && this.#print(run, stray), TELL_WITHIN).unref();
  }

  #print(run: number, stray: Stray): void {
    if (stray.isPrinted) return;
    stray.isPrinted = true;
    const { what, thrown } = stray;
    const { traceback } = describeFailure(thrown);
    this.#events.outbox.print(run, "stderr", `${what}\n${traceback.join("\n")}\n`);
  }
}

/** The error that made a cell fail, and others to report with it. */
function failureOf(outcome: Outcome, strays: readonly Stray[]): { failure?: CellFailure; rest: readonly Stray[] } {
  if (!outcome.ok) return { failure: describeFailure(outcome.thrown), rest: strays };
  const [first, ...rest] = strays;
  if (!first) return { rest };
  const failure = describeFailure(first.thrown);
  return { failure: { ...failure, traceback: [first.what, ...failure.traceback] }, rest };
}

function exitFailure(code: number): CellFailure {
  const evalue = `process.exit(${code}) ended the cell here. Variables are kept, and you can run the next cell.`;
  return { ename: "ProcessExit", evalue, traceback: [`${red("ProcessExit")}: ${evalue}`] };
}

const { setImmediate: immediate, setTimeout: timeout } = globalThis;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => immediate(resolve));
}

function briefly(): Promise<void> {
  return new Promise((resolve) => timeout(resolve, 5).unref());
}
