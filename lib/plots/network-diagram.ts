import { Module } from "../nn/module.ts";
import { outputShapes } from "../nn/shapes.ts";
import { zeros } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { arrow, extent, rect, type Shape } from "./blocks.ts";
import { type Drawing, Figure } from "./figure.ts";
import { grouped, sizes } from "./format.ts";
import { SERIES } from "./palette.ts";
import { COLUMN, SMALL, titleBlock } from "./parts.ts";
import { lineHeight, lines, wrap } from "./svg.ts";
import { drawUNet, type UNetShapes } from "./u-net-diagram.ts";

/** One step of a chain of layers. */
export interface LayerShape {
  /** The layer's name. */
  readonly name: string;
  /** Of what the layer gives out, without the batch: `[channels, height, width]` or `[features]`. */
  readonly shape: Shape;
}

/** How a network is drawn. */
export interface NetworkOptions {
  /** One line above. */
  title?: string;
  /** Of a model: the shape of one input without the batch, `[1, 28, 28]`. */
  input?: Shape;
  /** Of a model that takes more than one input: calls it once, `() => model.forward(x, t)`. Nothing is computed. */
  run?: () => unknown;
}

/**
 * Draws layers as a chain, each with its name and the shape of what it gives out: those of a model, with
 * `drawNetwork(model, { input: [1, 28, 28] })`, or
 * `drawNetwork([{ name: "image", shape: [1, 28, 28] }, { name: "conv 3 × 3", shape: [16, 14, 14] }])`.
 *
 * @param layers - a model, of which each layer is drawn, or of a large one each part; or layers, the input first
 * @throws RangeError if there are no layers, a shape is empty, or a model cannot be called with the input
 */
export function drawNetwork(layers: readonly LayerShape[] | Module, options: NetworkOptions = {}): Figure {
  const where = "drawNetwork";
  if (layers instanceof Module) {
    const title = options.title ?? `${layers.constructor.name}, ${grouped(layers.numParameters())} weights`;
    if (hasLevels(layers) && options.input) return drawUNet(layers.shapes(options.input), { title });
    return drawNetwork(layersOf(where, layers, options), { title });
  }
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

/** A U-Net that knows its own shapes. */
function hasLevels(model: Module): model is Module & { shapes(image: Shape): UNetShapes } {
  return "shapes" in model && typeof model.shapes === "function";
}

const MOST_LAYERS = 28;

/** What a model's layers give out: of the innermost, or where these are many, of the parts that hold them. */
function layersOf(where: string, model: Module, { input, run }: NetworkOptions): LayerShape[] {
  const name = model.constructor.name;
  if (!input && !run)
    throw new RangeError(`${where}: for ${name}, give the shape of one input: { input: [1, 28, 28] }`);
  const call = run ?? (() => (model as unknown as { forward(x: Tensor): unknown }).forward(zeros([1, ...input!])));
  let shapes: Record<string, readonly number[]>;
  try {
    shapes = outputShapes(model, call);
  } catch (cause) {
    const next = run ? "" : ` If it takes more than one input: { run: () => model.forward(x, t) }.`;
    const got = input ? ` with an input [1, ${input.join(", ")}]` : "";
    throw new RangeError(`${where}: ${name} could not be called${got}: ${(cause as Error).message}.${next}`, { cause });
  }
  const parts = [...model.namedModules()].filter(([part]) => part !== "" && part in shapes);
  const depths = parts.map(([part]) => part.split(".").length);
  const leaves = parts.filter(([part]) => !parts.some(([other]) => other.startsWith(`${part}.`)));
  const shown = leaves.length <= MOST_LAYERS ? leaves : parts.filter((_, i) => depths[i] === Math.min(...depths));
  const order = Object.keys(shapes);
  const chosen = shown.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const layers = chosen.map(([part, module]) => ({ name: layerName(part, module), shape: shapes[part]!.slice(1) }));
  return input ? [{ name: "input", shape: input }, ...layers] : layers;
}

/** `conv1: Conv2d(1, 16, 3)` of a layer; in a list, if the name is a number, the layer alone. */
function layerName(part: string, module: Module): string {
  const own = String(module)
    .split("\n")[0]!
    .replace(/\(\)?$/, "")
    .replace(/kernelSize=\[(\d+),(\d+)\]/, "$1×$2")
    .replace(/, padding=[^,)]+/, "");
  return /(^|\.)\d+$/.test(part) ? own : `${part}: ${own}`;
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
  return {
    width: Math.max(perRow * cell, head.width),
    height: head.height + rows * rowHeight - 10,
    body: parts.join(""),
    alt,
  };
}
