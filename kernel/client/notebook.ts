import { chmodSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { toWellFormedJson } from "../wire/codec.ts";
import type { Json } from "../wire/message.ts";

/** Text of a notebook: one string, or its lines, as the file has it. */
export type MultilineText = string | string[];

/** One output of a code cell, in the words of the notebook format. */
export type Output =
  | { output_type: "stream"; name: "stdout" | "stderr"; text: MultilineText }
  | { output_type: "display_data"; data: MimeBundle; metadata: Json }
  | { output_type: "execute_result"; data: MimeBundle; metadata: Json; execution_count: number | null }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

/** The same value in several forms, by MIME type. */
export type MimeBundle = Record<string, unknown>;

export interface CodeCell {
  cell_type: "code";
  id?: string;
  source: MultilineText;
  metadata: Json;
  execution_count: number | null;
  outputs: Output[];
}

export interface TextCell {
  cell_type: "markdown" | "raw";
  id?: string;
  source: MultilineText;
  metadata: Json;
  attachments?: Record<string, MimeBundle>;
}

export type Cell = CodeCell | TextCell;

/** A notebook of format 4. Fields not listed here are kept. */
export interface Notebook {
  nbformat: 4;
  nbformat_minor: number;
  metadata: Json;
  cells: Cell[];
}

/** Characters that end a line for Python. */
const LINE_END = "\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029";
const LINE = new RegExp(`[^${LINE_END}]*(?:\\r\\n|[${LINE_END}])|[^${LINE_END}]+`, "g");

/** A file that is not a notebook, or a notebook of an unsupported format. */
export class NotebookError extends Error {
  override name = "NotebookError";
}

/**
 * Reads a notebook.
 *
 * @throws NotebookError if the file is missing, is not JSON, or is not a notebook of format 4
 * @see https://nbformat.readthedocs.io/en/latest/format_description.html
 */
export function readNotebook(path: string): Notebook {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new NotebookError(`${path}: ${code === "ENOENT" ? "no such file" : `cannot be read (${code})`}.`, { cause });
  }
  return parseNotebook(text, path);
}

/** Validates the text of a notebook. @param where - how errors name it */
export function parseNotebook(text: string, where = "notebook"): Notebook {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new NotebookError(`${where}: not a notebook: invalid JSON (${(cause as Error).message}).`, { cause });
  }
  const fail = (what: string): never => {
    throw new NotebookError(`${where}: not a notebook: ${what}.`);
  };
  if (!isObject(json)) return fail(`holds ${kind(json)}, expected an object with "cells" and "nbformat"`);
  if (json.nbformat !== 4) {
    if (typeof json.nbformat === "number") {
      throw new NotebookError(
        `${where}: notebook format ${json.nbformat}, expected 4. Convert it: jupyter nbconvert --to notebook FILE`,
      );
    }
    fail(`nbformat is ${kind(json.nbformat)}, expected 4`);
  }
  if (typeof json.nbformat_minor !== "number")
    fail(`nbformat_minor is ${kind(json.nbformat_minor)}, expected a number`);
  if (!Array.isArray(json.cells)) return fail(`cells is ${kind(json.cells)}, expected a list`);
  json.metadata ??= {};
  if (!isObject(json.metadata)) fail(`metadata is ${kind(json.metadata)}, expected an object`);

  for (const [i, cell] of json.cells.entries()) {
    const at = `cell ${i + 1}`;
    if (!isObject(cell)) return fail(`${at} is ${kind(cell)}, expected an object`);
    if (!["code", "markdown", "raw"].includes(cell.cell_type)) {
      fail(`${at}: cell_type is ${JSON.stringify(cell.cell_type)}, expected "code", "markdown" or "raw"`);
    }
    if (!isText(cell.source)) fail(`${at}: source is ${kind(cell.source)}, expected a string or a list of strings`);
    cell.metadata ??= {};
    if (!isObject(cell.metadata)) fail(`${at}: metadata is ${kind(cell.metadata)}, expected an object`);
    if (cell.cell_type === "code") {
      cell.outputs ??= [];
      cell.execution_count ??= null;
      if (!Array.isArray(cell.outputs)) fail(`${at}: outputs is ${kind(cell.outputs)}, expected a list`);
    }
  }
  return json as unknown as Notebook;
}

/**
 * The text of a notebook as Jupyter writes it: keys sorted, one space of indentation, long text as lists of lines,
 * a newline at the end. The same notebook always gives the same bytes.
 */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => {
    const split: Json = { ...cell, source: lines(cell.source) };
    if (cell.cell_type === "code") split.outputs = cell.outputs.map(splitOutput);
    if ("attachments" in cell && cell.attachments) {
      split.attachments = mapValues(cell.attachments, splitBundle);
    }
    return split;
  });
  try {
    return `${toWellFormedJson(sorted({ ...notebook, cells }), 1)}\n`;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause; // a TypeError: circular
    throw new NotebookError("notebook: its outputs exceed the 512 MB that can be written. Print less.", {
      cause,
    });
  }
}

/**
 * Writes a notebook atomically, so that a crash or a full disk leaves the old file intact: to a file next to it, which is
 * then renamed. The file's permissions are kept; a symbolic link stays a link.
 */
export function writeNotebook(path: string, notebook: Notebook): void {
  writeFileAtomically(path, formatNotebook(notebook));
}

/** Writes a file completely or not at all. */
export function writeFileAtomically(path: string, text: string): void {
  let target = path;
  let mode: number | undefined;
  try {
    target = realpathSync(path);
    mode = statSync(target).mode & 0o777;
  } catch {
    // It does not exist yet.
  }
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    writeFileSync(temporary, text);
    if (mode !== undefined) chmodSync(temporary, mode);
    renameSync(temporary, target);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new Error(`${path}: cannot write the file: ${(cause as Error).message}.`, { cause });
  }
}

/** A notebook's text as one string. */
export function joinText(text: MultilineText): string {
  return typeof text === "string" ? text : text.join("");
}

/** Tags of a cell, such as "raises-exception". */
export function tags(cell: Cell): string[] {
  return Array.isArray(cell.metadata.tags) ? cell.metadata.tags : [];
}

function splitOutput(output: Output): Json {
  if (output.output_type === "stream") return { ...output, text: lines(output.text) };
  if ("data" in output && isObject(output.data)) return { ...output, data: splitBundle(output.data) };
  return output;
}

function splitBundle(data: MimeBundle): MimeBundle {
  return Object.fromEntries(
    Object.entries(data).map(([type, value]) => {
      const text = type.startsWith("text/") || type === "image/svg+xml" || type === "application/javascript";
      return [type, text && isText(value) ? lines(value) : value];
    }),
  );
}

/** Lines with their line ends, cut where Python's `splitlines` cuts them; joined they are the text again. */
function lines(text: MultilineText): string[] {
  return joinText(text).match(LINE) ?? [];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, sorted(value[key])]));
}

function mapValues<T>(object: Record<string, T>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function isText(value: unknown): value is MultilineText {
  return typeof value === "string" || (Array.isArray(value) && value.every((line) => typeof line === "string"));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kind(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
