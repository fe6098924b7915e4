import type * as t from "@babel/types";
import { children } from "../cells/syntax.ts";
import type { Problem } from "./problems.ts";

/** A node with those that enclose it, the nearest first. */
export interface Path {
  node: t.Node;
  parents: t.Node[];
}

/** The smallest node that covers a range of the source. */
export function nodeAt(program: t.Program, start: number, end: number): Path {
  const parents: t.Node[] = [];
  let node: t.Node = program;
  for (;;) {
    const inner: t.Node | undefined = children(node).find((child) => child.start! <= start && end <= child.end!);
    if (!inner) return { node, parents };
    parents.unshift(node);
    node = inner;
  }
}

/** Where a node begins and ends with the parentheses around it. */
export function outerRange(node: t.Node, source: string): [start: number, end: number] {
  const { parenStart } = (node.extra ?? {}) as { parenStart?: number };
  if (parenStart === undefined) return [node.start!, node.end!];
  return [parenStart, source.indexOf(")", node.end!) + 1];
}

/** Two operands and an operator, or one that assigns as well. */
export type Operation = t.BinaryExpression | t.AssignmentExpression;

export function isOperation(node: t.Node): node is Operation {
  if (node.type === "BinaryExpression") return true;
  return node.type === "AssignmentExpression" && node.operator !== "=";
}

/** `x[0]`, where what is in the brackets is no text. */
export function isIndex(node: t.Node): node is t.MemberExpression {
  return node.type === "MemberExpression" && node.computed && node.property.type !== "StringLiteral";
}

export function isArgument(node: t.Node, target: t.Node): boolean {
  return /Call/.test(node.type) && (node as t.CallExpression).arguments.includes(target as t.Expression);
}

export function sameLine(text: string): boolean {
  return !text.includes("\n") && text.length <= 100;
}

export function short(text: string): string {
  return `\`${text.length > 60 ? `${text.slice(0, 57)}...` : text}\``;
}

/** Offsets of a problem. */
export function rangeOf({ line, column, endLine, endColumn }: Problem, source: string): { start: number; end: number } {
  const lines = source.split("\n");
  const offset = (number: number, at: number) =>
    lines.slice(0, number - 1).reduce((sum, each) => sum + each.length + 1, 0) + at - 1;
  return { start: offset(line, column), end: offset(endLine, endColumn) };
}

export function textOf({ start, end }: t.Node, source: string): string {
  return source.slice(start!, end!);
}

/** A node's text as what stands in front of a dot. */
export function receiver(node: t.Node, source: string): string {
  const text = textOf(node, source);
  return isReceiver(node) ? text : `(${text})`;
}

/** Whether a dot may follow without parentheses around it. */
export function isReceiver({ type }: t.Node): boolean {
  return /^(Identifier|ThisExpression|.*MemberExpression|.*CallExpression|TSNonNullExpression|NewExpression|StringLiteral|TemplateLiteral|ArrayExpression)$/.test(
    type,
  );
}

/** The nearest call, or `new`, that has something of a node and its parents as an argument; else the nearest of all. */
export function enclosingCall(chain: readonly t.Node[]): t.CallExpression | t.NewExpression | undefined {
  const calls = chain.filter((each) => each.type === "CallExpression" || each.type === "NewExpression");
  return calls.find((each) => each.arguments.some((argument) => chain.includes(argument))) ?? calls[0];
}
