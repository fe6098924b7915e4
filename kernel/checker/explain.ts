import type { ParsedCell } from "../cells/parse.ts";
import { nearest } from "../resolution/similar.ts";
import { commandHabit, syntaxHabit, unpackHabit } from "./habits.ts";
import { type HintContext, withHint } from "./hints.ts";
import { findDeclarations, notebookPath } from "./notebook-names.ts";
import { isSyntaxProblem, type Problem, problemAt } from "./problems.ts";
import { slip } from "./slips.ts";
import { nodeAt, rangeOf } from "./tree.ts";
import { unclosed } from "./unclosed.ts";
import { explainMember, explainUnknownNames, type NamePlaces, runFirst } from "./unknown-names.ts";

/** What explanations need to know of the session. */
export interface Surroundings extends Omit<HintContext, "source"> {
  /** Asked only if a cell lacks names: it takes a moment. */
  places(): Promise<Omit<NamePlaces, "declarations">>;
  /** What may stand at a place in the source. */
  members(offset: number): Promise<string[]>;
}

/** Says what is wrong with a cell in the student's words: few problems, each with what to write. */
export async function explain(
  problems: readonly Problem[],
  source: string,
  cell: ParsedCell | undefined,
  surroundings: Surroundings,
): Promise<Problem[]> {
  const syntax = problems.filter(isSyntaxProblem);
  if (syntax.length > 0 || !cell) {
    const [first] = syntax;
    if (!first) return [...problems];
    const habit = syntaxHabit(source, first.line) ?? unclosed(source, rangeOf(first, source).start);
    // The other errors follow from the first, as do unknown names in what could not be read.
    return [habit ? problemAt(source, habit.start, habit.end, habit.message) : first];
  }
  if (isUnchecked(source)) return [];
  const isName = (name: string) => cell.declared.has(name) || surroundings.isEarlier(name);
  const unpacking = unpackHabit(cell, isName);
  if (unpacking) return [problemAt(source, unpacking.start, unpacking.end, unpacking.message)];
  const slipped = slip(cell);
  if (slipped) return [{ ...problemAt(source, slipped.start, slipped.end, slipped.message), code: UNUSED }];
  if (problems.length === 0) return [];
  if (!problems.some(({ unknownName }) => unknownName !== undefined)) return Promise.all(problems.map(finish));
  const command = commandHabit(source, isName);
  if (command) return [problemAt(source, command.start, command.end, command.message)];
  const names = new Set(problems.flatMap(({ unknownName }) => unknownName ?? []));
  const path = notebookPath();
  const declarations = path === undefined ? new Map() : findDeclarations(path, source, names);
  const places = { ...(await surroundings.places()), declarations };
  return Promise.all(explainUnknownNames(problems, cell, places).map(finish));

  async function finish(problem: Problem): Promise<Problem> {
    const member = await withLikeMember(explainMember(problem, cell!), source, surroundings);
    return withHint(withDeclaration(member, cell!, isName), { source, isEarlier: surroundings.isEarlier });
  }
}

/** A problem with a name of the kernel's, which a cell of the notebook declares that has not run yet. */
function withDeclaration(problem: Problem, cell: ParsedCell, isName: (name: string) => boolean): Problem {
  const path = notebookPath();
  if (path === undefined || problem.unknownName !== undefined || problem.hint !== undefined) return problem;
  const { start, end } = rangeOf(problem, cell.source);
  const { node } = nodeAt(cell.program, start, end);
  if (node.type !== "Identifier" || isName(node.name)) return problem;
  const declaration = findDeclarations(path, cell.source, [node.name]).get(node.name);
  return declaration === undefined ? problem : { ...problem, hint: runFirst(node.name, declaration) };
}

/** A misspelt member with the one that was meant, where TypeScript does not find it. */
async function withLikeMember(problem: Problem, source: string, { members }: Surroundings): Promise<Problem> {
  if (problem.code !== NO_SUCH_MEMBER || /[Ww]rite: |Promise</.test(problem.message)) return problem;
  const { start, end } = rangeOf(problem, source);
  const name = source.slice(start, end);
  const alike = nearest(name, await members(start));
  // A name of three letters is near to too many, unless two of them are swapped.
  if (end - start <= 3 && alike && [...alike].sort().join() !== [...name].sort().join()) return problem;
  return alike === undefined ? problem : { ...problem, message: `${problem.message} Did you mean '${alike}'?` };
}

/** TypeScript's number for a value that is computed and not used. */
const UNUSED = 2695;

/** "Property does not exist on type", without a proposal. */
const NO_SUCH_MEMBER = 2339;

/** TypeScript finds this comment only above all code, and the names of earlier cells stand above that of a cell. */
function isUnchecked(source: string): boolean {
  const comments = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/.exec(source)![0];
  return /^\s*\/\/\/?\s*@ts-nocheck\b/m.test(comments);
}
