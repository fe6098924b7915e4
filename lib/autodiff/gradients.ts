import { gradMode, type Node } from "../graph/node.ts";
import { add, cast, constant, expand } from "../graph/ops/index.ts";
import { type Rule, rules } from "./rules.ts";

/**
 * Gradients of `root` (times `seed`, ones by default) for all nodes that it depends on and that require one.
 *
 * @param options.createGraph - keep the result differentiable, for gradients of gradients; default false
 */
export function gradients(root: Node, options: { seed?: Node; createGraph?: boolean } = {}): Map<Node, Node> {
  const found = new Map<Node, Node>();
  if (!root.requiresGrad) return found;
  const before = gradMode.enabled;
  gradMode.enabled = options.createGraph ?? false;
  try {
    found.set(root, options.seed ?? expand(cast(constant(1), root.dtype), root.shape));
    for (const node of order(root).reverse()) {
      const dy = found.get(node);
      if (!dy || node.inputs.length === 0) continue;
      const rule = rules[node.op] as Rule;
      const given = rule(node, dy);
      for (const [i, input] of node.inputs.entries()) {
        const dx = given[i];
        if (!dx || !input.requiresGrad) continue;
        const sum = found.get(input);
        found.set(input, sum ? add(sum, dx) : dx);
      }
    }
  } finally {
    gradMode.enabled = before;
  }
  return found;
}

/** Nodes that need a gradient, inputs before the nodes that read them. Without recursion: graphs are deep. */
function order(root: Node): Node[] {
  const seen = new Set<Node>();
  const sorted: Node[] = [];
  const stack: [Node, number][] = [[root, 0]];
  seen.add(root);
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    const input = top[0].inputs[top[1]++];
    if (!input) {
      sorted.push(top[0]);
      stack.pop();
    } else if (input.requiresGrad && !seen.has(input)) {
      seen.add(input);
      stack.push([input, 0]);
    }
  }
  return sorted;
}
