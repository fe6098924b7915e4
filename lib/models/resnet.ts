import { Dropout } from "../nn/containers.ts";
import * as F from "../nn/functional/index.ts";
import { hasHooks } from "../nn/hooks.ts";
import { Conv2d, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { GroupNorm } from "../nn/norm.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Activation, activate } from "./activations.ts";

export interface ResnetOptions {
  /** Channels of the time embedding; null if there is none, as in autoencoders. */
  readonly tembChannels: number | null;
  readonly groups: number;
  readonly eps: number;
  readonly actFn: Activation;
  /** How the time embedding acts: added to the first convolution's output, or as scale and shift of the second norm. */
  readonly timeScaleShift: "default" | "scale_shift";
  readonly dropout: number;
  /** The sum of input and change is divided by it. */
  readonly outputScale?: number;
}

/** Norm, activation and convolution, twice, with the time embedding in between and the input added at the end. */
export class ResnetBlock2D extends Module {
  norm1: GroupNorm;
  conv1: Conv2d;
  timeEmbProj: Linear | null;
  norm2: GroupNorm;
  dropout: Dropout;
  conv2: Conv2d;
  convShortcut: Conv2d | null;
  readonly options: ResnetOptions;

  constructor(inChannels: number, outChannels: number, options: ResnetOptions) {
    super();
    const { tembChannels, groups, eps, timeScaleShift } = options;
    this.options = options;
    this.norm1 = new GroupNorm(groups, inChannels, { eps });
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1 });
    const timeChannels = timeScaleShift === "scale_shift" ? 2 * outChannels : outChannels;
    this.timeEmbProj = tembChannels === null ? null : new Linear(tembChannels, timeChannels);
    this.norm2 = new GroupNorm(groups, outChannels, { eps });
    this.dropout = new Dropout(options.dropout);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1 });
    this.convShortcut = inChannels === outChannels ? null : new Conv2d(inChannels, outChannels, 1);
  }

  /**
   * @param x - `[B, in, H, W]`
   * @param temb - `[B, tembChannels]`
   * @returns `[B, out, H, W]`
   */
  forward(x: Tensor, temb: Tensor | null): Tensor {
    const { actFn, timeScaleShift, outputScale = 1 } = this.options;
    let h = this.conv1.forward(activate(actFn, this.norm1.forward(x)));
    const time = temb && this.timeEmbProj?.forward(activate(actFn, temb));
    if (time && timeScaleShift === "default") h = h.add(wide(time));
    h = this.norm2.forward(h);
    if (time && timeScaleShift === "scale_shift") {
      const [scale, shift] = time.chunk(2, 1) as [Tensor, Tensor];
      h = h.mul(wide(scale).add(1)).add(wide(shift));
    }
    h = this.conv2.forward(this.dropout.forward(activate(actFn, h)));
    const out = (this.convShortcut ? this.convShortcut.forward(x) : x).add(h);
    return outputScale === 1 ? out : out.div(outputScale);
  }
}

/** `[B, C]` beside images: `[B, C, 1, 1]`. */
function wide(x: Tensor): Tensor {
  return x.unsqueeze(-1).unsqueeze(-1);
}

/** Halves an image with a convolution of stride 2. */
export class Downsample2D extends Module {
  conv: Conv2d;
  readonly padding: number;

  /** @param padding - zeros on each side; 0 stands for one row and column after the image, as autoencoders have it */
  constructor(channels: number, padding: number) {
    super();
    this.padding = padding;
    this.conv = new Conv2d(channels, channels, 3, { stride: 2, padding });
  }

  forward(x: Tensor): Tensor {
    if (this.padding > 0) return this.conv.forward(x);
    // A hook on the convolution sees it with its padding before it.
    if (hasHooks(this.conv)) return this.conv.forward(F.pad(x, [0, 1, 0, 1]));
    return F.conv2dPadded(x, this.conv.weight, this.conv.bias, 2, [0, 0, 1, 1]);
  }
}

/** Doubles an image by repeating pixels, then a convolution. */
export class Upsample2D extends Module {
  conv: Conv2d;

  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, 3, { padding: 1 });
  }

  /** @param size - `[height, width]` to reach if that is one less than double: of a size that was odd before halving */
  forward(x: Tensor, size?: readonly [number, number]): Tensor {
    const doubled = F.upsampleNearest(x, 2);
    if (!size || (size[0] === doubled.shape[2] && size[1] === doubled.shape[3])) return this.conv.forward(doubled);
    return this.conv.forward(doubled.narrow(2, 0, size[0]).narrow(3, 0, size[1]));
  }
}
