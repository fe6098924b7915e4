import { arrow, extent, rect, type Shape } from "./blocks.ts";
import { type Drawing, Figure } from "./figure.ts";
import { sizes } from "./format.ts";
import { SERIES } from "./palette.ts";
import { COLUMN, SMALL, titleBlock } from "./parts.ts";
import { lineHeight, lines, wrap } from "./svg.ts";

/** One step of a chain of layers. */
export interface LayerShape {
  /** The layer's name. */
  readonly name: string;
  /** Of what the layer gives out, without the batch: `[channels, height, width]` or `[features]`. */
  readonly shape: Shape;
}

/**
 * Draws layers as a chain, each with its name and the shape of what it gives out:
 * `drawNetwork([{ name: "image", shape: [1, 28, 28] }, { name: "conv 3 × 3", shape: [16, 14, 14] }])`.
 *
 * @param layers - the input first: `[{ name: "image", shape: [1, 28, 28] }, { name: "conv 3 × 3", shape: [16, 14, 14] }, ...]`
 * @throws RangeError where there are no layers or a shape is empty
 */
export function drawNetwork(layers: readonly LayerShape[], options: { title?: string } = {}): Figure {
  const where = "drawNetwork";
  if (!Array.isArray(layers) || layers.length === 0) {
    throw new RangeError(`${where}: got no layers, expected at least one: [{ name: "image", shape: [1, 28, 28] }]`);
  }
  for (const { name, shape } of layers) {
    const ok = Array.isArray(shape) && shape.length > 0 && shape.every((d) => Number.isInteger(d) && d > 0);
    if (!ok)
      throw new RangeError(
        `${where}: "${name}" has the shape ${JSON.stringify(shape)}, expected whole numbers above 0`,
      );
  }
  return new Figure(where, async () => chain(layers, options.title));
}

function chain(layers: readonly LayerShape[], title?: string): Drawing {
  const head = titleBlock(title);
  const cell = 104;
  const perRow = Math.min(layers.length, Math.floor(COLUMN / cell));
  const blocks = layers.map(({ shape }) =>
    shape.length === 1 ? { width: 12, height: Math.round(14 + 7 * Math.log2(shape[0]! + 1)) } : extent(shape),
  );
  const names = layers.map(({ name }) => wrap(name, cell - 12, { size: SMALL, most: 3 }));
  const tallest = Math.max(...blocks.map((block) => block.height));
  const nameHeight = Math.max(...names.map((text) => text.length)) * lineHeight(SMALL);
  const rowHeight = nameHeight + tallest + lineHeight(SMALL) + 26;
  const parts = [head.body];
  for (const [i, { shape }] of layers.entries()) {
    const x = (i % perRow) * cell + cell / 2;
    const y = head.height + Math.floor(i / perRow) * rowHeight;
    const middle = y + nameHeight + 8 + tallest / 2;
    const { width, height } = blocks[i]!;
    const colour = i === 0 || i === layers.length - 1 ? SERIES[6] : SERIES[0];
    parts.push(lines(names[i]!, x, y + SMALL, { size: SMALL, anchor: "middle" }));
    parts.push(rect({ x: x - width / 2, y: middle - height / 2, width, height }, colour));
    parts.push(lines([sizes(shape)], x, middle + tallest / 2 + SMALL + 4, { size: SMALL, anchor: "middle" }));
    const next = layers[i + 1] && blocks[i + 1]!;
    if (next && (i + 1) % perRow !== 0)
      parts.push(arrow([x + width / 2 + 5, middle], [x + cell - next.width / 2 - 5, middle]));
    else if (next) parts.push(arrow([x + width / 2 + 5, middle], [x + width / 2 + 26, middle]));
  }
  const rows = Math.ceil(layers.length / perRow);
  const alt = `${title ? `${title}. ` : ""}network diagram: ${layers.map(({ name, shape }) => `${name} ${sizes(shape)}`).join(", then ")}`;
  return { width: perRow * cell, height: head.height + rows * rowHeight - 10, body: parts.join(""), alt };
}
