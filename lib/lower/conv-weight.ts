import type { Node } from "../graph/node.ts";
import type { Emitter } from "./emitter.ts";

/**
 * The weight's gradient of a convolution: `dw[o, c, i, j] = sum over b, y, x of dy[b, o, y, x] * x[b, c, y s + i, x s + j]`.
 *
 * Small kernels: one matrix product of dy with a shifted slice of the padded input for each place (i, j).
 * Large ones: a convolution that takes dy as its kernel, with stride and dilation changing places.
 */
export function convWeight(e: Emitter, n: Node<"convWeight">): string {
  const [x, dy] = n.inputs as [Node, Node];
  const [kh, kw] = n.shape.slice(2) as [number, number];
  return kh * kw > 25 && n.attrs.groups === 1 ? byConvolution(e, n, x, dy) : bySlices(e, n, x, dy);
}

function bySlices(e: Emitter, n: Node<"convWeight">, x: Node, dy: Node): string {
  const { stride, padding: p, dilation, groups } = n.attrs;
  const [o, cg, kh, kw] = n.shape as [number, number, number, number];
  const [b, c] = x.shape as [number, number];
  const [ho, wo] = dy.shape.slice(2) as [number, number];
  const padded = p.some((v) => v !== 0)
    ? e.graph.add("Pad", [e.name(x), e.graph.ints([0, 0, p[0], p[1], 0, 0, p[2], p[3]]), e.scalar(0, n)])
    : e.name(x);
  const rows = e.reshape(e.name(dy), [b, groups, o / groups, ho * wo]);
  const parts: string[] = [];
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      const [top, left] = [i * dilation[0], j * dilation[1]];
      const whole = kh * kw === 1 && stride[0] === 1 && stride[1] === 1 && padded === e.name(x);
      const part = whole
        ? padded
        : e.graph.add("Slice", [
            padded,
            e.graph.ints([top, left]),
            e.graph.ints([top + (ho - 1) * stride[0] + 1, left + (wo - 1) * stride[1] + 1]),
            e.graph.ints([2, 3]),
            e.graph.ints(stride),
          ]);
      const columns = e.graph.add("Transpose", [e.reshape(part, [b, groups, c / groups, ho * wo])], {
        perm: [0, 1, 3, 2],
      });
      const products = e.graph.add("MatMul", [rows, columns]);
      const sum = e.graph.add("ReduceSum", [products, e.graph.ints([0])], { keepdims: 0 });
      parts.push(e.reshape(sum, [o, cg, 1]));
    }
  }
  return e.reshape(parts.length === 1 ? parts[0]! : e.graph.add("Concat", parts, { axis: 2 }), n.shape);
}

function byConvolution(e: Emitter, n: Node<"convWeight">, x: Node, dy: Node): string {
  const { stride, padding: p, dilation } = n.attrs;
  const perm = [1, 0, 2, 3];
  const [kh, kw] = n.shape.slice(2) as [number, number];
  const [ho, wo] = dy.shape.slice(2) as [number, number];
  // The last rows and columns that no window reached would make the result larger: crop them.
  const extra = [0, 1].map((d) => {
    const reach = ((d === 0 ? ho : wo) - 1) * stride[d]! + ((d === 0 ? kh : kw) - 1) * dilation[d]! + 1;
    return x.shape[2 + d]! + p[d]! + p[d + 2]! - reach;
  }) as [number, number];
  const image = e.graph.add("Pad", [
    e.graph.add("Transpose", [e.name(x)], { perm }),
    e.graph.ints([0, 0, p[0], p[1], 0, 0, p[2] - extra[0], p[3] - extra[1]]),
    e.scalar(0, n),
  ]);
  const kernel = e.graph.add("Transpose", [e.name(dy)], { perm });
  const product = e.graph.add("Conv", [image, kernel], {
    kernel_shape: [ho, wo],
    strides: dilation,
    dilations: stride,
  });
  return e.graph.add("Transpose", [product], { perm });
}
