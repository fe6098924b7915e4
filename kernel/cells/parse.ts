import { createRequire } from "node:module";
import type { ParserOptions } from "@babel/parser";
import type * as t from "@babel/types";
import { boundNames, children, collectVars, namespaceName, unwrapExport } from "./syntax.ts";

/** What a name at the top level of a cell is; `type` covers interfaces and aliases, which leave nothing at run time. */
export type NameKind = "let" | "const" | "function" | "class" | "enum" | "namespace" | "import" | "type";

/** A cell's source with its syntax tree, and what the rest of the kernel asks about it. */
export interface ParsedCell {
  source: string;
  program: t.Program;
  /** Names that the cell declares at its top level. */
  declared: Map<string, NameKind>;
  /** Every identifier that occurs anywhere, types included. */
  mentioned: Set<string>;
  /** Module specifiers of static imports, dynamic ones with a literal, and `require`. */
  modules: Set<string>;
}

/** A syntax error, as a position in the source. */
export interface SyntaxProblem {
  message: string;
  offset: number;
  /** More input could mend it: the text ends within a block, a string template or a comment. */
  atEnd: boolean;
}

const OPTIONS: ParserOptions = {
  sourceType: "module",
  allowAwaitOutsideFunction: true,
  attachComment: false,
  plugins: ["typescript", "decorators", "decoratorAutoAccessors", "explicitResourceManagement", "importAttributes"],
};

/** Loaded when first used: the kernel starts its processes before it needs a parser, and the two go on together. */
const require = createRequire(import.meta.url);
const babel = () => require("@babel/parser") as typeof import("@babel/parser");

/**
 * Parses a cell, and goes on after errors so that completion works in unfinished code.
 *
 * @returns the cell, or undefined where nothing could be made of the text
 */
export function parseCell(source: string): ParsedCell | undefined {
  let program: t.Program;
  try {
    program = babel().parse(source, { ...OPTIONS, errorRecovery: true }).program;
  } catch {
    return undefined;
  }
  const cell: ParsedCell = {
    source,
    program,
    declared: new Map(),
    mentioned: new Set(),
    modules: new Set(),
  };
  for (const statement of program.body) declareStatement(statement, cell.declared);
  collectVars(program.body, (name) => cell.declared.set(name, "let"));
  collectMentions(program, cell);
  return cell;
}

/** The first syntax error of a text, or undefined where it has none. */
export function syntaxProblem(source: string): SyntaxProblem | undefined {
  try {
    babel().parse(source, OPTIONS);
    return undefined;
  } catch (error) {
    const { message, pos, reasonCode } = error as Error & { pos?: number; reasonCode?: string };
    const offset = pos ?? source.length;
    const rest = source.slice(offset).trim();
    const unterminated = reasonCode === "UnterminatedTemplate" || reasonCode === "UnterminatedComment";
    return { message: message.replace(/ \(\d+:\d+\)$/, ""), offset, atEnd: rest === "" || unterminated };
  }
}

/** Adds the names that one statement declares in its own block. */
export function declareStatement(outer: t.Statement, into: Map<string, NameKind>): void {
  const statement = unwrapExport(outer);
  switch (statement.type) {
    case "VariableDeclaration": {
      const kind = statement.kind === "const" || statement.kind.endsWith("using") ? "const" : "let";
      for (const { id } of statement.declarations) for (const name of boundNames(id)) into.set(name, kind);
      return;
    }
    case "FunctionDeclaration":
    case "TSDeclareFunction":
      if (statement.id) into.set(statement.id.name, "function");
      return;
    case "ClassDeclaration":
      if (statement.id) into.set(statement.id.name, "class");
      return;
    case "TSEnumDeclaration":
      into.set(statement.id.name, "enum");
      return;
    case "TSModuleDeclaration": {
      const name = namespaceName(statement);
      if (name !== undefined) into.set(name, "namespace");
      return;
    }
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      if (!into.has(statement.id.name)) into.set(statement.id.name, "type");
      return;
    case "TSImportEqualsDeclaration":
      into.set(statement.id.name, "import");
      return;
    case "ImportDeclaration":
      for (const { local } of statement.specifiers) into.set(local.name, "import");
      return;
  }
}

function collectMentions(root: t.Node, cell: ParsedCell): void {
  const pending: t.Node[] = [root];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node.type === "Identifier") cell.mentioned.add(node.name);
    if (node.type === "ImportDeclaration" && node.importKind !== "type") cell.modules.add(node.source.value);
    if (node.type === "ExportAllDeclaration" && node.exportKind !== "type") cell.modules.add(node.source.value);
    if (node.type === "ExportNamedDeclaration" && node.source) cell.modules.add(node.source.value);
    if (node.type === "TSImportEqualsDeclaration" && node.moduleReference.type === "TSExternalModuleReference") {
      cell.modules.add(node.moduleReference.expression.value);
    }
    if (node.type === "CallExpression") {
      const { callee, arguments: args } = node;
      const loads = callee.type === "Import" || (callee.type === "Identifier" && callee.name === "require");
      if (loads && args[0]?.type === "StringLiteral") cell.modules.add(args[0].value);
    }
    for (const child of children(node)) pending.push(child);
  }
}
