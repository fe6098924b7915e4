import { mkdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { KernelClient, within } from "./client.ts";
import { withoutSolutions } from "./exercises.ts";
import { KernelDiedError, type KernelSpec } from "./launch.ts";
import {
  type CodeCell,
  joinText,
  type Notebook,
  NotebookError,
  readNotebook,
  tags,
  writeFileAtomically,
  writeNotebook,
} from "./notebook.ts";
import { OutputCollector } from "./outputs.ts";
import { WidgetStates } from "./widget-states.ts";

/** Milliseconds that a cell has to stop after its timeout interrupted it. */
const AFTER_INTERRUPT = 5_000;

/** A cell that failed. */
export interface CellFailure {
  /** Number of the cell among all cells of the notebook, from 1. */
  cell: number;
  source: string;
  ename: string;
  evalue: string;
  traceback: string[];
}

/** The result of running one notebook. */
export interface NotebookResult {
  path: string;
  ok: boolean;
  /** How many code cells were run, and how many there are to run. */
  cellsRun: number;
  cells: number;
  seconds: number;
  failures: CellFailure[];
  /** Why the notebook could not be run (to the end): not a notebook, no kernel, a kernel that died. */
  error?: Error;
  /** Files that were written. */
  written: string[];
}

/** Reported before each code cell and at the end of a notebook. */
export interface Progress {
  path: string;
  /** Code cells that are done. */
  done: number;
  cells: number;
  seconds: number;
  result?: NotebookResult;
}

/** Options of {@link runNotebooks}. */
export interface RunOptions {
  /** Write the outputs into the notebook itself; a notebook that failed is left unchanged unless errors are collected. */
  inPlace?: boolean;
  /** Write the executed notebook here instead; the folder is created. */
  outDir?: string;
  /** Also write each notebook as a web page. */
  html?: boolean;
  /** Write notebooks and pages without their solutions: see `withoutSolutions`. */
  student?: boolean;
  /** Continue with the remaining cells of a notebook after one has failed; default: stop at the first failure. */
  collectErrors?: boolean;
  /** Time limit for each cell in milliseconds, after which it is interrupted and counts as failed; default: none. */
  cellTimeout?: number;
  /** The kernel to run them with; default: this package's own. */
  kernel?: KernelSpec | string;
  onProgress?: (progress: Progress) => void;
}

/**
 * Runs notebooks from top to bottom, each in a fresh kernel that runs in the notebook's folder.
 *
 * Honours the tags "raises-exception" (an error is expected) and "skip-execution". A failing notebook never makes this
 * throw: its result says what went wrong, and the next one is run.
 */
export async function runNotebooks(paths: readonly string[], options: RunOptions = {}): Promise<NotebookResult[]> {
  if (options.inPlace && options.outDir !== undefined) {
    throw new Error("runNotebooks: got both inPlace and outDir; expected one of them.");
  }
  const clash = firstClash(paths, options);
  if (clash)
    throw new Error(`runNotebooks: ${clash[0]} and ${clash[1]} would both be written to the same file in outDir.`);
  const results: NotebookResult[] = [];
  for (const path of paths) results.push(await runNotebook(path, options));
  return results;
}

async function runNotebook(path: string, options: RunOptions): Promise<NotebookResult> {
  const started = performance.now();
  const result: NotebookResult = { path, ok: false, cellsRun: 0, cells: 0, seconds: 0, failures: [], written: [] };
  const progress = (done?: NotebookResult) => {
    result.seconds = (performance.now() - started) / 1000;
    const { cellsRun, cells, seconds } = result;
    options.onProgress?.({ path, done: cellsRun, cells, seconds, ...(done && { result: done }) });
  };
  let kernel: KernelClient | undefined;
  try {
    const notebook = readNotebook(path);
    if (options.kernel === undefined) checkLanguage(notebook, path);
    const cells = notebook.cells.flatMap((cell, i) => (isRunnable(cell) ? [{ cell, number: i + 1 }] : []));
    result.cells = cells.length;
    progress();

    kernel = await KernelClient.start({ spec: options.kernel, cwd: dirname(resolve(path)) });
    const info = await kernel.kernelInfo();
    if (info.content.language_info) notebook.metadata.language_info = info.content.language_info;
    const collector = new OutputCollector();
    const widgets = new WidgetStates();
    kernel.onMessage((message) => widgets.take(message));
    for (const { cell } of cells) collector.begin(cell);
    for (const { cell, number } of cells) {
      const failure = await runCell(kernel, cell, collector, options.cellTimeout);
      result.cellsRun++;
      progress();
      if (!failure || tags(cell).includes("raises-exception")) continue;
      result.failures.push({ cell: number, source: joinText(cell.source), ...failure });
      if (!options.collectErrors) break;
    }
    // What is still printed on the way out belongs to the notebook too.
    await kernel.shutdown();
    widgets.writeInto(notebook);
    result.ok = result.failures.length === 0;
    await write(path, notebook, result, options);
  } catch (error) {
    result.ok = false;
    result.error = error as Error;
    await kernel?.kill();
  }
  progress(result);
  return result;
}

type Failure = Omit<CellFailure, "cell" | "source">;

async function runCell(
  kernel: KernelClient,
  cell: CodeCell,
  collector: OutputCollector,
  timeout: number | undefined,
): Promise<Failure | undefined> {
  const execution = kernel.execute(joinText(cell.source), { onOutput: (message) => collector.take(cell, message) });
  let reply = timeout === undefined ? await execution.done : await within(execution.done, timeout);
  const late = reply === undefined;
  if (late) {
    await within(kernel.interrupt(), AFTER_INTERRUPT);
    reply = await within(execution.done, AFTER_INTERRUPT);
  }
  if (late) {
    const failure: Failure = {
      ename: "CellTimeoutError",
      evalue: `the cell took longer than ${timeout! / 1000} s and was interrupted; use a longer --timeout to let it finish`,
      traceback: [],
    };
    failure.traceback = [`${failure.ename}: ${failure.evalue}`];
    cell.outputs.push({ output_type: "error", ...failure });
    if (reply === undefined) {
      throw new KernelDiedError(`kernel: a cell took longer than ${timeout! / 1000} s and could not be interrupted.`);
    }
    return failure;
  }
  if (reply!.content.status === "ok") return undefined;
  const { ename = "Error", evalue = reply!.content.status, traceback = [] } = reply!.content;
  return { ename, evalue, traceback };
}

async function write(path: string, executed: Notebook, result: NotebookResult, options: RunOptions): Promise<void> {
  let target: string | undefined;
  if (options.outDir !== undefined) {
    mkdirSync(options.outDir, { recursive: true });
    target = join(options.outDir, basename(path));
  } else if (options.inPlace && (result.ok || options.collectErrors)) {
    target = path;
  }
  if (target === undefined) return;
  const notebook = options.student ? withoutSolutions(executed) : executed;
  writeNotebook(target, notebook);
  result.written.push(target);
  if (options.html) result.written.push(await writePage(target, notebook, path));
}

/**
 * Writes a notebook as an HTML page, without running it.
 *
 * @param target - where to write it; the extension `.ipynb` becomes `.html`
 * @param source - the notebook's own path: pictures that it refers to are looked up relative to it
 * @returns the path of the page
 */
export async function writePage(target: string, notebook: Notebook, source: string): Promise<string> {
  const { notebookToHtml } = await import("./html.ts"); // its libraries load only when a page is asked for
  const page = `${target.replace(/\.(ipynb|html)$/, "")}.html`;
  writeFileAtomically(page, notebookToHtml(notebook, { title: basename(source, ".ipynb"), folder: dirname(source) }));
  return page;
}

function isRunnable(cell: Notebook["cells"][number]): cell is CodeCell {
  return cell.cell_type === "code" && joinText(cell.source).trim() !== "" && !tags(cell).includes("skip-execution");
}

/** A notebook in another language would fail in every cell, with errors that do not say why. */
function checkLanguage({ metadata }: Notebook, path: string): void {
  const language: unknown = metadata.kernelspec?.language ?? metadata.language_info?.name;
  if (typeof language !== "string" || /^(typescript|javascript)$/i.test(language)) return;
  throw new NotebookError(`${path}: the notebook is in ${language}; expected TypeScript. Run it with its own kernel.`);
}

function firstClash(paths: readonly string[], options: RunOptions): [string, string] | undefined {
  if (options.outDir === undefined) return undefined;
  const seen = new Map<string, string>();
  for (const path of paths) {
    const other = seen.get(basename(path));
    if (other !== undefined) return [other, path];
    seen.set(basename(path), path);
  }
  return undefined;
}
