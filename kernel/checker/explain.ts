import type { ParsedCell } from "../cells/parse.ts";
import { commandHabit, syntaxHabit } from "./habits.ts";
import { type HintContext, withHint } from "./hints.ts";
import { findDeclarations, notebookPath } from "./notebook-names.ts";
import { isSyntaxProblem, type Problem, problemAt } from "./problems.ts";
import { explainMember, explainUnknownNames, type NamePlaces } from "./unknown-names.ts";

/** What explanations need to know of the session. */
export interface Surroundings extends Omit<HintContext, "source"> {
  /** Asked only if a cell lacks names: it takes a moment. */
  places(): Promise<Omit<NamePlaces, "declarations">>;
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
    const habit = syntaxHabit(source, first.line);
    // The other errors follow from the first, as do unknown names in what could not be read.
    return [habit ? problemAt(source, habit.start, habit.end, habit.message) : first];
  }
  if (problems.length === 0 || isUnchecked(source)) return [];
  if (!problems.some(({ unknownName }) => unknownName !== undefined)) return problems.map(finish);
  const command = commandHabit(source, (name) => cell.declared.has(name) || surroundings.isEarlier(name));
  if (command) return [problemAt(source, command.start, command.end, command.message)];
  const names = new Set(problems.flatMap(({ unknownName }) => unknownName ?? []));
  const path = notebookPath();
  const declarations = path === undefined ? new Map() : findDeclarations(path, source, names);
  const places = { ...(await surroundings.places()), declarations };
  return explainUnknownNames(problems, cell, places).map(finish);

  function finish(problem: Problem): Problem {
    return withHint(explainMember(problem, cell!), { source, isEarlier: surroundings.isEarlier });
  }
}

/** TypeScript finds this comment only above all code, and the names of earlier cells stand above that of a cell. */
function isUnchecked(source: string): boolean {
  const comments = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/.exec(source)![0];
  return /^\s*\/\/\/?\s*@ts-nocheck\b/m.test(comments);
}
