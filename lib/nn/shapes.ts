import { Tensor } from "../tensor/tensor.ts";
import { AttentionProbs } from "./attention-probs.ts";
import type { RemovableHandle } from "./hooks.ts";
import type { Module } from "./module.ts";

/**
 * The shape of what each part of a network gives out, by the part's name, in the order in which they finish. Nothing is computed: shapes
 * are known as soon as an operation is written.
 *
 * ```ts
 * outputShapes(model, () => model.forward(zeros([1, 1, 28, 28])))  // { conv1: [1, 16, 28, 28], ... }
 * ```
 *
 * @param run - calls the network once; a part that is called again counts by its last call
 */
export function outputShapes(model: Module, run: () => unknown): Record<string, readonly number[]> {
  const shapes: Record<string, readonly number[]> = {};
  const handles: RemovableHandle[] = [];
  try {
    for (const [name, part] of model.namedModules()) {
      // Attention computes its probabilities only where somebody asks for them.
      if (part instanceof AttentionProbs || !("forward" in part)) continue;
      const note = (_: unknown, __: unknown, out: unknown) => {
        if (!(out instanceof Tensor)) return;
        delete shapes[name];
        shapes[name] = out.shape;
      };
      handles.push(part.registerForwardHook(note));
    }
    run();
  } finally {
    for (const handle of handles) handle.remove();
  }
  return shapes;
}
