import { plural } from "../printed.ts";
import { arrow, type Block, elbow, extent, rect, type Shape } from "./blocks.ts";
import { type Drawing, Figure } from "./figure.ts";
import { sizes } from "./format.ts";
import { SERIES } from "./palette.ts";
import { SMALL, titleBlock } from "./parts.ts";
import { lineHeight, lines, textWidth } from "./svg.ts";

/** What a U-Net passes on, level by level. Shapes are `[channels, height, width]`. */
export interface UNetShapes {
  /** Of the input: `[channels, height, width]`. */
  readonly input: Shape;
  /** On the way down, the largest picture first. */
  readonly down: readonly Shape[];
  /** At the bottom; default: the last of `down`. */
  readonly middle?: Shape;
  /** On the way up, the largest picture first; default: the shapes of the way down. */
  readonly up?: readonly Shape[];
  /** Of the output: `[channels, height, width]`. */
  readonly output: Shape;
  /** What else goes in: "noise level t", "caption". */
  readonly condition?: string;
}

/**
 * Draws a U-Net: the way down on the left, the way up on the right, what is handed across at each level, and
 * the shape of everything. The taller a block the larger the picture, the wider the more channels.
 * `drawUNet(new SmallUNet().shapes([1, 28, 28]))`.
 *
 * @throws RangeError if there is no level, ways down and up differ in length, or a shape is not `[channels, height, width]`
 */
export function drawUNet(shapes: UNetShapes, options: { title?: string } = {}): Figure {
  const where = "drawUNet";
  const { input, down, output, condition } = shapes;
  if (!Array.isArray(down) || down.length === 0) {
    throw new RangeError(`${where}: got no levels, expected down: [[32, 28, 28], [64, 14, 14], ...]`);
  }
  const up = shapes.up ?? down;
  const middle = shapes.middle ?? down.at(-1)!;
  if (up.length !== down.length) {
    throw new RangeError(
      `${where}: ${plural(down.length, "level")} down and ${up.length} up; expected the same number`,
    );
  }
  for (const [name, shape] of [
    ["input", input],
    ["middle", middle],
    ["output", output],
  ] as const)
    check(where, name, shape);
  for (const [i, shape] of down.entries()) check(where, `down[${i}]`, shape);
  for (const [i, shape] of up.entries()) check(where, `up[${i}]`, shape);
  return new Figure(where, async () => uNet({ input, down, middle, up, output, condition }, options.title));
}

function check(where: string, name: string, shape: Shape): void {
  const ok = Array.isArray(shape) && shape.length === 3 && shape.every((d) => Number.isInteger(d) && d > 0);
  if (ok) return;
  const got = Array.isArray(shape) ? `[${shape.join(", ")}]` : String(shape);
  throw new RangeError(`${where}: ${name} is ${got}, expected [channels, height, width]`);
}

function uNet(shapes: Required<Omit<UNetShapes, "condition">> & { condition?: string }, title?: string): Drawing {
  const { input, down, middle, up, output, condition } = shapes;
  const head = titleBlock(title);
  const gap = 26;
  const room = 112; // for the shape beside a block
  const [tallest] = [Math.max(...[input, ...down].map((shape) => extent(shape).height))];
  // Each level stands below the one before, moved inwards.
  const step = Math.min(46, 190 / down.length);
  const left: Block[] = [];
  const right: Block[] = [];
  const ends = extent(input);
  const first = { x: 4, width: ends.width };
  const centre = Math.max(330, first.x + first.width + gap * 2 + down.length * step + room);
  const width = centre * 2;
  let y = head.height + 20;
  const top = y;
  for (const [i, shape] of down.entries()) {
    const size = extent(shape);
    const other = extent(up[i]!);
    const x = first.x + first.width + gap + 14 + i * step;
    left.push({ ...size, x, y });
    right.push({ ...other, x: width - x - other.width, y });
    y += Math.max(size.height, other.height) + gap;
  }
  const bottomSize = extent(middle);
  const bottom: Block = { ...bottomSize, x: centre - bottomSize.width / 2, y };
  const inBlock: Block = { ...ends, x: first.x, y: top + (left[0]!.height - ends.height) / 2 };
  const outSize = extent(output);
  const outBlock: Block = {
    ...outSize,
    x: width - first.x - outSize.width,
    y: top + (right[0]!.height - outSize.height) / 2,
  };

  const parts: string[] = [head.body];
  const centreY = (block: Block) => block.y + block.height / 2;
  parts.push(arrow([inBlock.x + inBlock.width + 4, centreY(inBlock)], [left[0]!.x - 4, centreY(left[0]!)]));
  parts.push(arrow([right[0]!.x + right[0]!.width + 4, centreY(right[0]!)], [outBlock.x - 4, centreY(outBlock)]));
  for (const [i, block] of left.entries()) {
    const other = right[i]!;
    const text = sizes(down[i]!);
    const back = sizes(up[i]!);
    const [from, to] = [block.x + block.width + textWidth(text, SMALL) + 16, other.x - textWidth(back, SMALL) - 16];
    parts.push(rect(block, SERIES[0]), rect(other, SERIES[2]));
    parts.push(lines([text], block.x + block.width + 6, centreY(block) + 4, { size: SMALL }));
    parts.push(lines([back], other.x - 6, centreY(other) + 4, { size: SMALL, anchor: "end" }));
    if (to - from > 24) parts.push(arrow([from, centreY(block)], [to, centreY(other)], true));
    if (i === 0 && to - from > 110)
      parts.push(
        lines(["skip connection"], (from + to) / 2, centreY(block) - 7, { size: SMALL, anchor: "middle", faint: true }),
      );
    const next = left[i + 1];
    const before = right[i + 1];
    if (next && before) {
      parts.push(elbow([block.x + block.width / 2, block.y + block.height + 4], [next.x - 4, centreY(next)]));
      parts.push(
        elbow(
          [before.x + before.width + 4, centreY(before)],
          [other.x + other.width / 2, other.y + other.height + 4],
          true,
        ),
      );
    } else {
      parts.push(elbow([block.x + block.width / 2, block.y + block.height + 4], [bottom.x - 4, centreY(bottom)]));
      parts.push(
        elbow(
          [bottom.x + bottom.width + 4, centreY(bottom)],
          [other.x + other.width / 2, other.y + other.height + 4],
          true,
        ),
      );
    }
  }
  parts.push(rect(inBlock, SERIES[6]), rect(outBlock, SERIES[6]), rect(bottom, SERIES[3]));
  parts.push(ended("in", input, inBlock, "start"), ended("out", output, outBlock, "end"));
  let low = bottom.y + bottom.height + SMALL + 3;
  parts.push(lines([sizes(middle)], centre, low, { size: SMALL, anchor: "middle" }));
  if (condition) {
    low += lineHeight(SMALL) + 4;
    parts.push(
      lines([`every block also receives ${condition}`], centre, low, { size: SMALL, anchor: "middle", faint: true }),
    );
  }
  const height = Math.max(low, top + tallest + 30) + 8;
  const alt = [
    title,
    `U-Net diagram: in ${sizes(input)}`,
    `down ${down.map(sizes).join(", ")}`,
    `middle ${sizes(middle)}`,
    `up ${[...up].reverse().map(sizes).join(", ")}`,
    `out ${sizes(output)}`,
    condition && `given: ${condition}`,
  ];
  return { width: Math.max(width, head.width), height, body: parts.join(""), alt: alt.filter(Boolean).join("; ") };
}

function ended(name: string, shape: Shape, block: Block, anchor: "start" | "end"): string {
  const x = anchor === "start" ? block.x : block.x + block.width;
  return lines([`${name}: ${sizes(shape)}`], x, block.y - 7, { size: SMALL, anchor });
}
