import { existsSync } from "node:fs";
import { show } from "../graph/shape.ts";
import { loadTensors } from "../io/tensors.ts";
import { avgPool2d } from "../nn/functional/index.ts";
import { Conv2d, Linear, Module } from "../nn/index.ts";
import { dataPath } from "../shipped.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * A small network that says how much a picture looks like a handwritten digit, and which: three convolutions and two
 * linear layers, 210,000 weights. It stays smooth everywhere (SiLU, mean pooling), so that its gradient agrees with differences.
 */
export class DigitJudge extends Module {
  /** Strokes: 1 to 16 channels, 28 x 28. */
  readonly conv1 = new Conv2d(1, 16, 3, { padding: 1 });
  /** Parts: 16 to 32 channels, 14 x 14. */
  readonly conv2 = new Conv2d(16, 32, 3, { padding: 1 });
  /** Shapes: 32 to 64 channels, 7 x 7. */
  readonly conv3 = new Conv2d(32, 64, 3, { padding: 1 });
  /** From the shapes to 64 numbers that describe the whole picture. */
  readonly hidden = new Linear(64 * 7 * 7, 64);
  /** A score for each of the ten digits. */
  readonly digit = new Linear(64, 10);
  /** One score: how much it looks like a digit at all. */
  readonly likeness = new Linear(64, 1);

  /**
   * Scores before softmax and sigmoid.
   *
   * @param x - pictures `[b, 1, 28, 28]`, `[b, 28, 28]` or one `[28, 28]`, white ink on black, 0 to 1
   * @returns `digit` `[b, 10]`, `likeness` `[b]`
   * @throws RangeError for another shape
   */
  forward(x: Tensor): { digit: Tensor; likeness: Tensor } {
    const shapes = this.features(x)[2];
    const h = this.hidden.forward(shapes.reshape(-1, 64 * 7 * 7)).silu();
    return { digit: this.digit.forward(h), likeness: this.likeness.forward(h).reshape(-1) };
  }

  /**
   * What the convolutions see: strokes, parts made of them, and whole shapes. Pictures that look alike are close here even if
   * their pixels differ, so the squared distance is a perceptual loss.
   *
   * @param x - as for `forward`
   * @returns `[b, 16, 28, 28]`, `[b, 32, 14, 14]`, `[b, 64, 7, 7]`
   * @see Johnson et al. 2016: https://arxiv.org/abs/1603.08155
   */
  features(x: Tensor): [strokes: Tensor, parts: Tensor, shapes: Tensor] {
    const size = x.shape.slice(-2);
    const channels = x.ndim === 4 ? x.shape[1] : 1;
    if (x.ndim < 2 || x.ndim > 4 || size[0] !== 28 || size[1] !== 28 || channels !== 1) {
      throw new RangeError(`DigitJudge: got ${show(x.shape)}, expected [b, 1, 28, 28], [b, 28, 28] or [28, 28]`);
    }
    const strokes = this.conv1.forward(x.reshape(-1, 1, 28, 28)).silu();
    const parts = this.conv2.forward(avgPool2d(strokes, 2)).silu();
    return [strokes, parts, this.conv3.forward(avgPool2d(parts, 2)).silu()];
  }

  /**
   * How much each picture looks like a digit.
   *
   * @param x - as for `forward`
   * @returns `[b]`, 0 to 1; for one picture `[28, 28]` a scalar
   */
  score(x: Tensor): Tensor {
    const p = this.forward(x).likeness.sigmoid();
    return x.ndim === 2 ? p.reshape([]) : p;
  }

  /**
   * How probable each digit is, given that the picture is one.
   *
   * @param x - as for `forward`
   * @returns `[b, 10]`, each row with a sum of 1; for one picture `[28, 28]`: `[10]`
   */
  classify(x: Tensor): Tensor {
    const p = this.forward(x).digit.softmax(-1);
    return x.ndim === 2 ? p.reshape([10]) : p;
  }
}

/**
 * The trained judge that ships with the library. Its parameters are frozen: gradients go to the picture alone.
 * `const judge = await digitJudge()`, then `await judge.score(picture).item()`.
 *
 * @param path - a safetensors file of weights; default that in `data/digit-judge`
 * @throws Error if the file is missing or does not fit
 */
export async function digitJudge(path: string = dataPath("digit-judge", "model.safetensors")): Promise<DigitJudge> {
  if (!existsSync(path)) {
    throw new Error(
      `digitJudge: no ${path}. Restore it with git checkout data/digit-judge, or train one: node dist/lib/judge/train.js`,
    );
  }
  const judge = new DigitJudge();
  judge.loadStateDict(await loadTensors(path, { copy: true }));
  return judge.eval().requiresGrad_(false) as DigitJudge;
}
