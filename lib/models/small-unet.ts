import { show } from "../graph/shape.ts";
import { pixelShuffle, pixelUnshuffle, upsampleNearest } from "../nn/functional/index.ts";
import { AttentionProbs, Conv2d, GroupNorm, Linear, Module, outputShapes } from "../nn/index.ts";
import { plural } from "../printed.ts";
import { cat, fromArray, zeros } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

const groups = 8;

/** Settings of a `SmallUNet`. */
export interface SmallUNetOptions {
  /** Channels of each level, halving the image from one to the next; default [32, 64, 128]. */
  readonly channels?: readonly number[];
  /** Residual blocks a level; default 2. */
  readonly blocks?: number;
  /** Heads of the attention at the lowest level; default 4. */
  readonly heads?: number;
  /** Channels of the images; default 1. */
  readonly inChannels?: number;
  /**
   * Side of the squares of pixels that go in together, as channels; default 1. With 2 the largest level is half as
   * large each way, and a step takes half the time.
   */
  readonly patch?: number;
}

/**
 * A small U-Net that predicts the noise in an image: `[B, C, H, W]` and timesteps `[B]` to `[B, C, H, W]`.
 * Residual blocks with the timestep added, attention at the lowest level.
 * @see Ho et al. 2020: https://arxiv.org/abs/2006.11239
 */
export class SmallUNet extends Module {
  /** First layer of the timestep's embedding. */
  readonly timeIn: Linear;
  /** Second layer of the timestep's embedding. */
  readonly timeOut: Linear;
  /** From the image's channels to the first level's. */
  readonly convIn: Conv2d;
  /** The way down, the largest images first. */
  readonly down: DownLevel[] = [];
  /** A residual block, attention and another residual block at the lowest level. */
  readonly mid: [ResBlock, Attention, ResBlock];
  /** The way up, the smallest images first. */
  readonly up: UpLevel[] = [];
  /** The norm before the last convolution. */
  readonly normOut: GroupNorm;
  /** From the first level's channels to the image's. */
  readonly convOut: Conv2d;
  /** Side of the squares of pixels that go in together. */
  readonly patch: number;

  constructor(options: SmallUNetOptions = {}) {
    super();
    const { channels = [32, 64, 128], blocks = 2, heads = 4, inChannels = 1, patch = 1 } = options;
    this.patch = patch;
    const pixels = inChannels * patch * patch;
    const first = channels[0]!;
    const last = channels.at(-1)!;
    const time = first * 4;
    this.timeIn = new Linear(64, time);
    this.timeOut = new Linear(time, time);
    this.convIn = new Conv2d(pixels, first, 3, { padding: 1 });
    const skips: number[] = [];
    let width = first;
    for (const [level, c] of channels.entries()) {
      const lowest = level === channels.length - 1;
      this.down.push(new DownLevel(width, c, blocks, time, lowest ? heads : 0, !lowest));
      for (let i = 0; i < blocks; i++) skips.push(c);
      width = c;
    }
    this.mid = [new ResBlock(last, last, time), new Attention(last, heads), new ResBlock(last, last, time)];
    for (const [level, c] of [...channels.entries()].reverse()) {
      const inputs = Array.from({ length: blocks }, () => {
        const input = width + skips.pop()!;
        width = c;
        return input;
      });
      this.up.push(new UpLevel(inputs, c, time, level > 0));
    }
    this.normOut = new GroupNorm(groups, first);
    this.convOut = new Conv2d(first, pixels, 3, { padding: 1 });
  }

  /**
   * The noise that it sees in images `x` `[B, C, H, W]` at timesteps `[B]` (or a shape that flattens to it): `[B, C, H, W]`.
   *
   * @throws RangeError if the sides cannot be halved from level to level
   */
  forward(x: Tensor, timestep: Tensor): Tensor {
    this.#checkSides(x);
    const angles = timestep.float().reshape(-1, 1).mul(frequencies(32));
    const embedding = cat([angles.sin(), angles.cos()], 1);
    const time = this.timeOut.forward(this.timeIn.forward(embedding).silu()).silu();
    let h = this.convIn.forward(this.patch > 1 ? pixelUnshuffle(x, this.patch) : x);
    const skips: Tensor[] = [];
    for (const level of this.down) h = level.forward(h, time, skips);
    h = this.mid[0].forward(h, time);
    h = this.mid[1].forward(h);
    h = this.mid[2].forward(h, time);
    for (const level of this.up) h = level.forward(h, time, skips);
    const out = this.convOut.forward(this.normOut.forward(h).silu());
    return this.patch > 1 ? pixelShuffle(out, this.patch) : out;
  }

  /** Each level halves the sides, and the way up must meet them again. */
  #checkSides({ shape }: Tensor): void {
    const multiple = this.patch * 2 ** (this.down.length - 1);
    if (shape.length !== 4 || shape.slice(2).every((side) => side > 0 && side % multiple === 0)) return;
    const levels = `${plural(this.down.length, "level")}${this.patch > 1 ? ` and patches of ${this.patch} x ${this.patch} pixels` : ""}`;
    throw new RangeError(
      `SmallUNet: the images are ${show(shape)}; with ${levels}, height and width must be multiples of ${multiple}; pad the images, or give fewer channels, such as { channels: [32, 64] }`,
    );
  }

  /** Shapes of what it passes on for an image `[C, H, W]`, level by level, as `drawUNet` takes them. Nothing is computed. */
  shapes(image: readonly number[]) {
    const all = outputShapes(this, () => this.forward(zeros([1, ...image]), zeros([1])));
    const at = (name: string) => all[name]!.slice(1);
    const last = (level: DownLevel | UpLevel) => level.res.length - 1;
    return {
      input: image,
      down: this.down.map((level, i) => at(`down.${i}.res.${last(level)}`)),
      middle: at("mid.2"),
      up: this.up.map((level, i) => at(`up.${i}.res.${last(level)}`)).reverse(),
      output: at(""),
    };
  }
}

/** 1 down to 1 / 10000, evenly in the logarithm. */
function frequencies(n: number): Tensor {
  return fromArray(
    "float32",
    [1, n],
    Float32Array.from({ length: n }, (_, i) => Math.exp((-Math.log(10000) * i) / n)),
  );
}

class ResBlock extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly time: Linear;
  readonly norm2: GroupNorm;
  readonly conv2: Conv2d;
  readonly skip: Conv2d | null;

  constructor(inChannels: number, outChannels: number, time: number) {
    super();
    this.norm1 = new GroupNorm(groups, inChannels);
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1 });
    this.time = new Linear(time, outChannels);
    this.norm2 = new GroupNorm(groups, outChannels);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1 });
    this.skip = inChannels === outChannels ? null : new Conv2d(inChannels, outChannels, 1);
  }

  forward(x: Tensor, time: Tensor): Tensor {
    let h = this.conv1.forward(this.norm1.forward(x).silu());
    h = h.add(this.time.forward(time).unsqueeze(-1).unsqueeze(-1));
    h = this.conv2.forward(this.norm2.forward(h).silu());
    return h.add(this.skip ? this.skip.forward(x) : x);
  }
}

class Attention extends Module {
  readonly norm: GroupNorm;
  readonly qkv: Conv2d;
  readonly proj: Conv2d;
  readonly probs = new AttentionProbs();
  readonly heads: number;

  constructor(channels: number, heads: number) {
    super();
    this.heads = heads;
    this.norm = new GroupNorm(groups, channels);
    this.qkv = new Conv2d(channels, 3 * channels, 1);
    this.proj = new Conv2d(channels, channels, 1);
  }

  forward(x: Tensor): Tensor {
    const [b, c, h, w] = x.shape as [number, number, number, number];
    // [B, 3 C, H, W] -> three of [B, heads, HW, d]
    const qkv = this.qkv.forward(this.norm.forward(x)).reshape(b, 3 * this.heads, c / this.heads, h * w);
    const [q, k, v] = qkv.chunk(3, 1).map((part) => part.transpose(2, 3)) as [Tensor, Tensor, Tensor];
    const out = this.probs.attend(q, k, v).transpose(2, 3).reshape(x.shape);
    return x.add(this.proj.forward(out));
  }
}

class DownLevel extends Module {
  readonly res: ResBlock[];
  readonly attention: Attention | null;
  readonly down: Conv2d | null;

  constructor(inChannels: number, channels: number, blocks: number, time: number, heads: number, shrink: boolean) {
    super();
    this.res = Array.from({ length: blocks }, (_, i) => new ResBlock(i === 0 ? inChannels : channels, channels, time));
    this.attention = heads > 0 ? new Attention(channels, heads) : null;
    this.down = shrink ? new Conv2d(channels, channels, 3, { stride: 2, padding: 1 }) : null;
  }

  forward(x: Tensor, time: Tensor, skips: Tensor[]): Tensor {
    let h = x;
    for (const [i, block] of this.res.entries()) {
      h = block.forward(h, time);
      if (this.attention && i === this.res.length - 1) h = this.attention.forward(h);
      skips.push(h);
    }
    return this.down ? this.down.forward(h) : h;
  }
}

class UpLevel extends Module {
  readonly res: ResBlock[];
  readonly up: Conv2d | null;

  constructor(inputs: readonly number[], channels: number, time: number, grow: boolean) {
    super();
    this.res = inputs.map((input) => new ResBlock(input, channels, time));
    this.up = grow ? new Conv2d(channels, channels, 3, { padding: 1 }) : null;
  }

  forward(x: Tensor, time: Tensor, skips: Tensor[]): Tensor {
    let h = x;
    for (const block of this.res) h = block.forward(cat([h, skips.pop()!], 1), time);
    return this.up ? this.up.forward(upsampleNearest(h, 2)) : h;
  }
}
