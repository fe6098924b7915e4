import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import type { Rule } from "./rule.ts";

/**
 * Normalisations. With h = (x - mean) inv, the normalised input, over n elements of a group and a = dy weight:
 * dx = inv (a - mean(a) - h mean(a h)). Written so that whole images take part in as few passes as possible.
 */
export const normRules: {
  channelAffine: Rule<"channelAffine">;
  standardize: Rule<"standardize">;
  inverseDeviation: Rule<"inverseDeviation">;
  groupNorm: Rule<"groupNorm">;
  layerNorm: Rule<"layerNorm">;
} = {
  channelAffine: (n, dy) => {
    const [x, scale, shift] = n.inputs as [Node, Node, Node];
    return [
      g.channelAffine(dy, scale, g.mul(shift, 0)),
      g.reshape(overImage(g.mul(dy, x)), scale.shape),
      g.reshape(overImage(dy), shift.shape),
    ];
  },

  standardize: (n, dy) => {
    const { h, inv } = g.standardized(n.inputs[0]!, n.attrs.eps);
    return [throughRows(dy, h, inv)];
  },

  // inv = (variance + eps)^(-1/2), so its slope is -inv^2 h / n.
  inverseDeviation: (n, dy) => {
    const x = n.inputs[0]!;
    const { h, inv } = g.standardized(x, n.attrs.eps);
    return [g.mul(h, g.mul(g.mul(dy, g.mul(inv, inv)), -1 / x.shape[1]!))];
  },

  groupNorm: (n, dy) => {
    const [x, weight] = n.inputs as [Node, Node];
    const { groups, eps } = n.attrs;
    const [b, c] = x.shape as [number, number];
    const per = [b, groups, c / groups];
    const size = x.size / (b * groups);
    const rows = g.standardized(g.reshape(x, [b * groups, size]), eps);
    const inv = g.reshape(rows.inv, [b, groups, 1]);
    const image = [b, c, x.size / (b * c), 1];
    const [h, dyi] = [g.reshape(rows.h, image), g.reshape(dy, image)];
    // Per channel: the sums of dy and of dy h.
    const sumDy = g.reshape(overImage(dyi), per);
    const sumDyH = g.reshape(overImage(g.mul(dyi, h)), per);
    const w = g.reshape(weight, [1, groups, c / groups]);
    const meanA = g.mul(g.sum(g.mul(sumDy, w), [2], true), 1 / size);
    const meanAH = g.mul(g.sum(g.mul(sumDyH, w), [2], true), 1 / size);
    // dx = dy (w inv) + h slope + offset
    const each = (t: Node): Node => g.reshape(g.expand(t, per), [b, c]);
    const [slope, offset] = [g.neg(g.mul(inv, meanAH)), g.neg(g.mul(inv, meanA))];
    const dx = g.add(g.channelAffine(h, each(slope), each(offset)), g.mul(dyi, g.reshape(g.mul(inv, w), [b, c, 1, 1])));
    return [
      g.reshape(dx, x.shape),
      g.reshape(g.sum(sumDyH, [0]), weight.shape),
      g.reshape(g.sum(sumDy, [0]), weight.shape),
    ];
  },

  layerNorm: (n, dy) => {
    const [x, weight, bias] = n.inputs as [Node, Node, Node];
    const size = x.shape.at(-1)!;
    const flat = (t: Node): Node => g.reshape(t, [x.size / size, size]);
    const { h, inv } = g.standardized(flat(x), n.attrs.eps);
    const dx = throughRows(flat(g.mul(dy, weight)), h, inv);
    return [g.reshape(dx, x.shape), g.reshape(g.sum(g.mul(flat(dy), h), [0]), weight.shape), g.sumTo(dy, bias.shape)];
  },
};

/** The gradient of rows `[rows, n]` that were normalised to `h`. */
function throughRows(a: Node, h: Node, inv: Node): Node {
  const meanAH = g.mean(g.mul(a, h), [-1], true);
  return g.mul(inv, g.sub(g.sub(a, g.mean(a, [-1], true)), g.mul(h, meanAH)));
}

/** Sum over the image dimensions: `[B, C, H, W]` to `[B, C]`. */
function overImage(t: Node): Node {
  return g.sum(t, [2, 3]);
}
