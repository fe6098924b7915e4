import { readFileSync } from "node:fs";
import { findSourceMap, SourceMap } from "node:module";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { sourceColumn } from "../cells/edits.ts";
import { RUNTIME } from "../cells/rewrite.ts";
import type { CellFailure, CellSource } from "./messages.ts";

/** How V8 is told that a script is a cell: its `sourceURL` is this and the number of the run. */
const CELL_URL = "difflab-cell-";

/** Folder of the kernel's code, whose frames no student should see. */
const OWN_CODE = new URL("..", import.meta.url).href;

interface Place {
  /** What traces call the file. */
  name: string;
  line: number;
  column: number;
  /** Source text around it, where it is the student's. */
  source?: string;
}

/** Lines that {@link ./runner.ts} puts before a cell's code. */
const HEAD_LINES = 1;

interface RegisteredCell extends CellSource {
  /** Lines of its code. */
  lines: number;
  parsed?: SourceMap;
}

const cells = new Map<number, RegisteredCell>();

/** Remembers a cell's positions, and gives the comment that names its code. */
export function registerCell(run: number, code: string, cell: CellSource): string {
  cells.set(run, { ...cell, lines: code.split("\n").length });
  return `//# sourceURL=${CELL_URL}${run}`;
}

/** From now on every `stack` shows cells by their prompt and the student's own lines, and none of the kernel's frames. */
export function installTraces(): void {
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (error, sites) => {
    const head = headline(error);
    const frames = sites.map(toFrame).filter((frame) => frame !== undefined);
    // What called the student's code from outside, at the bottom, tells nothing.
    const last = frames.findLastIndex((frame) => !frame.includes("node:"));
    if (last >= 0) frames.length = last + 1;
    return [head, ...frames].join("\n");
  };
}

function headline(error: Error): string {
  try {
    return String(error);
  } catch {
    return "Error (its text cannot be read)";
  }
}

function toFrame(site: NodeJS.CallSite): string | undefined {
  const file = site.getScriptNameOrSourceURL() ?? site.getFileName() ?? "";
  if (file.startsWith(OWN_CODE) || /[\\/]tslab[\\/]dist[\\/]/.test(file)) return undefined;
  if (/^node:(vm|internal)/.test(file)) return undefined;
  const line = site.getLineNumber() ?? 0;
  // Below a cell's code stands the call of the function that tslab wraps it in.
  if (line > HEAD_LINES + (registered(file)?.lines ?? Number.POSITIVE_INFINITY)) return undefined;
  const place = placeOf(file, line, site.getColumnNumber() ?? 0);
  if (!place) return `    at ${site}`;
  const where = `${place.name}:${place.line}:${place.column}`;
  const name = functionName(site);
  return `    at ${name ? `${name} (${where})` : where}`;
}

function functionName(site: NodeJS.CallSite): string {
  const isAsync = (site as NodeJS.CallSite & { isAsync?(): boolean }).isAsync?.() ? "async " : "";
  const name = (site.getFunctionName() ?? "").replaceAll(`${RUNTIME.scope}.`, "");
  const type = site.isToplevel() || site.isConstructor() ? "" : (site.getTypeName() ?? "");
  const full = site.isConstructor() ? `new ${name}` : name;
  // What shares the scope object between cells is no object of the student's.
  const owner = type === "" || type === "Object" || name.startsWith(`${type}.`) ? "" : `${type}.`;
  return full === "" ? "" : `${isAsync}${owner}${full}`;
}

/** Where a position of running code is in what the student or a TypeScript file says; undefined for other code. */
function placeOf(file: string, line: number, column: number): Place | undefined {
  const cell = registered(file);
  if (cell) return placeInCell(cell, line, column);
  if (!/\.[cm]?tsx?(\?|$)/.test(file)) return undefined;
  const entry = findSourceMap(file)?.findEntry(line - 1, column - 1);
  if (!entry || !("originalLine" in entry)) return undefined;
  const path = fileURLToPath(file.replace(/\?.*$/, ""));
  const short = relative(process.cwd(), path);
  return {
    name: short.startsWith("..") ? path : `.${sep}${short}`,
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
    source: readSource(path),
  };
}

function readSource(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function registered(file: string): RegisteredCell | undefined {
  return file.startsWith(CELL_URL) ? cells.get(Number(file.slice(CELL_URL.length))) : undefined;
}

function placeInCell(cell: RegisteredCell, line: number, column: number): Place {
  cell.parsed ??= new SourceMap(JSON.parse(cell.map));
  const entry = cell.parsed.findEntry(line - 1 - HEAD_LINES, column - 1);
  const place = { name: cell.label, line: 1, column: 1, source: cell.source };
  if (!("originalLine" in entry)) return place;
  const edited = entry.originalLine - cell.prefixLines;
  if (edited < 0) return place; // an import, which runs before the first line
  return { ...place, line: edited + 1, column: sourceColumn(cell.segments, edited, entry.originalColumn) + 1 };
}

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;
// 244 of the 256 colours: "bright black" cannot be seen on JupyterLab's dark ground.
const grey = (text: string) => `\u001b[38;5;244m${text}\u001b[39m`;

/** Describes whatever a cell threw, as Jupyter's error message does: name, text, and a trace that points at the line. */
export function describeFailure(thrown: unknown): CellFailure {
  try {
    return isError(thrown) ? describeError(thrown) : describeOther(thrown);
  } catch {
    const evalue = "The cell threw a value that cannot be shown: reading it fails.";
    return { ename: "Error", evalue, traceback: [`${red("Error")}: ${evalue}`] };
  }
}

function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function describeOther(thrown: unknown): CellFailure {
  const evalue = `${inspect(thrown, { depth: 2, maxArrayLength: 20, maxStringLength: 1000 })}`;
  const hint = "Throw an Error instead: it knows the line that it comes from.";
  return { ename: "Thrown", evalue, traceback: [`${red("Thrown")}: ${evalue}`, grey(hint)] };
}

function describeError(error: Error): CellFailure {
  const ename = text(error.name) || "Error";
  const evalue = text(error.message);
  const stack = text(error.stack).split("\n");
  const frames = stack.filter((line) => /^ {4}at /.test(line));
  const traceback = [`${red(ename)}: ${evalue}`];
  const excerpt = excerptOf(frames);
  if (excerpt) traceback.push(excerpt);
  if (frames.length > 0) traceback.push(...foldFrames(frames));
  traceback.push(...ownProperties(error));
  if (error instanceof AggregateError) {
    for (const inner of error.errors.slice(0, 5)) traceback.push(...indent(describeFailure(inner).traceback));
  }
  if (error.cause !== undefined && error.cause !== error) {
    traceback.push(grey("caused by:"), ...indent(describeFailure(error.cause).traceback));
  }
  return { ename, evalue, traceback };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : String(value);
}

function indent(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^/gm, "  "));
}

/** What an error carries beside name, message and stack, as those of the file system do. */
function ownProperties(error: Error): string[] {
  const known = new Set(["name", "message", "stack", "cause", "errors"]);
  const extra = Object.entries(error).filter(([key]) => !known.has(key));
  if (extra.length === 0) return [];
  return [grey(inspect(Object.fromEntries(extra), { depth: 1, maxArrayLength: 10, maxStringLength: 500 }))];
}

/** The lines around the nearest frame that is the student's, with a mark below the place. */
function excerptOf(frames: readonly string[]): string | undefined {
  for (const frame of frames) {
    const [, name, line, column] = /(?:\(|at (?:async )?)([^()]*):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    const cell = [...cells.values()].findLast(({ label }) => label === name);
    if (!cell) continue;
    const lines = cell.source.split("\n");
    const at = Number(line);
    const width = String(Math.min(at + 1, lines.length)).length;
    const shown = [grey(`${name}, line ${at}`)];
    for (let i = Math.max(1, at - 1); i <= Math.min(at + 1, lines.length); i++) {
      const gutter = grey(`${String(i).padStart(width)} |`);
      shown.push(`${i === at ? red(">") : " "} ${gutter} ${lines[i - 1]}`);
      if (i === at) {
        const before = lines[i - 1]!.slice(0, Number(column) - 1).replace(/[^\t]/g, " ");
        shown.push(`  ${grey(`${" ".repeat(width)} |`)} ${before}${red("^")}`);
      }
    }
    return shown.join("\n");
  }
  return undefined;
}

/** Frames one by one where they are the student's; those of a package, or of Node, as one line. */
function foldFrames(frames: readonly string[]): string[] {
  const groups: { owner: string | undefined; frames: string[] }[] = [];
  for (const frame of frames) {
    const owner = /node:internal|\(node:| node:/.test(frame) ? "Node.js" : packageOf(frame);
    const last = groups.at(-1);
    if (last && owner !== undefined && last.owner === owner) last.frames.push(frame);
    else groups.push({ owner, frames: [frame] });
  }
  return groups.map(({ owner, frames: [first, ...rest] }) => {
    if (owner === undefined) return first!;
    const more = rest.length > 0 ? ` and ${rest.length} more` : "";
    return grey(`    at ${/at (?:async )?([^ (]+) \(/.exec(first!)?.[1] ?? "a function"}${more} (inside ${owner})`);
  });
}

function packageOf(frame: string): string | undefined {
  const path = frame.replaceAll("\\", "/");
  const installed = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  return installed ?? (path.includes("/dist/lib/") ? "difflab" : undefined);
}
