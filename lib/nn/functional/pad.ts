import { show } from "../../graph/shape.ts";
import { checkChoice, checkInteger, checkNumber, checkOptions } from "../../options.ts";
import { tensor } from "../../tensor/create.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** What stands around an image: a number, the image mirrored at its edge, the edge itself, or the other side. */
export const padModes = ["constant", "reflect", "replicate", "circular"] as const;
/** One of `padModes`. */
export type PadMode = (typeof padModes)[number];

/**
 * More elements around the last dimensions: `[left, right]`, `[left, right, top, bottom]` and so on.
 *
 * ```ts
 * pad(images, [1, 1, 1, 1], { mode: "reflect" })  // [b, c, h, w] to [b, c, h + 2, w + 2]
 * ```
 *
 * @param options.mode - `"constant"` (default), `"reflect"`, `"replicate"` or `"circular"`
 * @param options.value - of `"constant"`; default 0
 */
export function pad(x: Tensor, amounts: readonly number[], options: { mode?: PadMode; value?: number } = {}): Tensor {
  checkOptions("pad", options, { mode: true, value: true });
  const { mode = "constant", value = 0 } = options;
  checkChoice("pad", "mode", mode, padModes);
  checkNumber("pad", "value", value);
  if (mode === "constant") return x.pad(amounts, value);
  if (amounts.length % 2 !== 0 || amounts.length > 2 * x.ndim) {
    throw new RangeError(`pad: got ${show(amounts)} for ${show(x.shape)}; expected pairs, the last dimension first`);
  }
  checkInteger("pad", "amount", amounts, 0);
  let out = x;
  for (let i = 0; i < amounts.length / 2; i++) {
    const dim = x.ndim - 1 - i;
    const [before, after] = [amounts[2 * i]!, amounts[2 * i + 1]!];
    if (before === 0 && after === 0) continue;
    const size = x.shape[dim]!;
    const most = mode === "reflect" ? size - 1 : mode === "circular" ? size : Infinity;
    if (size === 0 || before > most || after > most) {
      throw new RangeError(
        `pad: ${before} and ${after} around dim ${dim} of ${show(x.shape)}; "${mode}" takes ${most}`,
      );
    }
    const at = Array.from({ length: before + size + after }, (_, k) => source(mode, k - before, size));
    out = out.indexSelect(dim, tensor(at, { dtype: "int64" }));
  }
  return out;
}

/** The element that stands at place `i` of a dimension of `size`. */
function source(mode: PadMode, i: number, size: number): number {
  if (mode === "circular") return (i + size) % size;
  if (mode === "replicate") return Math.min(Math.max(i, 0), size - 1);
  const last = size - 1;
  return i < 0 ? -i : i > last ? 2 * last - i : i;
}
