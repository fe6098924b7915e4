import { inspect } from "node:util";
import { grey, red } from "../../terminal/ansi.ts";
import { excerpt } from "../../terminal/excerpt.ts";
import type { CellFailure } from "../protocol/messages.ts";
import { sourceOf } from "./stack.ts";

const ENDLESS =
  "Infinite recursion: a function keeps calling itself, directly or through others. Check the condition that should stop it.";

/** Errors that are the cause of one another go no deeper than this. */
const DEEPEST = 5;

/**
 * Describes whatever a cell threw, in the form of Jupyter's error message: name, text, and a trace that points at the line.
 *
 * @param depth - how many errors this one is the cause of
 */
export function describeFailure(thrown: unknown, depth = 0): CellFailure {
  try {
    return isError(thrown) ? describeError(thrown, depth) : describeOther(thrown);
  } catch {
    const evalue = "The cell threw a value that cannot be displayed: reading it fails.";
    return { ename: "Error", evalue, traceback: [`${red("Error")}: ${evalue}`] };
  }
}

function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

function describeOther(thrown: unknown): CellFailure {
  const evalue = `${inspect(thrown, { depth: 2, maxArrayLength: 20, maxStringLength: 1000 })}`;
  const hint = "Throw an Error instead: it records the line where it was thrown.";
  return { ename: "Thrown", evalue, traceback: [`${red("Thrown")}: ${evalue}`, grey(hint)] };
}

function describeError(error: Error, depth: number): CellFailure {
  const ename = text(error.name) || "Error";
  const evalue = text(error.message);
  const stack = text(error.stack).split("\n");
  const frames = stack.filter((line) => /^ {4}at /.test(line));
  const traceback = [`${red(ename)}: ${evalue}`];
  if (error instanceof RangeError && /call stack size exceeded/.test(evalue)) traceback.push(grey(ENDLESS));
  const excerpt = excerptOf(frames);
  if (excerpt) traceback.push(excerpt);
  if (frames.length > 0) traceback.push(...foldFrames(frames));
  traceback.push(...ownProperties(error));
  const within = (inner: unknown) => indent(describeFailure(inner, depth + 1).traceback);
  if (depth >= DEEPEST) return { ename, evalue, traceback };
  if (error instanceof AggregateError) traceback.push(...error.errors.slice(0, DEEPEST).flatMap(within));
  if (error.cause !== undefined && !saysAll(evalue, error.cause))
    traceback.push(grey("caused by:"), ...within(error.cause));
  return { ename, evalue, traceback };
}

/** Whether a message names the code of what is at the root, such as ENOTFOUND: then the way there says nothing more. */
function saysAll(message: string, cause: unknown): boolean {
  let root = cause;
  for (let i = 0; i < DEEPEST && root instanceof Error && root.cause !== undefined; i++) root = root.cause;
  const code = root instanceof Error ? Reflect.get(root, "code") : undefined;
  return typeof code === "string" && message.includes(code);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : String(value);
}

function indent(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^/gm, "  "));
}

/** What an error carries besides name, message and stack, as file system errors do. */
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
    const source = name === undefined ? undefined : sourceOf(name);
    if (source === undefined) continue;
    const place = { line: Number(line), column: Number(column) };
    return `${grey(`${name}, line ${line}`)}
${excerpt(source, place, { after: 1 })}`;
  }
  return undefined;
}

/** Frames one by one if they are the student's; those of a package, or of Node, as one line. */
function foldFrames(frames: readonly string[]): string[] {
  const groups: { owner: string | undefined; frames: string[] }[] = [];
  for (const frame of frames) {
    const owner = /node:internal|\(node:| node:/.test(frame) ? "Node.js" : packageOf(frame);
    const last = groups.at(-1);
    if (last && owner !== undefined && last.owner === owner) last.frames.push(frame);
    else groups.push({ owner, frames: [frame] });
  }
  const lines = groups
    .filter(({ owner, frames }) => owner !== "Node.js" || !frames.every((frame) => CALLERS.test(frame)))
    .map(({ owner, frames: [first, ...rest] }) => {
      if (owner === undefined) return first!;
      const more = rest.length > 0 ? ` and ${rest.length} more` : "";
      return grey(`    at ${/at (?:async )?([^ (]+) \(/.exec(first!)?.[1] ?? "a function"}${more} (inside ${owner})`);
    });
  return foldRepeats(lines);
}

/** What hands a cell over to be run: Node.js's own, and of no interest where it stands alone. */
const CALLERS =
  /\b(?:Worker|MessagePort|EventEmitter)\.emit\b|\bprocessTicksAndRejections\b|\bnew Script\b|\brunInThisContext\b/;

/** Endless recursion fills a trace with the same lines: each is shown twice. */
function foldRepeats(lines: readonly string[]): string[] {
  const seen = new Map<string, number>();
  const shown: string[] = [];
  let folded = 0;
  const flush = () => {
    if (folded > 0) shown.push(grey(`    ... ${folded} more calls of the same functions`));
    folded = 0;
  };
  for (const line of lines) {
    const times = (seen.get(line) ?? 0) + 1;
    seen.set(line, times);
    if (times > 2) folded++;
    else {
      flush();
      shown.push(line);
    }
  }
  flush();
  return shown;
}

function packageOf(frame: string): string | undefined {
  const path = frame.replaceAll("\\", "/");
  const installed = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  return installed ?? (path.includes("/dist/lib/") ? "difflab" : undefined);
}
