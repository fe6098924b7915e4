import type * as t from "@babel/types";

/** What a syntax tree says without any knowledge of scopes. */

/** Parts of a node that hold types only. */
export const TYPE_KEYS = new Set([
  "typeAnnotation",
  "typeParameters",
  "typeArguments",
  "returnType",
  "superTypeParameters",
  "superTypeArguments",
  "implements",
  "predicate",
]);

/** TypeScript's own nodes that hold code; all others are types. */
export const TS_WITH_CODE = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSParameterProperty",
  "TSEnumMember",
  "TSEnumBody",
  "TSModuleBlock",
]);

/**
 * The declaration inside an `export`, or the statement itself. `export default` counts where what it exports has a
 * name, which it then declares; elsewhere it exports a value.
 */
export function unwrapExport(statement: t.Statement): t.Statement {
  if (statement.type === "ExportNamedDeclaration") return statement.declaration ?? statement;
  if (statement.type !== "ExportDefaultDeclaration") return statement;
  // Babel gives interfaces here too, which its types do not say.
  const declaration = statement.declaration as t.Statement | t.Expression;
  const isDeclaration = /Declaration$|^TSDeclareFunction$/.test(declaration.type);
  return isDeclaration && "id" in declaration && declaration.id ? (declaration as t.Statement) : statement;
}

/** Whether a namespace has anything but types in it. */
export function hasValues(namespace: t.TSModuleDeclaration): boolean {
  const { body } = namespace;
  if (body.type !== "TSModuleBlock") return body.type === "TSModuleDeclaration" && hasValues(body);
  return body.body.map(unwrapExport).some((statement) => {
    if ("declare" in statement && statement.declare) return false;
    if (statement.type === "TSModuleDeclaration") return hasValues(statement);
    return !/^TS(Interface|TypeAlias)Declaration$|^TSDeclareFunction$/.test(statement.type);
  });
}

/** The first name of `namespace A.B {}`; undefined for `declare global` and `declare module "m"`, which bind none. */
export function namespaceName(node: t.TSModuleDeclaration): string | undefined {
  if (node.global) return undefined;
  return node.id.type === "Identifier" ? node.id.name : undefined;
}

/** The names that a binding pattern binds. */
export function boundNames(pattern: t.Node | null | undefined): string[] {
  switch (pattern?.type) {
    case "Identifier":
      return [pattern.name];
    case "ObjectPattern":
      return pattern.properties.flatMap((p) => boundNames(p.type === "RestElement" ? p.argument : p.value));
    case "ArrayPattern":
      return pattern.elements.flatMap(boundNames);
    case "AssignmentPattern":
      return boundNames(pattern.left);
    case "RestElement":
      return boundNames(pattern.argument);
    case "TSParameterProperty":
      return boundNames(pattern.parameter);
    default:
      return [];
  }
}

/** Reports the `var` names of nested statements, which belong to the enclosing function or cell. */
export function collectVars(nodes: readonly t.Node[], found: (name: string) => void): void {
  for (const node of nodes) {
    if (isFunction(node) || node.type === "ClassDeclaration" || node.type.startsWith("TS")) continue;
    if (node.type === "VariableDeclaration") {
      if (node.kind === "var") for (const { id } of node.declarations) for (const name of boundNames(id)) found(name);
      continue;
    }
    if (isStatement(node)) collectVars(children(node), found);
  }
}

export function isFunction(node: t.Node): node is t.Function {
  return /^(Function|Arrow|ObjectMethod|ClassMethod|ClassPrivateMethod)/.test(node.type);
}

function isStatement(node: t.Node): boolean {
  return /Statement$|^(SwitchCase|CatchClause|ExportNamedDeclaration)$/.test(node.type);
}

const NOT_CHILDREN = new Set(["loc", "start", "end", "extra", "range", "type", "errors", "directives", "interpreter"]);

/** Child nodes in source order. */
export function children(node: t.Node, skip?: ReadonlySet<string>): t.Node[] {
  const found: t.Node[] = [];
  for (const key in node) {
    if (NOT_CHILDREN.has(key) || skip?.has(key)) continue;
    const value = (node as unknown as Record<string, unknown>)[key];
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) found.push(item);
    } else if (isNode(value)) found.push(value);
  }
  return found;
}

function isNode(value: unknown): value is t.Node {
  return typeof value === "object" && value !== null && typeof (value as t.Node).type === "string";
}

/** Whether a node awaits in its own function. */
export function containsAwait(node: t.Node): boolean {
  if (isFunction(node)) return false;
  if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) return true;
  return children(node, TYPE_KEYS).some(containsAwait);
}
