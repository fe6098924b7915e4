import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkChoice, checkInteger, checkNumber, checkOptions } from "../../options.ts";
import { tensor } from "../../tensor/create.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { type Pair, pair } from "./conv.ts";
import { adaptiveAvgPool2d } from "./pool.ts";

/** How pixels of another size are made of those that are there. */
export const interpolationModes = ["nearest", "bilinear", "area"] as const;

/** What `interpolate` takes: `size` or `scaleFactor`. */
export interface InterpolateOptions {
  /** Height and width of the result. */
  readonly size?: Pair;
  /** How many times as large it is. */
  readonly scaleFactor?: Pair;
  /** `"nearest"` (default), `"bilinear"`, or `"area"`, the mean of what each pixel covers. */
  readonly mode?: (typeof interpolationModes)[number];
  /** For `"bilinear"`: corner pixels keep their place and value; default false. */
  readonly alignCorners?: boolean;
}

/**
 * Images in another size: `[B, C, H, W]` to `[B, C, H', W']`, as PyTorch's `F.interpolate`.
 *
 * ```ts
 * interpolate(images, { scaleFactor: 2, mode: "bilinear" })  // [b, c, 28, 28] to [b, c, 56, 56]
 * ```
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const where = "interpolate";
  checkOptions(where, options, { size: true, scaleFactor: true, mode: true, alignCorners: true });
  const { size, scaleFactor, mode = "nearest", alignCorners } = options;
  checkChoice(where, "mode", mode, interpolationModes);
  if (x.ndim !== 4) throw new RangeError(`${where}: got ${show(x.shape)}, expected [B, C, H, W]`);
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new TypeError(`${where}: give either size or scaleFactor`);
  }
  if (alignCorners !== undefined && mode !== "bilinear") {
    throw new TypeError(`${where}: alignCorners is for the mode "bilinear", not "${mode}"`);
  }
  const factors = scaleFactor === undefined ? null : pair(scaleFactor);
  for (const f of factors ?? []) checkNumber(where, "scaleFactor", f, Number.MIN_VALUE);
  const wanted = size !== undefined ? pair(size) : factors!.map((f, i) => Math.floor(x.shape[2 + i]! * f));
  checkInteger(where, "size", wanted, 1);
  if (mode === "area") return adaptiveAvgPool2d(x, wanted as [number, number]);
  // How far apart two pixels of the result lie in the input.
  const step = (i: number) => (factors ? 1 / factors[i]! : x.shape[2 + i]! / wanted[i]!);
  if (mode === "nearest") {
    return [0, 1].reduce((image, i) => {
      const from = x.shape[2 + i]!;
      // In float32, as PyTorch counts.
      const scale = Math.fround(step(i));
      const at = Array.from({ length: wanted[i]! }, (_, k) => {
        return Math.min(Math.floor(Math.fround(k * scale)), from - 1);
      });
      return image.indexSelect(2 + i, tensor(at, { dtype: "int64" }));
    }, x);
  }
  const [h, w] = [0, 1].map((i) => between(x.shape[2 + i]!, wanted[i]!, step(i), alignCorners ?? false));
  return new Tensor(g.inFloat32(x.node, (wide) => g.matmul(h!.node, g.matmul(wide, g.transpose(w!.node, 0, 1)))));
}

/** `[to, from]`: each row holds the shares of the two neighbours between which a pixel of the result lies. */
function between(from: number, to: number, step: number, corners: boolean): Tensor {
  const rows = new Float32Array(to * from);
  for (let k = 0; k < to; k++) {
    const place = corners ? (to > 1 ? (k * (from - 1)) / (to - 1) : 0) : Math.max(0, (k + 0.5) * step - 0.5);
    const low = Math.min(Math.floor(place), from - 1);
    const high = Math.min(low + 1, from - 1);
    const share = Math.min(Math.max(place - low, 0), 1);
    rows[k * from + low]! += 1 - share;
    rows[k * from + high]! += share;
  }
  return tensor(rows, [to, from]);
}
