import { builtinModules } from "node:module";
import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { nearest } from "../resolution/similar.ts";
import type { NotebookCell } from "./notebook-names.ts";
import type { Problem } from "./problems.ts";
import { camelCase, pythonMember, pythonName, pythonValue } from "./python-names.ts";
import { shorten } from "./python-syntax.ts";
import { nodeAt, rangeOf, textOf } from "./tree.ts";

/** Where the names that a cell lacks may be. */
export interface NamePlaces {
  /** Cells of the notebook that declare them, as far as they are known. */
  declarations: ReadonlyMap<string, NotebookCell>;
  /** The line that declares a name, in a cell that was run and failed. */
  failed: ReadonlyMap<string, string>;
  /** Names of the session, and of the cell. */
  session: Iterable<string>;
  /** Statements that import what the libraries at hand export, by name. */
  imports: ReadonlyMap<string, string>;
  /** Names that only a browser has. */
  browser: ReadonlySet<string>;
}

/**
 * Says what to do about each unknown name: once, in a single problem for all names that other cells must declare, and
 * without the errors that follow from it.
 */
export function explainUnknownNames(problems: readonly Problem[], cell: ParsedCell, places: NamePlaces): Problem[] {
  const advised: Problem[] = [];
  const lacking: Problem[] = [];
  const seen = new Set<string>();
  for (const problem of problems) {
    const name = problem.unknownName;
    if (name === undefined || seen.has(name)) continue;
    if (followsFrom(problem, problems, cell)) continue;
    seen.add(name);
    const isDeclared = places.declarations.has(name) || places.failed.has(name);
    const advisory = isDeclared ? undefined : advice(problem, name, cell, places);
    if (advisory) advised.push(advisory);
    else lacking.push(problem);
  }
  const others = problems.filter(({ unknownName }) => unknownName === undefined);
  const named = [...advised, ...(lacking.length > 0 ? [missingNames(lacking, places)] : [])];
  const statements = cell.program.body.filter((statement) =>
    problems.some((each) => each.unknownName !== undefined && isIn(each, statement, cell.source)),
  );
  const independent = others.filter((each) => !statements.some((statement) => isIn(each, statement, cell.source)));
  return [...named, ...independent].toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Whether a name is part of an argument with a name, `f(x=True)`, or of the call of an unknown function with one. */
function followsFrom(problem: Problem, problems: readonly Problem[], cell: ParsedCell): boolean {
  const range = rangeOf(problem, cell.source);
  const { node, parents } = nodeAt(cell.program, range.start, range.end);
  const at = parents.findIndex((each) => each.type === "AssignmentExpression");
  const [assignment, call] = [parents[at], parents[at + 1]];
  if (assignment?.type !== "AssignmentExpression") return false;
  if (call?.type !== "CallExpression" && call?.type !== "NewExpression") return false;
  const [first] = call.arguments.filter((each) => each.type === "AssignmentExpression");
  // One problem names all of a call's.
  if (assignment.left === node && first !== assignment && isUnknown(first!.left)) return true;
  if (assignment.left !== node) {
    return isUnknown(assignment.left);
  }
  return isUnknown(call.callee);

  function isUnknown(part: t.Node): boolean {
    return problems.some((each) => each !== problem && each.unknownName !== undefined && isIn(each, part, cell.source));
  }
}

function isIn(problem: Problem, { start, end }: t.Node, source: string): boolean {
  const range = rangeOf(problem, source);
  return range.start >= start! && range.end <= end!;
}

/** What to write instead of a name, if it is not another cell's. */
function advice(problem: Problem, name: string, cell: ParsedCell, places: NamePlaces): Problem | undefined {
  const range = rangeOf(problem, cell.source);
  const { node, parents } = nodeAt(cell.program, range.start, range.end);
  const [parent] = parents;
  const message = `Cannot find name '${name}'.`;
  const given = namedArgument(name, node, parents, cell.source);
  if (given !== undefined) return { ...problem, message: `${message} ${given}`, hint: undefined };
  const imported = places.imports.get(name);
  if (imported !== undefined) return { ...problem, message, hint: `Import it: ${imported}` };
  const isCall = parent?.type === "CallExpression" && parent.callee === node;
  const args = isCall
    ? parent.arguments.map((each) => cell.source.slice(each.start!, each.end!)).join(", ")
    : undefined;
  const isType = parents.some((each) => each.type.startsWith("TSType"));
  const isIndex = parent?.type === "MemberExpression" && parent.computed && parent.property === node;
  const written =
    isIndex && name === "None" ? `${textOf(parent.object, cell.source)}.unsqueeze(0)` : pythonName(name, args, isType);
  if (written !== undefined)
    return { ...problem, message: `${message} In TypeScript, write: ${written}`, hint: undefined };
  if (places.browser.has(name)) {
    return { ...problem, message: `${message} It exists only in browsers; cells run in Node.js.`, hint: undefined };
  }
  const alike = nearest(name, new Set([...places.session, ...places.imports.keys()]));
  if (alike !== undefined) {
    const from = [...places.session].includes(alike) ? undefined : places.imports.get(alike);
    return { ...problem, message: `${message} Did you mean '${alike}'?`, hint: from && `Import it: ${from}` };
  }
  if (problem.message.includes("Did you mean")) return { ...problem, hint: undefined };
  const assignment = parents.find((each) => each.type === "AssignmentExpression");
  if (assignment?.type === "AssignmentExpression" && assignment.left === node && assignment.operator === "=") {
    const text = cell.source.slice(assignment.start!, assignment.end!).split("\n")[0]!;
    return { ...problem, message: `${message} Declare a new variable first: let ${text}`, hint: undefined };
  }
  return undefined;
}

/** What to write for `f(x, name=value)`. */
function namedArgument(name: string, node: t.Node, parents: readonly t.Node[], source: string): string | undefined {
  const at = parents.findIndex((each) => each.type === "AssignmentExpression");
  const [assignment, call] = [parents[at], parents[at + 1]];
  if (assignment?.type !== "AssignmentExpression" || assignment.left !== node || assignment.operator !== "=")
    return undefined;
  if (call?.type !== "CallExpression" && call?.type !== "NewExpression") return undefined;
  if (!call.arguments.includes(assignment)) return undefined;
  const value = pythonValue(textOf(assignment.right, source));
  if (/^(dim|dims|axis|input|other|size|shape)$/.test(name)) {
    const text = source.slice(call.start!, assignment.start!) + value + source.slice(assignment.end!, call.end!);
    return `This argument has no name here. Write: ${shorten(text)}`;
  }
  // All that follow go into one object.
  const named = call.arguments.filter((each) => each.type === "AssignmentExpression");
  const options = named.map(({ left, right }) => {
    return `${camelCase(textOf(left, source))}: ${pythonValue(textOf(right, source))}`;
  });
  return `Named arguments are passed as an object: { ${options.join(", ")} }`;
}

/** One problem for all names that other cells must declare. */
function missingNames(lacking: readonly Problem[], { declarations, failed }: NamePlaces): Problem {
  const names = lacking.map(({ unknownName }) => unknownName!);
  const hints: string[] = [];
  const found = names.filter((name) => declarations.has(name) && !failed.has(name));
  for (const [position, name] of found.entries()) {
    const declaration = declarations.get(name)!;
    const { index, line } = declaration;
    const isSame = (other: string) => declarations.get(other)!.index === index;
    if (found.findIndex(isSame) < position) continue; // told with the other
    const ofCell = found.filter(isSame);
    hints.push(
      `A cell ${placeOf(declaration)} declares ${names.length === 1 ? "it" : list(ofCell)}. Run that cell first:\n  ${cut(line)}`,
    );
  }
  for (const name of names) {
    const line = failed.get(name);
    if (line === undefined) continue;
    const what = names.length === 1 ? "it" : `'${name}'`;
    hints.push(
      `The cell that declares ${what} was run but failed. Fix the error there, and run it again:\n  ${cut(line)}`,
    );
  }
  const unseen = names.filter((name) => !failed.has(name) && !declarations.has(name));
  if (unseen.length > 0) {
    hints.push(`If another cell declares ${names.length === 1 ? "it" : list(unseen, "or")}, run that cell first.`);
  }
  const isAllAbove = [...declarations.values()].every((cell) => cell.isAbove === true);
  if (found.length > 0 && isAllAbove) hints.push(RUN_ALL_ABOVE);
  const [first] = lacking;
  const message = names.length === 1 ? `Cannot find name '${names[0]}'.` : `Cannot find the names ${list(names)}.`;
  return { ...first!, message, hint: hints.join("\n") };
}

/** Where a cell is, as far as that is known. */
function placeOf({ heading, isAbove }: NotebookCell): string {
  const side = isAbove === undefined ? undefined : isAbove ? "above" : "below";
  if (heading === undefined) return side ?? "of this notebook";
  return side === undefined ? `under "${heading}"` : `${side}, under "${heading}",`;
}

/** What to do about a name that means something of the kernel's, such as `prompt`, until a cell that declares it has run. */
export function runFirst(name: string, declaration: NotebookCell): string {
  return `A cell ${placeOf(declaration)} declares '${name}'. Run that cell first:\n  ${cut(declaration.line)}`;
}

const RUN_ALL_ABOVE = "(Run > Run All Above Selected Cell, in the menu, runs every cell above this one.)";
const LONGEST_LINE = 100;

function cut(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE - 3)}...` : line;
}

function list(names: readonly string[], word = "and"): string {
  const quoted = names.map((name) => `'${name}'`);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} ${word} ${quoted.at(-1)}`;
}

/** A method of Python's lists, strings and dictionaries that JavaScript's have under another name. */
export function explainMember(problem: Problem, cell: ParsedCell): Problem {
  const { code, message, unknownName } = problem;
  if (unknownName !== undefined || (code !== 2339 && code !== 2551 && code !== 2550)) return problem;
  const range = rangeOf(problem, cell.source);
  const { node, parents } = nodeAt(cell.program, range.start, range.end);
  const [member, call] = parents;
  if (member?.type !== "MemberExpression" || node.type !== "Identifier" || message.includes("Promise<")) return problem;
  const isCall = call?.type === "CallExpression" && call.callee === member;
  const args = isCall ? call.arguments.map((each) => cell.source.slice(each.start!, each.end!)).join(", ") : "";
  const written = pythonMember(cell.source.slice(member.object.start!, member.object.end!), node.name, args);
  if (written === undefined) return problem;
  return {
    ...problem,
    message: `${message.split("\n")[0]!.replace(/ Did you mean .*\?$/, "")} In TypeScript, write: ${written}`,
  };
}

/** Statements that import what a name commonly stands for. */
export const COMMON_IMPORTS: ReadonlyMap<string, string> = new Map([
  ["Plot", 'import * as Plot from "@observablehq/plot"'],
  ["sharp", 'import sharp from "sharp"'],
  ["readFile", 'import { readFile } from "node:fs/promises"'],
  ["writeFile", 'import { writeFile } from "node:fs/promises"'],
  ["readFileSync", 'import { readFileSync } from "node:fs"'],
  ["writeFileSync", 'import { writeFileSync } from "node:fs"'],
  ...builtinModules
    .filter(
      (name) => /^[a-z]+$/.test(name) && !/^(module|process|console|constants|sys|domain|punycode|test)$/.test(name),
    )
    .map((name): [string, string] => [name, `import ${name} from "node:${name}"`]),
]);
