import { Tensor } from "../tensor/tensor.ts";
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
  const watched: Module[] = [];
  try {
    for (const [name, part] of model.namedModules()) {
      const forward = (part as { forward?: unknown }).forward;
      if (typeof forward !== "function") continue;
      const own = (...args: unknown[]): unknown => {
        const out: unknown = forward.apply(part, args);
        if (out instanceof Tensor) {
          delete shapes[name];
          shapes[name] = out.shape;
        }
        return out;
      };
      // An own property hides the class's method; it is not enumerable, so that no checkpoint sees it.
      Object.defineProperty(part, "forward", { value: own, configurable: true, enumerable: false });
      watched.push(part);
    }
    run();
  } finally {
    for (const part of watched) delete (part as { forward?: unknown }).forward;
  }
  return shapes;
}
