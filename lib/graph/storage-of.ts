import type { Node, Storage } from "./node.ts";

/** Where all of a value's elements are, perhaps in another dtype and shape; null where it has to be computed from something. */
export function storageOf(node: Node): Storage | null {
  let at = node;
  while (!at.storage && (at.is("cast") || at.is("reshape") || at.is("detach"))) at = at.inputs[0]!;
  return at.storage;
}
