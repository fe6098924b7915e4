import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkOptions } from "../../options.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { integerPair, type Pair } from "./conv.ts";

/**
 * The windows that a convolution looks at, one in each column: `[B, C, H, W]` to `[B, C kh kw, windows]`, so that a
 * convolution is one matrix product.
 *
 * ```ts
 * weight.flatten(1).matmul(unfold(images, 3, { padding: 1 }))  // [b, out, h w], as conv2d gives it
 * ```
 */
export function unfold(
  x: Tensor,
  kernelSize: Pair,
  options: { stride?: Pair; padding?: Pair; dilation?: Pair } = {},
): Tensor {
  checkOptions("unfold", options, { stride: true, padding: true, dilation: true });
  if (x.ndim !== 4) throw new RangeError(`unfold: got ${show(x.shape)}, expected [B, C, H, W]`);
  const [kh, kw] = integerPair("unfold", "kernelSize", kernelSize, 1);
  const stride = integerPair("unfold", "stride", options.stride ?? 1, 1);
  const [ph, pw] = integerPair("unfold", "padding", options.padding ?? 0, 0);
  const dilation = integerPair("unfold", "dilation", options.dilation ?? 1, 1);
  const padded = x.pad([pw, pw, ph, ph]);
  const counts = [kh, kw].map((k, i) => {
    return Math.floor((padded.shape[2 + i]! - dilation[i]! * (k - 1) - 1) / stride[i]!) + 1;
  }) as [number, number];
  if (counts.some((n) => n < 1)) {
    throw new RangeError(`unfold: the window ${kh}x${kw} does not fit into ${show(padded.shape)}`);
  }
  const parts = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const rows = padded.slice(2, i * dilation[0], i * dilation[0] + (counts[0] - 1) * stride[0] + 1, stride[0]);
      parts.push(rows.slice(3, j * dilation[1], j * dilation[1] + (counts[1] - 1) * stride[1] + 1, stride[1]));
    }
  }
  const [b, c] = x.shape as [number, number];
  const stacked = g.cat(
    parts.map((part) => part.unsqueeze(2).node),
    2,
  ); // [B, C, kh kw, H', W']
  return new Tensor(stacked).reshape(b, c * kh * kw, counts[0] * counts[1]);
}
