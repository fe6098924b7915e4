import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { children, isFunction } from "../cells/syntax.ts";
import type { Habit } from "./habits.ts";
import { pythonName } from "./python-names.ts";
import { shorten } from "./python-syntax.ts";
import { textOf } from "./tree.ts";

/**
 * What runs, and means something else than it looks like: `zeros((2, 3))`, where the parentheses hold 3 alone, and
 * `(v) => { v * 2 }`, which returns nothing.
 */
export function slip({ program, source }: ParsedCell): Habit | undefined {
  let found: Habit | undefined;
  const at = ({ start, end }: t.Node, message: string): void => {
    found ??= { start: start!, end: end!, message };
  };
  const visit = (node: t.Node, parent: t.Node | undefined): void => {
    if (node.type === "SequenceExpression" && node.expressions.slice(0, -1).every(isIdle) && !isHead(node, parent)) {
      const list = node.expressions.map((each) => textOf(each, source)).join(", ");
      const written = parent?.type === "ExpressionStatement" && isBlock(parent) ? `new Set([${list}])` : `[${list}]`;
      at(node, `That is Python. In TypeScript, write: ${shorten(written)}`);
    }
    // a: int = 5
    if (node.type === "LabeledStatement" && node.body.type === "ExpressionStatement") {
      const { expression } = node.body;
      if (expression.type === "AssignmentExpression" && expression.left.type === "Identifier") {
        const type = pythonName(expression.left.name, undefined, true) ?? expression.left.name;
        const name = `const ${node.label.name}: ${type} = ${textOf(expression.right, source)}`;
        at(node, `That is Python. In TypeScript, write: ${shorten(name)}`);
      }
    }
    if (isFunction(node) && node.body.type === "BlockStatement") {
      const [only, ...others] = node.body.body;
      if (only?.type === "ExpressionStatement" && others.length === 0 && isResult(only.expression)) {
        const text = textOf(only.expression, source);
        at(only, `This function returns nothing. Write: return ${shorten(text)};`);
      }
    }
    for (const child of children(node)) {
      if (found) return;
      visit(child, node);
    }
  };
  const blocks = new Set<t.Node>();
  for (const statement of program.body) {
    if (statement.type === "BlockStatement" && statement.body.length === 1) blocks.add(statement.body[0]!);
  }
  const isBlock = (node: t.Node) => blocks.has(node);
  visit(program, undefined);
  return found;
}

/** `(0, f)()` and the heads of loops. */
function isHead(node: t.Node, parent: t.Node | undefined): boolean {
  if (parent?.type === "ForStatement") return true;
  if (parent?.type === "MemberExpression") return true; // x[0, 1] of a tensor, which the checker knows
  return parent?.type === "CallExpression" && parent.callee === node;
}

/** Whether computing a value does nothing else. */
function isIdle(node: t.Node): boolean {
  if (/^(Numeric|String|Boolean|Null)Literal$|^Identifier$/.test(node.type)) return true;
  if (!/^(Unary|Binary|Array|Member|Sequence)Expression$/.test(node.type)) return false;
  return children(node).every(isIdle);
}

/** A value that nobody computes without using it. */
function isResult(node: t.Node): boolean {
  return /^(Binary|Array)Expression$|Literal$/.test(node.type) && node.type !== "StringLiteral";
}
