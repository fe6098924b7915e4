import { createRequire } from "node:module";
import type { ParserOptions } from "@babel/parser";
import type * as t from "@babel/types";
import { boundNames, children, collectVars, hasValues, namespaceName, unwrapExport } from "./syntax.ts";

/**
 * What a name at the top level of a cell is. `type` covers interfaces, aliases and namespaces of types, which leave
 * nothing at run time; `ambient` what `declare` says is there already.
 */
export type NameKind = "let" | "const" | "function" | "class" | "enum" | "namespace" | "import" | "type" | "ambient";

/** Kinds of names that a cell makes no value for. */
export function isErased(kind: NameKind): boolean {
  return kind === "type" || kind === "ambient";
}

/** A cell's source with its syntax tree, and what the rest of the kernel asks about it. */
export interface ParsedCell {
  source: string;
  program: t.Program;
  /** Names that the cell declares at its top level. */
  declared: Map<string, NameKind>;
  /** Those among them that are types, or may be; a name can be a value and a type of its own. */
  types: Set<string>;
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
 * @returns the cell, or undefined if nothing could be made of the text
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
    types: new Set(),
    mentioned: new Set(),
    modules: new Set(),
  };
  for (const statement of program.body) {
    const names = new Map<string, NameKind>();
    declareStatement(statement, names);
    const isType = !/^(Variable|Function|TSDeclareFunction)/.test(unwrapExport(statement).type);
    for (const [name, kind] of names) {
      if (kind !== "type" || !cell.declared.has(name)) cell.declared.set(name, kind);
      if (isType) cell.types.add(name);
    }
  }
  collectVars(program.body, (name) => cell.declared.set(name, "let"));
  collectMentions(program, cell);
  return cell;
}

/** The parser's names for what goes on to the end of the text. */
const OPEN = new Set(["UnterminatedTemplate", "UnterminatedComment"]);

/** The first syntax error of a text, or undefined if it has none. */
export function syntaxProblem(source: string): SyntaxProblem | undefined {
  try {
    babel().parse(source, OPTIONS);
    return undefined;
  } catch (error) {
    const { message, pos, reasonCode } = error as Error & { pos?: number; reasonCode?: string };
    const offset = pos ?? source.length;
    const rest = source.slice(offset).trim();
    const isOpen = OPEN.has(reasonCode ?? "") || (reasonCode === "NoCatchOrFinally" && /\}\s*$/.test(source));
    return { message: message.replace(/ \(\d+:\d+\)$/, ""), offset, atEnd: rest === "" || isOpen };
  }
}

/** Where the first JSX element of a text begins and ends; undefined if it is no TypeScript with JSX either. */
export function firstJsx(source: string): { start: number; end: number } | undefined {
  if (!/<\s*(?:[\p{L}_$]|>)/u.test(source)) return undefined;
  let found: t.Node | undefined;
  try {
    const pending: t.Node[] = [babel().parse(source, { ...OPTIONS, plugins: [...OPTIONS.plugins!, "jsx"] }).program];
    for (let node = pending.pop(); node; node = pending.pop()) {
      if (!/^JSX(Element|Fragment)$/.test(node.type)) pending.push(...children(node));
      else if (!found || node.start! < found.start!) found = node;
    }
  } catch {
    return undefined;
  }
  return found && { start: found.start!, end: found.end! };
}

/** Adds the names that one statement declares in its own block. */
export function declareStatement(outer: t.Statement, into: Map<string, NameKind>): void {
  const statement = unwrapExport(outer);
  const isAmbient = "declare" in statement && statement.declare === true;
  const add = (name: string | undefined, kind: NameKind) => {
    if (name === undefined || (kind === "type" && into.has(name))) return;
    into.set(name, isAmbient && kind !== "type" ? "ambient" : kind);
  };
  switch (statement.type) {
    case "VariableDeclaration": {
      const kind = statement.kind === "const" || statement.kind.endsWith("using") ? "const" : "let";
      for (const { id } of statement.declarations) for (const name of boundNames(id)) add(name, kind);
      return;
    }
    case "FunctionDeclaration":
    case "TSDeclareFunction":
      return add(statement.id?.name, "function");
    case "ClassDeclaration":
      return add(statement.id?.name, "class");
    case "TSEnumDeclaration":
      return add(statement.id.name, "enum");
    case "TSModuleDeclaration":
      return add(namespaceName(statement), hasValues(statement) ? "namespace" : "type");
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return add(statement.id.name, "type");
    case "TSImportEqualsDeclaration":
      return add(statement.id.name, statement.importKind === "type" ? "type" : "import");
    case "ImportDeclaration":
      for (const specifier of statement.specifiers) {
        const isType = [statement, specifier].some((each) => "importKind" in each && each.importKind === "type");
        add(specifier.local.name, isType ? "type" : "import");
      }
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
