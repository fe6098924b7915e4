import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { namespaceName, unwrapExport } from "../cells/syntax.ts";
import type { Problem } from "./problems.ts";

export type Augmentation = t.TSModuleDeclaration;

/** A part of a text. */
type Range = [start: number, end: number];

/** One declaration of an augmentation, in a text that has nothing else. */
export interface Piece {
  text: string;
  /** What it declares, member by member: two that share none can live side by side. */
  keys: ReadonlySet<string>;
}

/** Files in which the checker keeps what cells say of the world outside them: `declare global`, `declare module "m"`. */
export class Augmentations {
  #files: { line: string; keys: ReadonlySet<string> }[] = [];

  /** Keeps a file with a declaration, in the place of those that said something of the same. */
  add({ keys }: Piece, file: string): void {
    const isScript = file.endsWith(".d.ts");
    const line = isScript ? `/// <reference path="./${file}" />` : `import "./${file.replace(/\.ts$/, "")}";`;
    this.#files = [...this.#files.filter((other) => !overlap(other.keys, keys)), { line, keys }];
  }

  /** Lines that bring them into a program, but for those of what these pieces declare again. */
  lines(except: readonly Piece[] = []): string {
    const files = this.#files.filter((file) => !except.some(({ keys }) => overlap(file.keys, keys)));
    return files // references come first: they count only there
      .map(({ line }) => line)
      .toSorted()
      .join("\n");
  }
}

function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...a].some((key) => b.has(key));
}

/** The statements of a cell that say something of the world outside. */
export function augmentationsOf({ program }: ParsedCell): Augmentation[] {
  return program.body
    .map(unwrapExport)
    .filter((statement) => statement.type === "TSModuleDeclaration")
    .filter((statement) => namespaceName(statement) === undefined);
}

/** "Module cannot be found", "resolves to an untyped module": TypeScript's words for what it cannot augment. */
const NOT_AUGMENTED = new Set([2664, 2665]);

/** Whether one of the problems says so of a statement. */
export function isUnresolved({ loc }: Augmentation, problems: readonly Problem[]): boolean {
  const [first, last] = [loc!.start, loc!.end];
  return problems.some(({ code, line, column }) => {
    const isAfter = line > first.line || (line === first.line && column > first.column);
    const isBefore = line < last.line || (line === last.line && column <= last.column);
    return NOT_AUGMENTED.has(code ?? 0) && isAfter && isBefore;
  });
}

/** What augmentations declare, one by one. */
export function piecesOf(source: string, augmentations: readonly Augmentation[]): Piece[] {
  return augmentations.flatMap(({ id, body, start, end }) => {
    const module = id.type === "StringLiteral" ? JSON.stringify(id.value) : "global";
    if (body?.type !== "TSModuleBlock" || body.body.length === 0) {
      return [{ text: only(source, [[start!, end!]]), keys: new Set([module]) }];
    }
    const head: Range = [start!, body.start! + 1];
    const tail: Range = [body.end! - 1, end!];
    return body.body.map((statement) => ({
      text: only(source, [head, [statement.start!, statement.end!], tail]),
      keys: new Set(membersOf(unwrapExport(statement)).map((name) => `${module}.${name}`)),
    }));
  });
}

/** A text of which only these parts are left, each at its place. */
export function only(source: string, ranges: readonly Range[]): string {
  let text = "";
  for (const [start, end] of ranges) text += blank(source.slice(text.length, start)) + source.slice(start, end);
  return text + blank(source.slice(text.length));
}

/** A text without these statements, everything else at its place. */
export function without(source: string, statements: readonly t.Statement[]): string {
  let text = "";
  for (const { start, end } of statements) {
    text += source.slice(text.length, start!) + blank(source.slice(start!, end!));
  }
  return text + source.slice(text.length);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** What a declaration declares: "name", or "Interface.member". */
function membersOf(statement: t.Statement): string[] {
  if (statement.type === "VariableDeclaration") {
    return statement.declarations.map(({ id }) => (id.type === "Identifier" ? id.name : id.type));
  }
  const name = "id" in statement && statement.id?.type === "Identifier" ? statement.id.name : statement.type;
  if (statement.type !== "TSInterfaceDeclaration" || statement.body.body.length === 0) return [name];
  return statement.body.body.map((member) => {
    const key = "key" in member && member.key.type === "Identifier" ? member.key.name : member.type;
    return `${name}.${key}`;
  });
}
