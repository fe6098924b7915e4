import type { Generator } from "../random/index.ts";
import { stack } from "../tensor/create.ts";
import { randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How to get from one place to another. */
export type WalkKind = "spherical" | "straight";

/**
 * A place between two latents on the arc that joins them: noise in many dimensions lies near a sphere, and a straight
 * line between two such places passes through its inside, where no network has been trained.
 *
 * `await slerp(a, b, 0.5)`
 *
 * @param a - any shape
 * @param b - the same shape
 * @param t - 0 gives `a`, 1 gives `b`
 * @returns the same shape; where the two point the same way (or opposite ways), the straight line's place
 * @throws RangeError if the shapes differ
 * @see Shoemake 1985, "Animating rotation with quaternion curves": sin((1-t) w)/sin w a + sin(t w)/sin w b
 */
export async function slerp(a: Tensor, b: Tensor, t: number): Promise<Tensor> {
  const angle = await angleOf(a, b);
  return onArc(a, b, angle, t);
}

/** The angle between two tensors, in radians. */
async function angleOf(a: Tensor, b: Tensor): Promise<number> {
  sameShape("slerp", a, b);
  const sums = await stack([a.mul(b).sum(), a.square().sum(), b.square().sum()])
    .float()
    .data();
  const [dot, aa, bb] = [...sums].map(Number) as [number, number, number];
  if (![dot, aa, bb].every(Number.isFinite))
    throw new RangeError("slerp: the tensors contain values that are NaN or infinite");
  return Math.acos(Math.max(-1, Math.min(1, dot / Math.max(1e-30, Math.sqrt(aa * bb)))));
}

function onArc(a: Tensor, b: Tensor, angle: number, t: number): Tensor {
  const sine = Math.sin(angle);
  if (sine < 1e-4) return lerp(a, b, t);
  return a.mul(Math.sin((1 - t) * angle) / sine).add(b.mul(Math.sin(t * angle) / sine));
}

/** A place between two tensors on the straight line: `lerp(a, b, 0.5)`. @throws RangeError if the shapes differ */
function lerp(a: Tensor, b: Tensor, t: number): Tensor {
  sameShape("lerp", a, b);
  return a.mul(1 - t).add(b.mul(t));
}

/**
 * Places on the way from one tensor to another, both ends included: `await walk(noiseA, noiseB, 9)` for a film between two
 * pictures, `await walk(embeddingA, embeddingB, 9, { kind: "straight" })` between two prompts.
 *
 * @param options.kind - "spherical" (default), as suits noise, or "straight", as suits embeddings
 * @throws RangeError if the shapes differ, or `n` is below 2
 */
export async function walk(a: Tensor, b: Tensor, n: number, options: { kind?: WalkKind } = {}): Promise<Tensor[]> {
  const { kind = "spherical" } = options;
  if (!Number.isInteger(n) || n < 2) throw new RangeError(`walk: ${n} places; expected a whole number from 2 up`);
  if (kind !== "spherical" && kind !== "straight") {
    throw new RangeError(`walk: unknown kind "${String(kind)}"; expected "spherical" or "straight"`);
  }
  const angle = kind === "spherical" ? await angleOf(a, b) : 0;
  return Array.from({ length: n }, (_, i) => onArc(a, b, angle, i / (n - 1)));
}

/**
 * Noise that goes round in a circle, for a film without an end: the first place follows the last one. Each place is noise of
 * variance 1, as `cos(w) a + sin(w) b` of two noises is.
 *
 * @param shape - of one place
 * @returns `[n, ...shape]`
 */
export function noiseCircle(shape: readonly number[], n: number, options: { generator?: Generator } = {}): Tensor {
  if (!Number.isInteger(n) || n < 1)
    throw new RangeError(`noiseCircle: ${n} places; expected a whole number from 1 up`);
  const [a, b] = [randn(shape, options), randn(shape, options)];
  const turns = Array.from({ length: n }, (_, i) => (2 * Math.PI * i) / n);
  return stack(turns.map((w) => a.mul(Math.cos(w)).add(b.mul(Math.sin(w)))));
}

function sameShape(where: string, a: Tensor, b: Tensor): void {
  if (`${a.shape}` === `${b.shape}`) return;
  throw new RangeError(`${where}: from [${a.shape}] to [${b.shape}]; expected two tensors of the same shape`);
}
