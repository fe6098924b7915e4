import { fromArray, stack } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What `pca` finds. */
export interface Pca {
  /** The points along the components, `[n, k]`. */
  readonly points: Tensor;
  /** How much of the points' variance lies along each component, 0 to 1, the largest first. */
  readonly explained: readonly number[];
  /** Directions of length 1, at right angles, `[k, d]`. In each the entry of the largest size is positive. */
  readonly components: Tensor;
  /** The middle of the points, `[d]`. */
  readonly mean: Tensor;
}

const MOST = 2000;

/**
 * The directions along which points differ most (principal components): `(await pca(embeddings)).points` is a map.
 *
 * @param points - `[n, d]`, or one shape each as `[n, ...]`; n or d at most 2,000
 * @param options.components - how many directions; default 2
 * @throws RangeError if there are fewer than two points, or fewer dimensions than components
 */
export async function pca(points: Tensor, options: { components?: number } = {}): Promise<Pca> {
  const where = "pca";
  const { components: k = 2 } = options;
  const n = points.shape[0] ?? 0;
  if (points.ndim < 2 || n < 2)
    throw new RangeError(`${where}: got [${points.shape}], expected [n, d] with n at least 2`);
  const flat = points.detach().float().reshape(n, -1);
  const d = flat.shape[1]!;
  if (!Number.isInteger(k) || k < 1 || k > Math.min(n, d)) {
    throw new RangeError(
      `${where}: ${k} components of ${n} points in ${d} dimensions; expected 1 to ${Math.min(n, d)}`,
    );
  }
  const size = Math.min(n, d);
  if (size > MOST) throw new RangeError(`${where}: ${n} points in ${d} dimensions; expected at most ${MOST} of each`);
  const { mean, centred } = noGrad(() => {
    const middle = flat.mean(0);
    return { mean: middle, centred: flat.sub(middle) };
  });
  // The smaller of the two products has the same eigenvalues.
  const wide = n <= d;
  const product = await (wide ? centred.matmul(centred.T) : centred.T.matmul(centred)).data();
  if (!product.every(Number.isFinite))
    throw new RangeError(`${where}: the points contain values that are NaN or infinite`);
  const { vectors, values, trace } = largest(Float64Array.from(product), size, k);
  const columns = stack(vectors.map((vector) => fromArray("float32", [size], Float32Array.from(vector))));
  const directions = await (wide ? columns.matmul(centred) : columns).tolist();
  const rows = (directions as number[][]).map(unitRow);
  const components = fromArray("float32", [k, d], Float32Array.from(rows.flat()));
  return {
    points: await centred.matmul(components.T).realize(),
    explained: values.map((value) => (trace > 0 ? Math.max(0, value) / trace : 0)),
    components,
    mean: await mean.realize(),
  };
}

/** A row of length 1 whose largest entry is positive; zeros stay zeros. */
function unitRow(row: number[]): number[] {
  const length = Math.hypot(...row);
  const peak = row.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  const scale = length > 0 ? Math.sign(peak) / length : 0;
  return row.map((value) => value * scale);
}

/** Eigenvectors of the largest eigenvalues of a symmetric matrix, by orthogonal iteration with some to spare. */
function largest(matrix: Float64Array, size: number, k: number) {
  const spare = Math.min(size, k + 8);
  const multiply = (vector: Float64Array) =>
    Float64Array.from({ length: size }, (_, row) => {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += matrix[row * size + i]! * vector[i]!;
      return sum;
    });
  let basis = Array.from({ length: spare }, (_, j) =>
    Float64Array.from({ length: size }, (_, i) => Math.sin((i + 1) * (j + 1.7)) + (i % spare === j ? 1 : 0)),
  );
  orthonormal(basis);
  let before = Number.NaN;
  for (let round = 0; round < 300; round++) {
    const next = basis.map(multiply);
    // Within what the basis spans: the small matrix's own eigenvectors.
    const small = basis.map((a) => next.map((b) => dot(a, b)));
    const { values, vectors } = jacobi(small);
    basis = vectors.map((mix) =>
      Float64Array.from({ length: size }, (_, i) => mix.reduce((sum, share, j) => sum + share * next[j]![i]!, 0)),
    );
    orthonormal(basis);
    const sum = values.slice(0, k).reduce((a, b) => a + b, 0);
    if (Math.abs(sum - before) <= 1e-13 * Math.abs(sum)) break;
    before = sum;
  }
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i]!;
  const vectors = basis.slice(0, k);
  return { vectors, values: vectors.map((vector) => dot(vector, multiply(vector))), trace };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Makes rows of length 1 at right angles, in place, each twice: once leaves too much of what is nearly parallel. */
function orthonormal(rows: Float64Array[]): void {
  for (const [i, row] of rows.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (const other of rows.slice(0, i)) {
        const along = dot(row, other);
        for (let j = 0; j < row.length; j++) row[j]! -= along * other[j]!;
      }
    }
    const length = Math.sqrt(dot(row, row)) || 1;
    for (let j = 0; j < row.length; j++) row[j]! /= length;
  }
}

/** All eigenvalues of a small symmetric matrix, the largest first, by Jacobi's rotations. */
function jacobi(matrix: readonly (readonly number[])[]): { values: number[]; vectors: number[][] } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        off += Math.abs(a[p]![q]!);
        if (Math.abs(a[p]![q]!) < 1e-300) continue;
        const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        rotate(a, v, [p, q], c, t * c);
      }
    }
    if (off < 1e-14 * a.reduce((sum, row, i) => sum + Math.abs(row[i]!), 0)) break;
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return { values: order.map((i) => a[i]![i]!), vectors: order.map((i) => v.map((row) => row[i]!)) };
}

function rotate(a: number[][], v: number[][], [p, q]: readonly [number, number], c: number, s: number): void {
  const turn = (row: number[], i: number, j: number) => {
    const [x, y] = [row[i]!, row[j]!];
    row[i] = c * x - s * y;
    row[j] = s * x + c * y;
  };
  for (const row of a) turn(row, p, q);
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[p]![k]!, a[q]![k]!];
    a[p]![k] = c * x - s * y;
    a[q]![k] = s * x + c * y;
  }
  for (const row of v) turn(row, p, q);
}
