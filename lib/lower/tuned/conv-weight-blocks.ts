import type { Node } from "../../graph/node.ts";
import type { Emitter } from "../emitter.ts";
import { blockedDomain, inBlocks, turnBlocksBack } from "./blocks.ts";
import { stack } from "./stack.ts";

/** Pixels of an image below which several images share one product, so that fewer products are written out and summed. */
const small = 128;

/** Whether {@link convWeightBlocks} computes this gradient of a 3x3 convolution with stride and padding 1. */
export function fitsBlocks(e: Emitter, n: Node<"convWeight">): boolean {
  const { block } = e.target;
  const [, o, h, w] = n.inputs[1]!.shape as [number, number, number, number];
  return block > 0 && o % block === 0 && (h * w) % block === 0;
}

/**
 * The weight's gradient as blocked convolutions, in which pixels play the part of channels. In blocks, dy lies as
 * `[B, O / b, pixels, b of O]`, and that is just how such a convolution wants the filter of a convolution from pixels to
 * O: nothing is moved for it. x's pixels become the channels, in blocks of b, its channels the width of the image that
 * the filter walks over, and the blocks of pixels its height. Walking up and down by one row of pixels gives the
 * kernel's three rows; for its columns dy is moved to either side. Each image is a group of its own.
 */
export function convWeightBlocks(e: Emitter, n: Node<"convWeight">): string {
  const { block } = e.target;
  const [x, dy] = n.inputs as [Node, Node];
  const [o, c] = n.shape as [number, number];
  const [batch, , h, w] = dy.shape as [number, number, number, number];
  // Rows that are not whole blocks cannot be walked over, nor images one behind the other, where the walk would lead
  // from one into the next: three copies of each channel, moved by a row, instead.
  const walks = w % block === 0 && h * w >= small;
  const width = walks ? c : 3 * c;
  const together = h * w < small ? largestDivisor(batch, small / block) : 1;
  const groups = batch / together;
  const height = (together * h * w) / block;

  const source = walks ? e.name(x) : stack(e, x, "rows", false);
  const image = e.memoize(`pixels ${source}`, () => {
    const pixels = e.reshape(source, [batch, width, 1, h * w]);
    const blocks = e.graph.add("ReorderInput", [pixels], { channels_last: 1 }, blockedDomain);
    return e.reshape(blocks, [1, groups * block, height, width]);
  });
  const step = walks ? w / block : 0;
  const attributes = {
    group: groups,
    kernel_shape: [height, 1],
    strides: [step || 1, 1],
    pads: [step, 0, step, 0],
  };
  const columns = threeColumns(e, dy, together).map((moved) => {
    const filter = e.reshape(moved, [groups * o, block, height, 1]);
    const products = e.graph.add("Conv", [image, filter], attributes, blockedDomain);
    const each = e.reshape(products, [groups, 3 * o * c]);
    return groups === 1 ? each : e.graph.add("ReduceSum", [each, e.graph.ints([0])]);
  });
  // Each column's part is [O / b, row, C, b] or, where x was copied, [O / b, C, row, b].
  const parts = e.graph.add("Concat", columns, { axis: 0 });
  const outs = turnBlocksBack(e, parts, (3 * o) / block, 3 * c);
  const last = e.graph.add("Transpose", [e.reshape(outs, [3, o * 3 * c])], { perm: [1, 0] });
  if (!walks) return e.reshape(last, n.shape);
  return e.graph.add("Transpose", [e.reshape(last, [o, 3, c, 3])], { perm: [0, 2, 1, 3] });
}

function largestDivisor(n: number, limit: number): number {
  let d = Math.min(n, Math.floor(limit));
  while (n % d !== 0) d--;
  return d;
}

/** dy in blocks for the kernel's three columns: what a column adds to x's position it takes from dy's. */
function threeColumns(e: Emitter, dy: Node, together: number): string[] {
  const { block } = e.target;
  const [batch, o, h, w] = dy.shape as [number, number, number, number];
  const groups = batch / together;
  let blocks = inBlocks(e, e.name(dy));
  if (together > 1) {
    // Images that share a product lie behind each other: [groups, O / b, images, pixels, b]
    const images = e.reshape(blocks, [groups, together, o / block, h * w * block]);
    blocks = e.reshape(e.graph.add("Transpose", [images], { perm: [0, 2, 1, 3] }), [groups, o, together * h, w]);
  }
  return [0, 1, 2].map((column) => {
    if (column === 1) return blocks;
    const hot = e.graph.constant(`column ${column} of ${o}`, "float32", [o, 1, 1, 3], () => {
      return Float32Array.from({ length: 3 * o }, (_, i) => Number(Math.floor(i / block) % 3 === 2 - column));
    });
    const attributes = { group: o, kernel_shape: [1, 3], pads: [0, 1, 0, 1] };
    return e.graph.add("Conv", [blocks, hot], attributes, blockedDomain);
  });
}
