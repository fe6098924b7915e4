import type { Node } from "../../graph/node.ts";
import { microsoft } from "../../onnx/model.ts";
import { convWeight as bySlices } from "../conv-weight.ts";
import type { Emitter } from "../emitter.ts";
import { convWeightBlocks, fitsBlocks } from "./conv-weight-blocks.ts";
import { oneHot, stack } from "./stack.ts";

/** The weight's gradient of the convolutions that networks are mostly made of. */
export function convWeight(e: Emitter, n: Node<"convWeight">): string {
  const { stride, padding: p, dilation, groups } = n.attrs;
  const [kh, kw] = n.shape.slice(2) as [number, number];
  const x = n.inputs[0]!;
  const plain = groups === 1 && dilation[0] === 1 && dilation[1] === 1;
  const padded = (size: number) => p.every((v) => v === size);
  if (plain && kh === 1 && kw === 1 && stride[0] === 1 && stride[1] === 1 && padded(0)) return pointwise(e, n);
  if (plain && kh === 3 && kw === 3 && padded(1)) {
    if (stride[0] === 1 && stride[1] === 1) return fitsBlocks(e, n) ? convWeightBlocks(e, n) : byStacks(e, n);
    const even = x.shape[2]! % 2 === 0 && x.shape[3]! % 2 === 0;
    if (stride[0] === 2 && stride[1] === 2 && even) return byPhases(e, n);
  }
  return bySlices(e, n);
}

/** dy xᵀ for each image, summed over the batch. */
function product(e: Emitter, dy: string, x: string): string {
  const all = e.graph.add("FusedMatMul", [dy, x], { transB: 1 }, microsoft);
  return e.graph.add("ReduceSum", [all, e.graph.ints([0])], { keepdims: 0 });
}

function pointwise(e: Emitter, n: Node<"convWeight">): string {
  const [x, dy] = n.inputs as [Node, Node];
  const rows = (t: Node) => e.reshape(e.name(t), [t.shape[0]!, t.shape[1]!, t.shape[2]! * t.shape[3]!]);
  return e.reshape(product(e, rows(dy), rows(x)), n.shape);
}

/**
 * Kernel 3x3: shift x by the kernel's column and dy by its row, then all nine products are one. Where one of the two
 * has few channels it alone takes all nine shifts.
 */
function byStacks(e: Emitter, n: Node<"convWeight">): string {
  const [x, dy] = n.inputs as [Node, Node];
  const [o, c] = n.shape as [number, number];
  if (c * 4 <= o) {
    // [O, C, (row, column)]
    return e.reshape(product(e, stack(e, dy, "none", true), stack(e, x, "all", false)), n.shape);
  }
  if (o * 4 <= c) {
    // [O, (row, column), C] -> [O, C, (row, column)]
    const all = e.reshape(product(e, stack(e, dy, "all", true), stack(e, x, "none", false)), [o, 9, c]);
    return e.reshape(e.graph.add("Transpose", [all], { perm: [0, 2, 1] }), n.shape);
  }
  if (x.shape[2]! * x.shape[3]! <= 64) return byChannel(e, n);
  // [O, row, C, column] -> [O, C, row, column]
  const all = e.reshape(product(e, stack(e, dy, "rows", true), stack(e, x, "columns", false)), [o, 3, c, 3]);
  return e.graph.add("Transpose", [all], { perm: [0, 2, 1, 3] });
}

/**
 * Small images: a product for each would be written out and summed at greater cost than it is computed. With channels
 * first, the batch and the image together are what is summed over, and there is one product for each row.
 */
function byChannel(e: Emitter, n: Node<"convWeight">): string {
  const [x, dy] = n.inputs as [Node, Node];
  const [o, c] = n.shape as [number, number];
  const [b, , h, w] = dy.shape as [number, number, number, number];
  const pixels = b * h * w;
  const first = (t: Node) =>
    e.memoize(`first ${e.name(t)}`, () => e.graph.add("Transpose", [e.name(t)], { perm: [1, 0, 2, 3] }));
  // The images below each other are one tall image: columns shift within their rows.
  const hot = e.graph.constant(`one-hot ${c} columns false`, "float32", [3 * c, 1, 1, 3], () => oneHot(c, 3, false));
  const columns = e.memoize(`tall ${e.name(x)}`, () => {
    const tall = e.reshape(first(x), [1, c, b * h, w]);
    const stacked = e.graph.add("Conv", [tall, hot], { group: c, kernel_shape: [1, 3], pads: [0, 1, 0, 1] });
    return e.reshape(stacked, [3 * c, pixels]);
  });
  const rows = [1, 0, -1].map((shift) => {
    const turnedDy = first(dy);
    if (shift === 0) return e.reshape(turnedDy, [o, pixels]);
    const [top, bottom] = [Math.max(0, -shift), Math.max(0, shift)];
    const kept = e.graph.add("Slice", [turnedDy, e.graph.ints([bottom]), e.graph.ints([h - top]), e.graph.ints([2])]);
    const moved = e.graph.add("Pad", [kept, e.graph.ints([0, 0, top, 0, 0, 0, bottom, 0]), e.graph.scalar(0)]);
    return e.reshape(moved, [o, pixels]);
  });
  // Each [O, (C, column)]
  const products = rows.map((row) => e.reshape(e.graph.add("Gemm", [row, columns], { transB: 1 }), [o, c, 1, 3]));
  return e.graph.add("Concat", products, { axis: 2 });
}

/**
 * Kernel 3x3, stride 2: the four phases of x (even and odd rows and columns) against dy and dy shifted by one row, one
 * column or both. Kernel row 0 reads odd rows one place up, row 1 even rows, row 2 odd rows; columns likewise.
 */
function byPhases(e: Emitter, n: Node<"convWeight">): string {
  const [x, dy] = n.inputs as [Node, Node];
  const [o, c] = n.shape as [number, number];
  const [b, , h, w] = dy.shape as [number, number, number, number];
  const phases = e.reshape(e.graph.add("SpaceToDepth", [e.name(x)], { blocksize: 2 }), [b, 4 * c, h * w]);
  // For each channel of dy four copies: as it is, moved left, moved up, moved up and left.
  const hot = e.graph.constant(`phases ${o}`, "float32", [4 * o, 1, 2, 2], () => {
    const weights = new Float32Array(o * 16);
    for (let i = 0; i < o; i++) for (let s = 0; s < 4; s++) weights[i * 16 + s * 4 + s] = 1;
    return weights;
  });
  const moved = e.graph.add("Conv", [e.name(dy), hot], { group: o, kernel_shape: [2, 2], pads: [0, 0, 1, 1] });
  const all = product(e, e.reshape(moved, [b, 4 * o, h * w]), phases);
  // [O, (up, left), (row, column) phase, C] -> [O, C, (up, row), (left, column)]
  const grid = e.graph.add("Transpose", [e.reshape(all, [o, 2, 2, 2, 2, c])], { perm: [0, 5, 1, 3, 2, 4] });
  const wanted = e.graph.ints([3, 0, 1]);
  const rows = e.graph.add("Gather", [e.reshape(grid, [o, c, 4, 4]), wanted], { axis: 2 });
  return e.graph.add("Gather", [rows, wanted], { axis: 3 });
}
