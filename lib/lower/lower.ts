import type { TypedArray } from "../graph/dtype.ts";
import type { Node } from "../graph/node.ts";
import { eightBit } from "./eight-bit/index.ts";
import { type Emissions, Emitter, type Target } from "./emitter.ts";
import { frozen } from "./frozen.ts";
import { standard } from "./standard.ts";
import type { Structure } from "./structure.ts";
import { tuned } from "./tuned/index.ts";

/** The formulation of each operation for a target: the standard one unless there is a faster one. */
const tableOf = ({ tuned: fast, frozen: constant, eightBit: weights }: Target): Emissions => ({
  ...standard,
  ...(fast ? tuned : {}),
  ...(fast && constant ? frozen : {}),
  ...(weights ? eightBit : {}),
});

/**
 * A graph as the bytes of an ONNX model. Its outputs are named `y0`, `y1` and so on.
 *
 * @param constants - inputs whose elements become part of the model
 */
export function lower(structure: Structure, target: Target, constants?: ReadonlyMap<Node, TypedArray>): Uint8Array {
  return new Emitter(target, tableOf(target)).emit(structure, constants);
}
