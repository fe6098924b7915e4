import type { Node, Op } from "../graph/node.ts";

/**
 * Gradients for the inputs of a node, given the gradient `dy` of its output. Null where an input has none (an index,
 * a condition). Rules are written on graph values, so they can be differentiated again.
 */
export type Rule<O extends Op = Op> = (node: Node<O>, dy: Node) => readonly (Node | null)[];
