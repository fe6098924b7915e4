import { findSourceMap, SourceMap } from "node:module";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { sourceColumn } from "../../cells/edits.ts";
import { RUNTIME } from "../../cells/runtime.ts";
import type { CellSource } from "../protocol/messages.ts";

/** How V8 is told that a script is a cell: its `sourceURL` is this and the number of the run. */
const CELL_URL = "difflab-cell-";

/** Folder of the kernel's code, whose frames no student should see. */
const OWN_CODE = new URL("../..", import.meta.url).href;

interface Place {
  /** What traces call the file. */
  name: string;
  line: number;
  column: number;
}

/** Lines that {@link ./runner.ts} puts before a cell's code. */
const HEAD_LINES = 1;

interface RegisteredCell extends CellSource {
  /** Lines of its code. */
  lines: number;
  parsed?: SourceMap;
}

const cells = new Map<number, RegisteredCell>();

/** Characters that are kept of cells' sources and maps; beyond them traces show the oldest cells without their lines. */
const LIMIT = 50_000_000;
let size = 0;

/** Remembers a cell's positions, and gives the comment that names its code. */
export function registerCell(run: number, code: string, cell: CellSource): string {
  cells.set(run, { ...cell, lines: code.split("\n").length });
  size += sizeOf(cell);
  for (const [oldest, { source, map }] of cells) {
    if (size <= LIMIT || oldest === run) break;
    cells.delete(oldest);
    size -= sizeOf({ source, map });
  }
  return `//# sourceURL=${CELL_URL}${run}`;
}

function sizeOf({ source, map }: Pick<CellSource, "source" | "map">): number {
  return source.length + map.length;
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
    return "Error (reading its message failed)";
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
  };
}

function registered(file: string): RegisteredCell | undefined {
  return file.startsWith(CELL_URL) ? cells.get(Number(file.slice(CELL_URL.length))) : undefined;
}

function placeInCell(cell: RegisteredCell, line: number, column: number): Place {
  cell.parsed ??= new SourceMap(JSON.parse(cell.map));
  const entry = cell.parsed.findEntry(line - 1 - HEAD_LINES, column - 1);
  const place = { name: cell.label, line: 1, column: 1 };
  if (!("originalLine" in entry)) return place;
  const edited = entry.originalLine - cell.prefixLines;
  if (edited < 0) return place; // an import, which runs before the first line
  return { ...place, line: edited + 1, column: sourceColumn(cell.segments, edited, entry.originalColumn) + 1 };
}

/** The source of the cell that traces call so; the latest, if one was run again. */
export function sourceOf(label: string): string | undefined {
  return [...cells.values()].findLast((cell) => cell.label === label)?.source;
}
