import { Generator } from "../random/index.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

const MOST = { tsne: 3000, umap: 20_000 };

/** Options of `umap`. */
export interface UmapOptions {
  /** Points each point is held near; fewer show detail, more show the whole. Default 15, at most n - 1. */
  neighbors?: number;
  /** How close points may lie; default .1. */
  minDist?: number;
  /** Of its random numbers; default 0. */
  seed?: number;
}

/**
 * A map in two dimensions that keeps neighbours together, by UMAP.
 *
 * @param points - `[n, d]`
 * @returns `[n, 2]`, the same for a seed
 * @throws RangeError if the shape differs, n is below 3 or above 20,000, or an option is out of range
 * @see McInnes, Healy and Melville 2018: https://arxiv.org/abs/1802.03426
 */
export async function umap(points: Tensor, options: UmapOptions = {}): Promise<Tensor> {
  const rows = await rowsOf("umap", points, MOST.umap);
  const { neighbors = Math.min(15, rows.length - 1), minDist = 0.1, seed = 0 } = options;
  if (!Number.isInteger(neighbors) || neighbors < 2 || neighbors >= rows.length) {
    throw new RangeError(`umap: ${neighbors} neighbors of ${rows.length} points; expected 2 to ${rows.length - 1}`);
  }
  if (!(minDist >= 0 && minDist <= 1)) throw new RangeError(`umap: minDist ${minDist}; expected 0 to 1`);
  const { UMAP } = (await import("umap-js")).default;
  const generator = new Generator(seed);
  const reducer = new UMAP({ nNeighbors: neighbors, minDist, random: () => generator.random() / 2 ** 32 });
  const placed = await reducer.fitAsync(rows.map((row) => [...row]));
  return toTensor(placed);
}

/** Options of `tsne`. */
export interface TsneOptions {
  /** About how many neighbours count; default 30, or a third of the points where they are fewer than 90. */
  perplexity?: number;
  /** Default 500. */
  iterations?: number;
  /** Of its random numbers; default 0. */
  seed?: number;
}

/**
 * A map in two dimensions that shows clusters, by t-SNE without approximations: for up to 3,000 points.
 *
 * @param points - `[n, d]`
 * @returns `[n, 2]`, the same for a seed
 * @throws RangeError if the shape differs, n is below 3 or above 3,000, or an option is out of range
 * @see van der Maaten and Hinton 2008: https://jmlr.org/papers/v9/vandermaaten08a.html
 */
export async function tsne(points: Tensor, options: TsneOptions = {}): Promise<Tensor> {
  const rows = await rowsOf("tsne", points, MOST.tsne);
  const n = rows.length;
  const { perplexity = Math.min(30, n / 3), iterations = 500, seed = 0 } = options;
  if (!(perplexity >= 1 && perplexity < n)) {
    throw new RangeError(`tsne: perplexity ${perplexity} of ${n} points; expected 1 to ${n - 1}`);
  }
  if (!Number.isInteger(iterations) || iterations < 1) throw new RangeError(`tsne: ${iterations} iterations`);
  const p = affinities(rows, perplexity);
  const generator = new Generator(seed);
  const y = Float64Array.from({ length: 2 * n }, () => 1e-2 * (generator.random() / 2 ** 31 - 1));
  const [velocity, gains, weights] = [
    new Float64Array(2 * n),
    new Float64Array(2 * n).fill(1),
    new Float64Array(n * n),
  ];
  const rate = Math.max(50, n / 12);
  for (let step = 0; step < iterations; step++) {
    // In the beginning what belongs together is drawn together harder, so that clusters form.
    const exaggeration = step < 100 ? 12 : 1;
    const momentum = step < 100 ? 0.5 : 0.8;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        const w = 1 / (1 + (y[2 * i]! - y[2 * j]!) ** 2 + (y[2 * i + 1]! - y[2 * j + 1]!) ** 2);
        weights[i * n + j] = w;
        weights[j * n + i] = w;
        sum += 2 * w;
      }
    }
    for (let i = 0; i < n; i++) {
      let [gx, gy] = [0, 0];
      for (let j = 0; j < n; j++) {
        if (j === i) continue;
        const w = weights[i * n + j]!;
        const pull = 4 * (exaggeration * p[i * n + j]! - w / sum) * w;
        gx += pull * (y[2 * i]! - y[2 * j]!);
        gy += pull * (y[2 * i + 1]! - y[2 * j + 1]!);
      }
      for (const [k, gradient] of [gx, gy].entries()) {
        const at = 2 * i + k;
        gains[at] = Math.max(
          0.01,
          Math.sign(gradient) === Math.sign(velocity[at]!) ? gains[at]! * 0.8 : gains[at]! + 0.2,
        );
        velocity[at] = momentum * velocity[at]! - rate * gains[at]! * gradient;
      }
    }
    for (let i = 0; i < 2 * n; i++) y[i]! += velocity[i]!;
    // Long work lets the page answer.
    if (step % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
  }
  return toTensor(Array.from({ length: n }, (_, i) => [y[2 * i]!, y[2 * i + 1]!]));
}

/** How near each pair is, `[n, n]`, summing to 1: each row's width is sought by halving until its entropy fits. */
function affinities(rows: readonly Float32Array[], perplexity: number): Float64Array {
  const n = rows.length;
  const p = new Float64Array(n * n);
  const distances = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < n; j++) {
      distances[j] = squaredDistance(rows[i]!, rows[j]!);
      if (j !== i) nearest = Math.min(nearest, distances[j]!);
    }
    let [low, high, precision] = [0, Number.POSITIVE_INFINITY, 1];
    for (let attempt = 0; attempt < 64; attempt++) {
      let [sum, weighted] = [0, 0];
      for (let j = 0; j < n; j++) {
        const w = j === i ? 0 : Math.exp(-precision * (distances[j]! - nearest));
        p[i * n + j] = w;
        sum += w;
        weighted += w * (distances[j]! - nearest);
      }
      for (let j = 0; j < n; j++) p[i * n + j]! /= sum;
      const entropy = Math.log(sum) + (precision * weighted) / sum;
      const off = entropy - Math.log(perplexity);
      if (Math.abs(off) < 1e-5) break;
      if (off > 0) low = precision;
      else high = precision;
      precision = high === Number.POSITIVE_INFINITY ? precision * 2 : (low + high) / 2;
    }
  }
  const symmetric = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) symmetric[i * n + j] = Math.max(1e-12, (p[i * n + j]! + p[j * n + i]!) / (2 * n));
  }
  return symmetric;
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

async function rowsOf(where: string, points: Tensor, most: number): Promise<Float32Array[]> {
  const [n = 0, d = 0] = points.shape;
  if (points.ndim !== 2) throw new RangeError(`${where}: got [${points.shape}], expected [n, d]: one row per point`);
  if (n < 3 || n > most) throw new RangeError(`${where}: ${n} points; expected 3 to ${most}`);
  const data = (await points.float().data()) as Float32Array;
  const wrong = data.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) throw new RangeError(`${where}: point ${Math.floor(wrong / d)} has a value that is NaN or infinite`);
  return Array.from({ length: n }, (_, i) => data.slice(i * d, (i + 1) * d));
}

function toTensor(rows: readonly (readonly number[])[]): Tensor {
  return fromArray("float32", [rows.length, 2], Float32Array.from(rows.flat()));
}
