import type { Node } from "../graph/node.ts";

const futures = new WeakMap<Node, Promise<void>>();

/** Says that a node's elements will be there when `arrival` is fulfilled: a compiled function computes them. */
export function expect(node: Node, arrival: Promise<void>): void {
  futures.set(node, arrival);
}

/**
 * Waits for those of `nodes` that a compiled function is about to compute.
 *
 * @returns whether there were any
 * @throws what kept them from being computed; Error if a node is nobody's: made inside a compiled function
 */
export async function arrived(nodes: Iterable<Node>): Promise<boolean> {
  let waited = false;
  for (const node of nodes) {
    if (node.storage) continue;
    const future = futures.get(node);
    if (!future) {
      throw new Error(
        `a tensor of shape [${node.shape}] was created inside a compiled function and no longer exists; return it from the function`,
      );
    }
    waited = true;
    await future;
  }
  return waited;
}
