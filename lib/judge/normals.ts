import { eigenSymmetric } from "../tensor/decompose.ts";

/**
 * The Fréchet distance of the two normal distributions that have the mean and covariance of some rows of numbers:
 * `|m - n|^2 + tr(P + Q - 2 (P Q)^1/2)`.
 *
 * @param a - rows of the same length, two or more
 * @param b - the same of the other distribution
 */
export function distanceOfNormals(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  const [p, q] = [moments(a), moments(b)];
  const n = p.mean.length;
  let distance = 0;
  for (let i = 0; i < n; i++) {
    distance += (p.mean[i]! - q.mean[i]!) ** 2 + p.covariance[i]![i]! + q.covariance[i]![i]!;
  }
  // The trace of the root of P Q is that of the root of P^1/2 Q P^1/2, which is symmetric.
  const root = squareRoot(p.covariance);
  const middle = product(product(root, q.covariance), root);
  const eigenvalues = eigen(middle).values;
  return distance - 2 * eigenvalues.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
}

type Matrix = Float64Array[];

function moments(rows: readonly Float32Array[]): { mean: Float64Array; covariance: Matrix } {
  const n = rows[0]!.length;
  const mean = new Float64Array(n);
  for (const row of rows) for (let i = 0; i < n; i++) mean[i]! += row[i]! / rows.length;
  const covariance: Matrix = Array.from({ length: n }, () => new Float64Array(n));
  for (const row of rows) {
    for (let i = 0; i < n; i++) {
      const d = (row[i]! - mean[i]!) / (rows.length - 1);
      for (let k = 0; k < n; k++) covariance[i]![k]! += d * (row[k]! - mean[k]!);
    }
  }
  return { mean, covariance };
}

function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => {
    const out = new Float64Array(b[0]!.length);
    for (const [k, value] of row.entries()) for (let j = 0; j < out.length; j++) out[j]! += value * b[k]![j]!;
    return out;
  });
}

/** The symmetric root of a symmetric matrix without negative eigenvalues. */
function squareRoot(a: Matrix): Matrix {
  const { values, vectors } = eigen(a);
  const n = values.length;
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_, k) => {
      let sum = 0;
      for (let e = 0; e < n; e++) sum += vectors[i]![e]! * Math.sqrt(Math.max(0, values[e]!)) * vectors[k]![e]!;
      return sum;
    }),
  );
}

/** Eigenvalues of a symmetric matrix and, in columns, its eigenvectors. */
function eigen(a: Matrix): { values: Float64Array; vectors: Matrix } {
  const n = a.length;
  const flat = Float64Array.from({ length: n * n }, (_, i) => a[Math.floor(i / n)]![i % n]!);
  const { values, vectors } = eigenSymmetric(flat, n);
  return { values, vectors: Array.from({ length: n }, (_, i) => vectors.subarray(i * n, (i + 1) * n)) };
}
