import { red } from "../cells/ansi.ts";
import { COMMON_PACKAGES } from "../cells/common-packages.ts";
import { type CompiledCell, compileCell } from "../cells/compile.ts";
import { isErased, type ParsedCell, parseCell } from "../cells/parse.ts";
import { rewriteCell } from "../cells/rewrite.ts";
import type { Checker } from "../checker/checker.ts";
import { formatProblems, type Problem } from "../checker/problems.ts";
import type { Bundle, CellFailure, Command, Report } from "../evaluator/messages.ts";
import { Evaluator, type EvaluatorEvents, type EvaluatorExit } from "./evaluator.ts";

/** How a cell ended. */
export interface CellResult {
  failure?: CellFailure;
  /** Value of the last expression, where it was asked for. */
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

interface Running {
  run: number;
  finish: (done: Done) => void;
}

/**
 * The cells' life: each is checked, compiled, run in the evaluator, and its names are kept for those after it.
 * When the evaluator dies, another takes its place and the names are forgotten.
 */
export class Session {
  readonly #folder: string;
  readonly #checker: Checker;
  readonly #events: SessionEvents;
  #evaluator: Evaluator;
  #running: Running | undefined;
  #isReady = false;
  #failedStarts = 0;
  /** Ends the wait for the checker, while a cell has not begun to run. */
  #stopChecking: (() => void) | undefined;
  #runs = 0;
  #latestRun = 0;

  constructor(folder: string, checker: Checker, events: SessionEvents) {
    this.#folder = folder;
    this.#checker = checker;
    this.#events = events;
    this.#evaluator = this.#start();
  }

  /** Number of the latest cell. */
  get latestRun(): number {
    return this.#latestRun;
  }

  /** A number for a run, or for anything else whose outputs must find their way back. */
  nextRun(): number {
    return ++this.#runs;
  }

  /**
   * Checks and runs a cell. Never rejects: whatever goes wrong is the cell's failure.
   *
   * @param run - number from {@link nextRun}
   */
  async run(run: number, source: string, options: RunOptions): Promise<CellResult> {
    this.#latestRun = run;
    this.#tellConfigProblem(run);
    try {
      const cell = parseCell(source);
      const checked = await this.#unlessInterrupted(
        Promise.all([this.#checker.check(source, cell), this.#compile(cell)]),
      );
      if (!checked) return { failure: INTERRUPTED };
      const [problems, compiled] = checked;
      if (problems.length > 0) return { failure: typeFailure(problems, source, options.label) };
      if (!cell || !compiled) throw new Error("it cannot be parsed, though TypeScript finds no error in it.");
      if (compiled instanceof Error) throw compiled;
      const done = await this.#execute(run, cell, compiled, source, options);
      const present = new Set(done.present);
      await this.#checker.commit(cell, (name) => present.has(name));
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
    await new Promise((resolve) => setTimeout(resolve, 250).unref()); // the first cell comes first
    await this.#checker.preload(COMMON_PACKAGES);
  }

  /** Stops the cell that runs. */
  interrupt(): void {
    this.#stopChecking?.();
    // Also where no cell runs: a timer of an earlier one may compute without end.
    this.#evaluator.send({ type: "interrupt" });
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
    if (problem === undefined || this.#toldConfigProblem) return;
    this.#toldConfigProblem = true;
    this.#events.onReport({ type: "stream", run, name: "stderr" }, [Buffer.from(`${problem}\n`)]);
  }
  #toldConfigProblem = false;

  /** What the checker says; undefined where an interrupt comes first, and then the checker, which may be lost in a type, starts anew. */
  async #unlessInterrupted<T>(checking: Promise<T>): Promise<T | undefined> {
    const interrupted = new Promise<undefined>((resolve) => {
      this.#stopChecking = () => resolve(undefined);
    });
    const checked = await Promise.race([checking, interrupted]);
    this.#stopChecking = undefined;
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
      this.#running = { run, finish };
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
    return new Evaluator(this.#folder, {
      ...this.#events,
      onReport: (report, buffers) => this.#onReport(report, buffers),
      onExit: (exit) => this.#onExit(exit),
    });
  }

  #onReport(report: Report, buffers: Uint8Array[]): void {
    if (report.type === "ready") {
      this.#isReady = true;
      this.#failedStarts = 0;
    } else if (report.type !== "done") {
      this.#events.onReport(report, buffers);
    } else if (this.#running?.run === report.run) {
      const { finish } = this.#running;
      this.#running = undefined;
      finish(report);
    }
  }

  #onExit(exit: EvaluatorExit): void {
    const running = this.#running;
    this.#running = undefined;
    this.#checker.forget();
    const failure = exitFailure(exit);
    // One that cannot even start is not started again and again.
    if (!this.#isReady) this.#failedStarts++;
    if (this.#failedStarts < 3) this.#evaluator = this.#start();
    this.#events.onRestart(failure, running !== undefined);
    running?.finish({ type: "done", run: running.run, present: [], failure });
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
function exitFailure({ exitCode, signal, crashCode, outOfMemory }: EvaluatorExit): CellFailure {
  const after = "Its variables are gone; the notebook goes on with a new process. Run the cells that you need again.";
  if (exitCode !== undefined) {
    return failure("ProcessExit", `process.exit(${exitCode}) ended the process that runs the cells. ${after}`);
  }
  if (outOfMemory) return failure("OutOfMemory", `The process that runs the cells ran out of memory. ${after}`);
  const how = signal ? `a signal (${signal})` : `exit code ${crashCode}`;
  const what = signal === "SIGKILL" ? "was killed, perhaps by the system for want of memory," : "crashed";
  return failure("ProcessCrash", `The process that runs the cells ${what} with ${how}. ${after}`);
}
