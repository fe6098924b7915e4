import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { syntaxProblem } from "../cells/parse.ts";
import { missingModule } from "../resolution/missing-module.ts";
import { grey, red } from "../terminal/ansi.ts";
import { excerpt } from "../terminal/excerpt.ts";
import { reword } from "./wording.ts";

/** An error of a cell, where the student sees it. */
export interface Problem {
  /** Line and column in the cell, from 1. */
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  message: string;
  /** TypeScript's number, as in "TS2322"; undefined for a syntax error of our own parser. */
  code?: number;
  /** Module specifier that was not found. */
  missingModule?: string;
  /** Name that nothing declares. */
  unknownName?: string;
  /** What to do, in lines that stand below the excerpt. */
  hint?: string | undefined;
  /** It counts only where we know what to write instead: TypeScript lets it pass. */
  isTentative?: boolean;
  /** The file that the error is in, if it is not the cell. */
  file?: { name: string; source: string };
}

/** A diagnostic as the Language Server Protocol gives it; positions from 0. */
interface Diagnostic {
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  severity?: number;
  code?: number | string;
  message: string;
}

const ERROR = 1;

/** "Could not find a declaration file for module": a package without types can be used all the same. */
const UNTYPED_MODULE = 7016;

/**
 * "Variable 'losses' implicitly has an 'any[]' type": in one cell TypeScript learns from what is pushed into `const losses = []`; in
 * the next it does not, and takes anything.
 */
const UNKNOWN_YET = new Set([7005, 7034]);
const UNKNOWN_NAME = new Set([2304, 2552, 2503, 18004]);
/** Of a module, and of one that is imported for its effects. */
const MISSING_MODULE = new Set([2307, 2792, 2882]);
const IMPORT_IS_READ_ONLY = 2632;

/** Which errors count. */
interface ProblemOptions {
  /** Whether a parameter without a type is an error. Default true. */
  reportsImplicitAny?: boolean;
  /** Folder that imports are seen from. */
  workingFolder?: string;
}

/** The student's problem at a part of the source. */
export function problemAt(source: string, start: number, end: number, message: string): Problem {
  const place = (offset: number) => {
    const before = source.slice(0, offset).split("\n");
    return { line: before.length, column: before.at(-1)!.length + 1 };
  };
  const [first, last] = [place(start), place(end)];
  return { ...first, endLine: last.line, endColumn: last.column, message };
}

/** Turns the language server's diagnostics of a cell, which has one line of imports above it, into the student's problems. */
export function toProblems(
  diagnostics: readonly Diagnostic[],
  source: string,
  options: ProblemOptions = {},
): Problem[] {
  const lines = source.split("\n");
  const problems = diagnostics
    .filter((diagnostic) => isProblem(diagnostic, options))
    // What is missing at the cell's end shows behind it, in the line that exports; other errors there are not the cell's.
    .filter(({ range, code }) => range.start.line >= 1 && (range.start.line <= lines.length || isSyntax(code)))
    .map((diagnostic) => toProblem(diagnostic, lines, 1, options));
  if (problems.length > 0) return problems;
  // What TypeScript lets pass and the parser does not.
  const syntax = syntaxProblem(source);
  if (!syntax) return [];
  return [problemAt(source, syntax.offset, syntax.offset + 1, syntax.message)];
}

/** Problems of a file that a cell imports. */
export function fileProblems(
  diagnostics: readonly Diagnostic[],
  name: string,
  source: string,
  options: ProblemOptions,
): Problem[] {
  const lines = source.split("\n");
  const problems = diagnostics.filter((diagnostic) => isProblem(diagnostic, options));
  return problems
    .map((diagnostic) => ({ ...toProblem(diagnostic, lines, 0, options), file: { name, source } }))
    .filter(({ isTentative }) => !isTentative);
}

function isProblem({ severity, code, message }: Diagnostic, { reportsImplicitAny = true }: ProblemOptions): boolean {
  if ((severity ?? ERROR) !== ERROR || Number(code) === UNTYPED_MODULE || UNKNOWN_YET.has(Number(code))) return false;
  if (MISSING_MODULE.has(Number(code)) && isLoadedByUrl(quotedIn(message) ?? "")) return false;
  return reportsImplicitAny || !isImplicitAny(code) || UNKNOWN_INDEX.has(Number(code));
}

/** "can't be used to index type 'Tensor'": `x[0]` of something that has no such element. */
const UNKNOWN_INDEX = new Set([7015, 7052, 7053]);

function isImplicitAny(code: number | string | undefined): boolean {
  return Number(code) >= 7000 && Number(code) < 7100;
}

/** Whether Node.js loads it by an address that TypeScript does not follow. */
function isLoadedByUrl(specifier: string): boolean {
  if (specifier.startsWith("data:")) return true;
  return specifier.startsWith("file:") && URL.canParse(specifier) && existsSync(new URL(specifier));
}

function quotedIn(message: string): string | undefined {
  return /'([^']*)'/.exec(message)?.[1];
}

/** TypeScript numbers its syntax errors from 1000; our own parser's have no number. */
export function isSyntaxProblem({ code }: Problem): boolean {
  return code === undefined || isSyntax(code);
}

function isSyntax(code: number | string | undefined): boolean {
  return Number(code) < 2000;
}

function notCode(file: string): string {
  return `'${file}' exists, but only code and JSON can be imported. Read it instead: await (await import("node:fs/promises")).readFile("${file}", "utf8")`;
}

/** @param above - lines that stand above the text in what was checked */
function toProblem(
  { range, code, message }: Diagnostic,
  lines: readonly string[],
  above: number,
  { workingFolder = ".", reportsImplicitAny = true }: ProblemOptions,
): Problem {
  const last = { line: lines.length - 1, character: lines.at(-1)!.length };
  const inText = ({ line, character }: Diagnostic["range"]["start"]) =>
    line - above > last.line ? last : { line: line - above, character };
  const start = inText(range.start);
  const end = inText(range.end);
  const problem: Problem = {
    line: start.line + 1,
    column: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
    message: reword(message),
    code: Number(code),
    ...(!reportsImplicitAny && isImplicitAny(code) && { isTentative: true }),
  };
  const quoted = quotedIn(message);
  if (MISSING_MODULE.has(problem.code!) && quoted !== undefined) {
    problem.missingModule = quoted;
    const isThere = /^\.{0,2}\//.test(quoted) && existsSync(resolve(workingFolder, quoted));
    problem.message = isThere ? notCode(quoted) : missingModule(quoted);
  } else if (UNKNOWN_NAME.has(problem.code!)) {
    problem.message = message.replace(/(?<![.?])$/, ".");
    if (quoted !== undefined) problem.unknownName = quoted;
  } else if (problem.code === IMPORT_IS_READ_ONLY) {
    problem.message = `Cannot assign to '${quoted}': another cell declares it as a constant, function, class or import. Declare it with let there, or give the result a new name.`;
  }
  return problem;
}

/** Formats a list of problems, each with its line and carets. */
export function formatProblems(problems: readonly Problem[], source: string): string {
  return problems
    .map((problem) => {
      const { line, column, endLine, message, code, file, hint } = problem;
      const where = red(`${file ? `${file.name}, ` : ""}line ${line}`);
      const number = code ? grey(` (TS${code})`) : "";
      const endColumn = endLine > line ? Number.POSITIVE_INFINITY : problem.endColumn;
      const lines = excerpt(file?.source ?? source, { line, column, endColumn });
      const below = hint === undefined ? "" : `\n${hint.replace(/^/gm, "  ")}`;
      return `${where}: ${message.replaceAll("\n", "\n  ")}${number}\n${lines}${below}`;
    })
    .join("\n\n");
}
