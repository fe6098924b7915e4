import { digits } from "../datasets/index.ts";
import { fillNormal, fillUniform, Generator } from "../random/index.ts";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

/** A batch that the digit judge learns from. */
export interface Lesson {
  /** Pictures `[n, 28, 28]`, about 0 to 1; noise goes beyond. */
  readonly images: Float32Array;
  /** The digit of each, `[n]`; -1 if there is none to read. */
  readonly labels: Int32Array;
  /** How much each looks like a digit, `[n]`: 1 for a clear one, 0 for none. */
  readonly likeness: Float32Array;
}

/**
 * Endless batches: one third clear digits, one third digits fading into noise, one third no digits at all.
 *
 * @param options.batch - pictures in a batch
 * @param options.drawn - digits drawn beforehand, which the batches are made of
 * @param options.seed - the same seed gives the same batches
 */
export function* lessons(options: { batch: number; drawn: number; seed: number }): Generator_<Lesson> {
  const { batch, drawn, seed } = options;
  const set = digits({ n: drawn, seed });
  const generator = new Generator(seed);
  const uniform: Uniform = (from, to) => fillUniform(new Float64Array(1), { from, to, generator })[0]!;
  for (;;) {
    const images = new Float32Array(batch * PIXELS);
    const labels = new Int32Array(batch);
    const likeness = new Float32Array(batch);
    const noise = fillNormal(new Float32Array(batch * PIXELS), { generator });
    for (let i = 0; i < batch; i++) {
      const image = images.subarray(i * PIXELS, (i + 1) * PIXELS);
      const own = noise.subarray(i * PIXELS, (i + 1) * PIXELS);
      const sample = set.at(Math.floor(uniform(0, drawn)))!;
      const drawing = moved(sample.image, uniform);
      const kind = i % 3;
      if (kind < 2) {
        const ink = kind === 0 ? uniform(0.85, 1) : uniform(0.25, 1);
        const level = kind === 0 ? uniform(0, 0.08) : uniform(0.05, 1.2);
        for (let p = 0; p < PIXELS; p++) image[p] = ink * drawing[p]! + level * own[p]!;
        likeness[i] = fading(level / ink);
        labels[i] = likeness[i]! > 0.3 ? sample.label : -1;
      } else {
        nothing(image, drawing, own, uniform);
        labels[i] = -1;
      }
    }
    yield { images, labels, likeness };
  }
}

type Generator_<T> = globalThis.Generator<T, never>;

/**
 * How much a digit under noise still looks like one: 0.99 at a ratio of 0.1, 0.5 at 0.55, 0.05 at 1.5.
 *
 * @param ratio - the noise's standard deviation over the ink's brightness
 */
export function fading(ratio: number): number {
  return 1 / (1 + (ratio / 0.55) ** 3);
}

type Uniform = (from: number, to: number) => number;

/** A digit a little turned, slanted, stretched and moved: 0 to 1, `[28, 28]`. */
function moved(digit: Uint8Array, uniform: Uniform): Float32Array {
  const [turn, slant] = [uniform(-0.2, 0.2), uniform(-0.25, 0.25)];
  const [wide, tall] = [uniform(0.85, 1.2), uniform(0.85, 1.15)];
  const [dx, dy] = [uniform(-1.5, 1.5), uniform(-1.5, 1.5)];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const middle = (SIDE - 1) / 2;
  const out = new Float32Array(PIXELS);
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= SIDE || y >= SIDE ? 0 : digit[y * SIDE + x]!);
  for (let p = 0; p < PIXELS; p++) {
    // Where the pixel comes from, between four pixels of the digit.
    const [u, v] = [(p % SIDE) - middle - dx, Math.floor(p / SIDE) - middle - dy];
    const x = (cos * u + sin * v + slant * v) / wide + middle;
    const y = (cos * v - sin * u) / tall + middle;
    const [left, top] = [Math.floor(x), Math.floor(y)];
    const [a, b] = [x - left, y - top];
    const upper = (1 - a) * at(left, top) + a * at(left + 1, top);
    const lower = (1 - a) * at(left, top + 1) + a * at(left + 1, top + 1);
    out[p] = ((1 - b) * upper + b * lower) / 255;
  }
  return out;
}

/** Pictures that are no digits: noise of several kinds, plain grey, and digits taken apart. */
function nothing(image: Float32Array, digit: Float32Array, noise: Float32Array, uniform: Uniform): void {
  const kind = Math.floor(uniform(0, 5));
  const [level, ground] = [uniform(0.02, 1), uniform(0, 1)];
  const shift = Math.floor(uniform(9, 20));
  for (let p = 0; p < PIXELS; p++) {
    const [x, y] = [p % SIDE, Math.floor(p / SIDE)];
    if (kind === 0) image[p] = ground + level * noise[p]!;
    else if (kind === 1) image[p] = level * Math.abs(noise[p]!);
    else if (kind === 2) image[p] = ground + 0.02 * noise[p]!;
    // Rolled by about half its size in both directions, a digit's strokes are all there and it is none.
    else if (kind === 3) image[p] = digit[((y + shift) % SIDE) * SIDE + ((x + shift) % SIDE)]! + 0.05 * noise[p]!;
    // Neighbouring noise averaged: blots of the size of strokes.
    else
      image[p] = Math.max(
        0,
        level * (noise[p]! + noise[(p + 1) % PIXELS]! + noise[(p + SIDE) % PIXELS]! + noise[(p + SIDE + 1) % PIXELS]!),
      );
  }
}
