import { type Compiled, compile } from "../compile/compile.ts";
import { Linear, Module, Sequential, SiLU } from "../nn/index.ts";
import { AdamW } from "../optim/index.ts";
import { checkOptions } from "../options.ts";
import { Generator } from "../random/index.ts";
import { cat, fromArray, full, stack } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import { rand, randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How a `PointDenoiser` is trained. */
export interface PointTraining {
  /** Steps of the optimizer; default 1500, which takes some seconds. */
  steps?: number;
  /** Points in a step; default 512. */
  batchSize?: number;
  /** The first learning rate, falling to 0; default 3e-3. */
  lr?: number;
  /** Of the random numbers; default 0. */
  seed?: number;
  /** Ends the training before its next step. */
  signal?: AbortSignal;
  /** Called with the number of each step and its loss, and waited for. */
  callback?: (step: number, loss: number) => unknown;
}

const TRAINING = { steps: true, batchSize: true, lr: true, seed: true, signal: true, callback: true } as const;

/**
 * A diffusion model for points in a plane: small enough to train in seconds and to draw whole. It shows why one step is not enough.
 *
 * ```ts
 * const toy = new PointDenoiser();
 * await toy.fit(points);                                    // [n, 2], of about size 1
 * const { at, arrows } = await toy.field(0.5);              // which way it points at noise level 0.5
 * const paths = await toy.sample(300, { steps: 16 });        // [17, 300, 2]
 * showField({ points, at, arrows, paths: paths.narrow(1, 0, 6) })
 * ```
 */
export class PointDenoiser extends Module {
  /** The layers: what goes in is the point, its sines and the noise level. */
  readonly net: Sequential;
  /** The noise levels that it is trained on, the lowest and the highest. */
  readonly sigmas: readonly [lowest: number, highest: number];
  #move: Compiled<[Tensor, Tensor, Tensor], Tensor> | null = null;

  /**
   * @param options.width - of the three hidden layers; default 96
   * @param options.sigmas - the noise levels, the lowest and the highest; default [0.02, 15]
   */
  constructor(options: { width?: number; sigmas?: readonly [lowest: number, highest: number] } = {}) {
    super();
    checkOptions("PointDenoiser", options, { width: true, sigmas: true });
    const { width = 96, sigmas = [0.02, 15] } = options;
    if (!Number.isInteger(width) || width < 1)
      throw new RangeError(`PointDenoiser: width is ${width}; expected 1 or more`);
    if (!(sigmas[0] > 0 && sigmas[1] > sigmas[0])) {
      throw new RangeError(`PointDenoiser: sigmas [${sigmas}]; expected the lowest above 0, then the highest`);
    }
    this.sigmas = sigmas;
    this.net = new Sequential(
      ...[new Linear(6, width), new SiLU(), new Linear(width, width), new SiLU()],
      ...[new Linear(width, width), new SiLU(), new Linear(width, 2)],
    );
  }

  /**
   * The noise seen in points.
   *
   * @param x - `[n, 2]`
   * @param sigma - the noise level of each, `[n, 1]`
   * @returns `[n, 2]`, of standard deviation about 1
   */
  forward(x: Tensor, sigma: Tensor): Tensor {
    const scaled = x.div(sigma.square().add(1).sqrt());
    const level = sigma.log();
    return this.net.forward(cat([scaled, scaled.mul(3).sin(), level.div(2), level.sin()], 1));
  }

  /**
   * Trains it on points, from where it stands.
   *
   * @param points - `[n, 2]`, of about size 1
   * @returns the mean loss of the last tenth of the steps
   * @throws RangeError if there are no points, or an option is out of range
   */
  async fit(points: Tensor, options: PointTraining = {}): Promise<number> {
    const where = "PointDenoiser.fit";
    checkOptions(where, options, TRAINING);
    const { steps = 1500, batchSize = 512, lr = 3e-3, seed = 0, signal, callback } = options;
    const n = points.shape[0]!;
    if (points.ndim !== 2 || points.shape[1] !== 2 || n === 0) {
      throw new RangeError(`${where}: got [${points.shape}], expected points [n, 2]`);
    }
    if (!Number.isInteger(steps) || steps < 1) throw new RangeError(`${where}: steps is ${steps}; expected 1 or more`);
    const all = await points.detach().float().realize();
    const generator = new Generator(seed);
    const [lowest, highest] = this.sigmas;
    const optimizer = new AdamW(this.parameters(), { lr });
    const step = compile(() => {
      const at = rand([batchSize], { generator })
        .mul(n)
        .floor()
        .clamp(0, n - 1)
        .to("int64");
      const noise = randn([batchSize, 2], { generator });
      const sigma = rand([batchSize, 1], { generator })
        .mul(Math.log(highest / lowest))
        .exp()
        .mul(lowest);
      const loss = this.forward(all.indexSelect(0, at).add(noise.mul(sigma)), sigma)
        .sub(noise)
        .square()
        .mean();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const last: number[] = [];
    try {
      for (let i = 0; i < steps; i++) {
        signal?.throwIfAborted();
        optimizer.lr = lr * (1 - i / steps);
        const loss = await step().item();
        if (i >= 0.9 * steps) last.push(loss);
        await callback?.(i, loss);
      }
    } finally {
      step.close();
    }
    return last.reduce((sum, loss) => sum + loss, 0) / last.length;
  }

  /**
   * Which way the points of a grid are moved: away from the noise that is seen there.
   *
   * @param sigma - the noise level
   * @param options.range - of both axes; default [-2.8, 2.8]
   * @param options.count - places along each axis; default 15
   * @returns what `showField` takes, `[count^2, 2]` each
   */
  async field(
    sigma: number,
    options: { range?: readonly [number, number]; count?: number } = {},
  ): Promise<{ at: Tensor; arrows: Tensor }> {
    const { range = [-2.8, 2.8], count = 15 } = options;
    if (!(sigma > 0)) throw new RangeError(`PointDenoiser.field: sigma is ${sigma}; expected more than 0`);
    const place = (i: number) => range[0] + ((range[1] - range[0]) * i) / (count - 1);
    const places = Array.from({ length: count * count }, (_, i) => [place(Math.floor(i / count)), place(i % count)]);
    const at = fromArray("float32", [count * count, 2], Float32Array.from(places.flat()));
    const arrows = noGrad(() => this.forward(at, full([count * count, 1], sigma)).mul(-sigma));
    return { at, arrows: await arrows.realize() };
  }

  /**
   * Walks points of pure noise down to where it was trained to see some, by Euler's method; the levels are in equal ratios.
   *
   * @param count - points, or their starts `[n, 2]` at the highest noise level
   * @param options.steps - default 16
   * @param options.seed - of the starts; default 0
   * @returns the paths, `[steps + 1, n, 2]`
   */
  async sample(count: number | Tensor, options: { steps?: number; seed?: number } = {}): Promise<Tensor> {
    const { steps = 16, seed = 0 } = options;
    if (!Number.isInteger(steps) || steps < 1) {
      throw new RangeError(`PointDenoiser.sample: steps is ${steps}; expected 1 or more`);
    }
    const [lowest, highest] = this.sigmas;
    const start =
      typeof count === "number" ? randn([count, 2], { generator: new Generator(seed) }).mul(highest) : count;
    this.#move ??= compile((x: Tensor, from: Tensor, to: Tensor) =>
      noGrad(() => x.add(this.forward(x, from).mul(to.sub(from)))),
    );
    const n = start.shape[0]!;
    const level = (i: number) =>
      full([n, 1], i === steps ? 0 : highest * (lowest / highest) ** (i / Math.max(1, steps - 1)));
    const way = [start];
    for (let i = 0; i < steps; i++) way.push(await this.#move(way[i]!, level(i), level(i + 1)));
    return stack(way).realize();
  }
}

/**
 * Points where there is ink in a drawing: `pointsOf(pad.value, 1000)`. The drawing's longer side spans -2 to 2, up is up.
 *
 * @param drawing - `[h, w]` or `[1, h, w]`, 0 (paper) to 1 (ink)
 * @param n - how many; default 1000
 * @param options.seed - default 0
 * @returns `[n, 2]`; denser where there is more ink
 * @throws RangeError if nothing is drawn
 */
export async function pointsOf(drawing: Tensor, n = 1000, options: { seed?: number } = {}): Promise<Tensor> {
  const where = "pointsOf";
  const [h, w] = drawing.shape.slice(-2) as [number, number];
  if (drawing.numel() !== h * w || drawing.ndim < 2) {
    throw new RangeError(`${where}: got [${drawing.shape}], expected a drawing in one channel, [h, w] or [1, h, w]`);
  }
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`${where}: ${n} points; expected 1 or more`);
  const ink = Array.from(await drawing.float().data(), (value) => (value > 0.05 ? value : 0));
  const total = ink.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) throw new RangeError(`${where}: the drawing is empty; draw something first`);
  const sums: number[] = [];
  ink.reduce((sum, value) => {
    sums.push(sum + value);
    return sum + value;
  }, 0);
  const generator = new Generator(options.seed ?? 0);
  const share = () => generator.random() / 2 ** 32;
  const unit = 4 / Math.max(h, w);
  const places = Array.from({ length: n }, () => {
    const aim = share() * total;
    const found = sums.findIndex((sum) => sum > aim);
    const at = found < 0 ? sums.length - 1 : found;
    return [((at % w) + share() - w / 2) * unit, (h / 2 - Math.floor(at / w) - share()) * unit];
  });
  return fromArray("float32", [n, 2], Float32Array.from(places.flat()));
}
