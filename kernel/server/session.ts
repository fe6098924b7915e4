import { type CompiledCell, compileCell } from "../cells/compile.ts";
import { isErased, type ParsedCell, parseCell } from "../cells/parse.ts";
import { rewriteCell } from "../cells/rewrite.ts";
import type { Checker } from "../checker/checker.ts";
import { formatProblems, type Problem } from "../checker/problems.ts";
import { steadily } from "../checker/steady.ts";
import { Evaluator, type EvaluatorEvents, type EvaluatorExit } from "../evaluator/host/evaluator.ts";
import type { Bundle, CellFailure, Command, Report } from "../evaluator/protocol/messages.ts";
import { afterOwnTime } from "../own-time.ts";
import { COMMON_PACKAGES } from "../resolution/common-packages.ts";
import { red } from "../terminal/ansi.ts";
import { NotebookFolder } from "./folder.ts";

/** How a cell ended. */
export interface CellResult {
  failure?: CellFailure;
  /** Value of the last expression, if it was asked for. */
  bundle?: Bundle;
}

/** How a cell is run. */
export interface RunOptions {
  /** What traces and errors call the cell: "In [3]". */
  label: string;
  /** Whether the last expression's value is shown as the cell's result. */
  showsResult: boolean;
  /** Whether it is returned instead. Default false. */
  returnsResult?: boolean;
}

type Done = Extract<Report, { type: "done" }>;

/** What a session tells the kernel. */
export interface SessionEvents extends Omit<EvaluatorEvents, "onExit"> {
  /** The evaluator died and another took its place. */
  onRestart(failure: CellFailure, wasRunning: boolean): void;
}

/** A cell that does not end this long after an interrupt, in milliseconds of its own time, is in native code that nothing can stop. */
const STUCK_AFTER = 6000;

/**
 * The cells' life: each is checked, compiled, run in the evaluator, and its names are kept for those after it.
 * When the evaluator dies, another takes its place and the names are forgotten.
 */
export class Session {
  readonly #folder: NotebookFolder;
  /** Where the evaluator was started. */
  #startedIn = "";
  readonly #checker: Checker;
  readonly #events: SessionEvents;
  #evaluator: Evaluator;
  /** Runs in the evaluator, each with what takes its end. */
  readonly #running = new Map<number, (done: Done) => void>();
  #isReady = false;
  #failedStarts = 0;
  /** End the wait for the checker, while cells have not begun to run. */
  readonly #stopChecking = new Set<() => void>();
  #isStuck = false;

  constructor(folder: string, checker: Checker, events: SessionEvents) {
    this.#folder = new NotebookFolder(folder);
    this.#checker = checker;
    this.#events = events;
    this.#evaluator = this.#start();
  }

  /**
   * Checks and runs a cell. Never rejects: whatever goes wrong is the cell's failure.
   *
   * @param run - its number, by which its outputs are known
   */
  async run(run: number, source: string, options: RunOptions): Promise<CellResult> {
    this.#tellConfigProblem(run);
    try {
      const cell = parseCell(source);
      const checked = await this.#unlessInterrupted((isWanted) =>
        Promise.all([steadily(this.#checker, () => this.#checker.check(source, cell), isWanted), this.#compile(cell)]),
      );
      if (!checked) return { failure: INTERRUPTED };
      const [problems, compiled] = checked;
      if (problems.length > 0) {
        if (cell) this.#checker.noteFailure(cell);
        return { failure: typeFailure(problems, source, options.label) };
      }
      if (!cell || !compiled) throw new Error("it cannot be parsed, although TypeScript finds no error in it.");
      if (compiled instanceof Error) throw compiled;
      const done = await this.#execute(run, cell, compiled, source, options);
      const present = new Set(done.present);
      await this.#checker.commit(cell, (name) => present.has(name));
      if (done.failure) this.#checker.noteFailure(cell);
      return { ...(done.failure && { failure: done.failure }), ...(done.bundle && { bundle: done.bundle }) };
    } catch (error) {
      return { failure: kernelFailure(error) };
    }
  }

  /** Does for nothing what every cell needs, so that the first does not wait for parser, checker and compiler to load. */
  async warmUp(): Promise<void> {
    const source = "0;";
    const cell = parseCell(source);
    await Promise.all([this.#checker.check(source, cell), this.#compile(cell)]);
    if (COMMON_PACKAGES.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 250).unref()); // the first cell comes first
    await this.#checker.preload(COMMON_PACKAGES);
  }

  /** Stops the cell that runs. */
  interrupt(): void {
    for (const stop of this.#stopChecking) stop();
    // Also where no cell runs: a timer of an earlier one may compute without end.
    this.#evaluator.send({ type: "interrupt" });
    const [evaluator, runs] = [this.#evaluator, [...this.#running.keys()]];
    afterOwnTime(
      () => evaluator.pid,
      STUCK_AFTER,
      () => {
        if (evaluator !== this.#evaluator || !runs.some((run) => this.#running.has(run))) return;
        this.#isStuck = true;
        evaluator.kill();
      },
    );
  }

  send(command: Command, buffers?: Uint8Array[]): void {
    this.#evaluator.send(command, buffers);
  }

  stop(): void {
    this.#evaluator.stop();
  }

  /** Once, where the first cell prints. */
  #tellConfigProblem(run: number): void {
    const problem = this.#checker.configProblem;
    if (problem === undefined || this.#reportedConfigProblem) return;
    this.#reportedConfigProblem = true;
    this.#events.onReport({ type: "stream", run, name: "stderr" }, [Buffer.from(`${problem}\n`)]);
  }
  #reportedConfigProblem = false;

  /** What the checker says; undefined where an interrupt comes first, and then the checker, which may be lost in a type, starts anew. */
  async #unlessInterrupted<T>(check: (isWanted: () => boolean) => Promise<T>): Promise<T | undefined> {
    let stop = () => {};
    let isWanted = true;
    const interrupted = new Promise<undefined>((resolve) => {
      stop = () => {
        isWanted = false;
        resolve(undefined);
      };
    });
    this.#stopChecking.add(stop);
    const checking = check(() => isWanted);
    const checked = await Promise.race([checking, interrupted]).finally(() => this.#stopChecking.delete(stop));
    if (checked === undefined) {
      checking.catch(() => {}); // it is stopped
      this.#checker.restart();
    }
    return checked;
  }

  /** Runs while the checker works; an error shows only where the checker finds none. */
  async #compile(cell: ParsedCell | undefined): Promise<CompiledCell | Error | undefined> {
    if (!cell) return undefined;
    try {
      const rewritten = rewriteCell(cell, (name) => this.#checker.isSessionName(name));
      return await compileCell(rewritten, this.#checker.runtimeOptions);
    } catch (error) {
      return error as Error;
    }
  }

  #execute(run: number, cell: ParsedCell, compiled: CompiledCell, source: string, options: RunOptions): Promise<Done> {
    const { code, isAsync, map, prefixLines, segments } = compiled;
    return new Promise((finish) => {
      if (this.#evaluator.ended) this.#evaluator = this.#start();
      this.#running.set(run, finish);
      this.#evaluator.send({
        type: "execute",
        run,
        code,
        isAsync,
        cell: { label: options.label, source, map, prefixLines, segments },
        declared: [...cell.declared].filter(([, kind]) => !isErased(kind)).map(([name]) => name),
        showsResult: options.showsResult,
        returnsResult: options.returnsResult ?? false,
        sourceVersion: this.#checker.sourceVersion,
      });
    });
  }

  #start(): Evaluator {
    this.#isReady = false;
    this.#startedIn = this.#folder.find();
    return new Evaluator(this.#startedIn, {
      ...this.#events,
      onReport: (report, buffers) => this.#onReport(report, buffers),
      onExit: (exit) => this.#onExit(exit),
    });
  }

  #onReport(report: Report, buffers: Uint8Array[]): void {
    if (report.type === "ready") {
      this.#isReady = true;
      this.#failedStarts = 0;
    } else {
      this.#events.onReport(report, buffers);
      if (report.type === "done") this.#finish(report);
    }
  }

  #finish(done: Done): void {
    const finish = this.#running.get(done.run);
    this.#running.delete(done.run);
    finish?.(done);
  }

  #onExit(exit: EvaluatorExit): void {
    const running = [...this.#running.keys()];
    this.#checker.forget();
    const failure = exitFailure(exit, this.#isStuck, this.#isReady);
    this.#isStuck = false;
    // One that cannot even start is not started again and again, but by the next cell.
    this.#failedStarts = this.#isReady ? 0 : this.#failedStarts + 1;
    const before = this.#startedIn;
    if (this.#failedStarts < 3) this.#evaluator = this.#start();
    if (this.#startedIn !== before) {
      failure.evalue += ` The notebook's folder ${before} no longer exists; cells now run in ${this.#startedIn}.`;
      failure.traceback = [`${red(failure.ename)}: ${failure.evalue}`];
    }
    this.#events.onRestart(failure, running.length > 0);
    for (const run of running) this.#finish({ type: "done", run, present: [], failure });
  }
}

const INTERRUPTED: CellFailure = failure("Interrupted", "The cell was stopped before it ran.");

function failure(ename: string, evalue: string): CellFailure {
  return { ename, evalue, traceback: [`${red(ename)}: ${evalue}`] };
}

function typeFailure(problems: readonly Problem[], source: string, label: string): CellFailure {
  const isSyntax = problems.some(({ code }) => code === undefined || code < 2000);
  const ename = isSyntax ? "SyntaxError" : "TypeScriptError";
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const evalue = `${first!.file?.name ?? label}, line ${first!.line}: ${first!.message.split("\n")[0]}${more}`;
  return {
    ename,
    evalue,
    traceback: [`${red(ename)} in ${label}; nothing ran`, formatProblems(problems, source)],
  };
}

function kernelFailure(error: unknown): CellFailure {
  const { message, stack } = error as Error;
  const evalue = `The kernel could not run the cell: ${message}`;
  return { ename: "KernelError", evalue, traceback: [`${red("KernelError")}: ${evalue}`, stack ?? ""] };
}

/** What to say where the process of the cells is gone. */
function exitFailure(exit: EvaluatorExit, isStuck: boolean, wasReady: boolean): CellFailure {
  const { signal, code, outOfMemory, problem, lastWords } = exit;
  const after = "Its variables are gone, and a new process has started. Run the cells that you need again.";
  if (!wasReady) {
    const why = problem ?? (lastWords.trim() || howItEnded(exit));
    return failure("ProcessStart", `The process that runs the cells could not start: ${why}`);
  }
  if (isStuck) {
    const what = "The cell was interrupted inside native code, which cannot be stopped, so its process was killed.";
    return failure("Interrupted", `${what} ${after}`);
  }
  if (outOfMemory) return failure("OutOfMemory", `The process that runs the cells ran out of memory. ${after}`);
  const what = signal === "SIGKILL" ? "was killed, perhaps by the system for lack of memory," : "crashed";
  return failure(
    "ProcessCrash",
    `The process that runs the cells ${what} with ${howItEnded({ signal, code })}. ${after}`,
  );
}

function howItEnded({ signal, code }: Pick<EvaluatorExit, "signal" | "code">): string {
  return signal ? `a signal (${signal})` : `exit code ${code}`;
}
