import type { Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import type { Rule } from "./rules.ts";

/**
 * Normalisations. With h = (x - mean) inv, the normalised input, over n elements of a group and a = dy weight:
 * dx = inv (a - mean(a) - h mean(a h)). Written so that whole images take part in as few passes as possible.
 */
export const normRules: {
  channelAffine: Rule<"channelAffine">;
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

  groupNorm: (n, dy) => {
    const [x, weight] = n.inputs as [Node, Node];
    const { groups, eps } = n.attrs;
    const [b, c] = x.shape as [number, number];
    const per = [b, groups, c / groups];
    const { mean, inv } = g.groupStats(x, groups, eps);
    const size = x.size / (b * groups);
    const image = [b, c, x.size / (b * c), 1];
    const [xi, dyi] = [g.reshape(x, image), g.reshape(dy, image)];
    // Per channel: the sums of dy and of dy h.
    const sumDy = g.reshape(overImage(dyi), per);
    const sumDyX = g.reshape(overImage(g.mul(dyi, xi)), per);
    const sumDyH = g.mul(g.sub(sumDyX, g.mul(sumDy, mean)), inv);
    const w = g.reshape(weight, [1, groups, c / groups]);
    const meanA = g.mul(g.sum(g.mul(sumDy, w), [2], true), 1 / size);
    const meanAH = g.mul(g.sum(g.mul(sumDyH, w), [2], true), 1 / size);
    // dx = dy (w inv) + x slope + offset, with the two below from expanding h.
    const slope = g.neg(g.mul(g.mul(inv, inv), meanAH));
    const offset = g.neg(g.add(g.mul(slope, mean), g.mul(inv, meanA)));
    const each = (t: Node): Node => g.reshape(g.expand(t, per), [b, c]);
    const dx = g.add(
      g.channelAffine(xi, each(slope), each(offset)),
      g.mul(dyi, g.reshape(g.mul(inv, w), [b, c, 1, 1])),
    );
    return [
      g.reshape(dx, x.shape),
      g.reshape(g.sum(sumDyH, [0]), weight.shape),
      g.reshape(g.sum(sumDy, [0]), weight.shape),
    ];
  },

  layerNorm: (n, dy) => {
    const [x, weight, bias] = n.inputs as [Node, Node, Node];
    const mean = g.mean(x, [-1], true);
    const centred = g.sub(x, mean);
    const variance = g.mean(g.mul(centred, centred), [-1], true);
    const inv = g.reciprocal(g.sqrt(g.add(variance, n.attrs.eps)));
    const h = g.mul(centred, inv);
    const a = g.mul(dy, weight);
    const meanAH = g.mean(g.mul(a, h), [-1], true);
    const dx = g.mul(inv, g.sub(g.sub(a, g.mean(a, [-1], true)), g.mul(h, meanAH)));
    return [dx, g.sumTo(g.mul(dy, h), weight.shape), g.sumTo(dy, bias.shape)];
  },
};

/** Sum over the image dimensions: `[B, C, H, W]` to `[B, C]`. */
function overImage(t: Node): Node {
  return g.sum(t, [2, 3]);
}
