import { gradMode, type Node, recording } from "../graph/node.ts";
import { add, cast, cat, constant, expand, pad } from "../graph/ops/index.ts";
import { within } from "../scope.ts";
import type { Rule } from "./rule.ts";
import { rules } from "./rules.ts";

/**
 * Gradients of `root` (times `seed`, ones by default) for all nodes that it depends on and that require one.
 *
 * @param options.createGraph - keep the result differentiable, for gradients of gradients; default false
 */
export function gradients(root: Node, options: { seed?: Node; createGraph?: boolean } = {}): Map<Node, Node> {
  if (!root.requiresGrad) return new Map();
  const { seed, createGraph = false } = options;
  const compute = () => gradientsOf(root, seed, createGraph);
  return recording.current ? recording.current.memo(["gradients", root, seed, createGraph], compute) : compute();
}

function gradientsOf(root: Node, seed: Node | undefined, createGraph: boolean): Map<Node, Node> {
  const found = new Map<Node, Node>();
  const before = gradMode.enabled;
  const leave = () => {
    gradMode.enabled = before;
  };
  within(leave, () => {
    gradMode.enabled = createGraph;
    found.set(root, seed ?? expand(cast(constant(1), root.dtype), root.shape));
    for (const node of order(root).reverse()) {
      const dy = found.get(node);
      if (!dy || node.inputs.length === 0) continue;
      const rule = rules[node.op] as Rule;
      const given = rule(node, dy);
      for (const [i, input] of node.inputs.entries()) {
        const dx = given[i];
        if (!dx || !input.requiresGrad) continue;
        const sum = found.get(input);
        found.set(input, sum ? (joined(sum, dx) ?? add(sum, dx)) : dx);
      }
    }
  });
  return found;
}

/**
 * The sum of the gradients of two neighbouring slices: side by side, instead of each with zeros where the other is.
 * Null if they are nothing of that kind.
 */
function joined(a: Node, b: Node): Node | null {
  const [p, q] = [placed(a), placed(b)];
  if (!p || !q || p.dim !== q.dim || (p.to !== q.from && q.to !== p.from)) return null;
  const { dim } = p;
  const [first, second] = p.to === q.from ? [p, q] : [q, p];
  const parts = [first.x, second.x].flatMap((x) => (x.is("cat") && x.attrs.dim === dim ? x.inputs : [x]));
  const only = (n: number): number[] => a.shape.map((_, i) => (i === dim ? n : 0));
  return pad(cat(parts, dim), only(first.from), only(a.shape[dim]! - second.to));
}

/** `n` as an `x` with zeros before and after it along one dimension, if it is of that kind. */
function placed(n: Node): { x: Node; dim: number; from: number; to: number } | null {
  if (!n.is("pad") || n.storage || n.attrs.value !== 0) return null;
  const { before, after } = n.attrs;
  const dims = before.flatMap((v, i) => (v !== 0 || after[i] !== 0 ? [i] : []));
  const [dim] = dims;
  if (dims.length !== 1 || dim === undefined || before[dim]! < 0 || after[dim]! < 0) return null;
  return { x: n.inputs[0]!, dim, from: before[dim]!, to: n.shape[dim]! - after[dim]! };
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
