import { show } from "../graph/shape.ts";
import { checkChoice, checkOptions } from "../options.ts";
import type { Tolerance } from "./math.ts";
import type { KeepDim } from "./operands.ts";
import type { Ordered } from "./order.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Grids of coordinates: of vectors `[n]`, `[m]` two tensors `[n, m]`, the first of which changes from row to row and the
 * second from column to column (`indexing: "xy"` exchanges rows and columns).
 *
 * ```ts
 * const [y, x] = meshgrid([arange(28), arange(28)])
 * ```
 */
export function meshgrid(vectors: readonly Tensor[], options: { indexing?: "ij" | "xy" } = {}): Tensor[] {
  checkOptions("meshgrid", options, { indexing: true });
  checkChoice("meshgrid", "indexing", options.indexing ?? "ij", ["ij", "xy"]);
  if (vectors.length === 0) throw new RangeError("meshgrid: got no vectors");
  const wrong = vectors.find((v) => v.ndim > 1);
  if (wrong) throw new RangeError(`meshgrid: got ${show(wrong.shape)}, expected vectors`);
  const sizes = vectors.map((v) => v.numel());
  const grids = vectors.map((v, i) => v.reshape(sizes.map((n, d) => (d === i ? n : 1))).expand(sizes));
  return options.indexing === "xy" && vectors.length > 1 ? grids.map((grid) => grid.transpose(0, 1)) : grids;
}

/** `x.tril(diagonal)`: the lower triangle of the last two dimensions; zeros above. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return x.tril(diagonal);
}

/** `x.triu(diagonal)`: the upper triangle of the last two dimensions; zeros below. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return x.triu(diagonal);
}

/** `x.diag(diagonal)`: a vector as a diagonal matrix, or the diagonal of a matrix. */
export function diag(x: Tensor, diagonal = 0): Tensor {
  return x.diag(diagonal);
}

/** `a.dot(b)`: the sum of the products of two vectors. */
export function dot(a: Tensor, b: Tensor): Tensor {
  return a.dot(b);
}

/** `a.outer(b)`: all products of two vectors, `[n, m]`. */
export function outer(a: Tensor, b: Tensor): Tensor {
  return a.outer(b);
}

/** `a.bmm(b)`: matrix products in a batch. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  return a.bmm(b);
}

/** `x.roll(shifts, dims)`: elements moved, and in again at the other end. */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  return x.roll(shifts, dims);
}

/** `x.flip(dims)`: the order along `dims` reversed. */
export function flip(x: Tensor, dims: readonly number[]): Tensor {
  return x.flip(dims);
}

/** `x.sort(dim, options)`: the elements in order, and where they stood. */
export function sort(x: Tensor, dim = -1, options: { descending?: boolean } = {}): Ordered<Tensor> {
  return x.sort(dim, options);
}

/** `x.argsort(dim, options)`: where the elements in order stood. */
export function argsort(x: Tensor, dim = -1, options: { descending?: boolean } = {}): Tensor {
  return x.argsort(dim, options);
}

/** `x.topk(k, dim, options)`: the `k` largest elements, and where they stand. */
export function topk(x: Tensor, k: number, dim = -1, options: { largest?: boolean } = {}): Ordered<Tensor> {
  return x.topk(k, dim, options);
}

/** `x.logsumexp(dim)`: log(sum(exp(x))) without overflow. */
export function logsumexp(x: Tensor, dim: number | readonly number[], options: KeepDim = false): Tensor {
  return x.logsumexp(dim, options);
}

/** `a.lerp(b, weight)`: from `a` towards `b`. */
export function lerp(a: Tensor, b: Tensor, weight: Tensor | number): Tensor {
  return a.lerp(b, weight);
}

/** `a.cdist(b, p)`: lengths of the differences of all pairs of rows. */
export function cdist(a: Tensor, b: Tensor, p = 2): Tensor {
  return a.cdist(b, p);
}

/** `await a.allclose(b)`: whether all elements are within tolerance. */
export function allclose(a: Tensor, b: Tensor, options: Tolerance = {}): Promise<boolean> {
  return a.allclose(b, options);
}

/** `await a.equal(b)`: whether both have the same shape and the same elements. */
export function equal(a: Tensor, b: Tensor): Promise<boolean> {
  return a.equal(b);
}

/** `await x.unique()`: the different elements, which one each is, and their counts. */
export function unique(x: Tensor): Promise<{ values: Tensor; inverse: Tensor; counts: Tensor }> {
  return x.unique();
}

/** `await x.nonzero()`: the places of all elements that are not 0. */
export function nonzero(x: Tensor): Promise<Tensor> {
  return x.nonzero();
}
