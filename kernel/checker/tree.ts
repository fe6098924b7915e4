import type * as t from "@babel/types";
import { children } from "../cells/syntax.ts";

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
