import type * as t from "@babel/types";
import { unwrapExport } from "./syntax.ts";

/** Where a keyword stands. */
type Range = [start: number, end: number];

/**
 * Where `export` and `default` stand before a declaration that has a name, and `abstract` before a class that has none:
 * what is left is the declaration alone. Decorators may stand on either side of them.
 */
export function exportKeywords(outer: t.Statement, source: string): Range[] {
  const statement = unwrapExport(outer);
  if (statement === outer) return anonymousAbstract(outer, source);
  const decorators = "decorators" in statement ? (statement.decorators ?? []) : [];
  const places = [outer.start!, ...decorators.map(({ end }) => end!)];
  const exported = places.map((at) => word(source, at, "export")).find(Boolean);
  if (!exported) return [];
  const byDefault = outer.type === "ExportDefaultDeclaration" ? word(source, exported[1], "default") : undefined;
  return byDefault ? [exported, byDefault] : [exported];
}

/** `export default abstract class {}` is no declaration, and an expression may not be abstract. */
function anonymousAbstract(statement: t.Statement, source: string): Range[] {
  if (statement.type !== "ExportDefaultDeclaration" || statement.declaration.type !== "ClassDeclaration") return [];
  const { declaration } = statement;
  if (!declaration.abstract) return [];
  const abstract = word(source, declaration.decorators?.at(-1)?.end ?? declaration.start!, "abstract");
  return abstract ? [abstract] : [];
}

/** The word that stands next, behind spaces and comments. */
function word(source: string, from: number, expected: string): Range | undefined {
  const start = skipSpace(source, from);
  return source.startsWith(expected, start) ? [start, start + expected.length] : undefined;
}

function skipSpace(source: string, from: number): number {
  const space = /(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*/y;
  space.lastIndex = from;
  return from + space.exec(source)![0].length;
}
