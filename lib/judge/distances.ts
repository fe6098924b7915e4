import { show } from "../graph/shape.ts";
import { checkInteger, checkOptions } from "../options.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { distanceOfNormals } from "./normals.ts";

/** How `coverage` looks for neighbours. */
export interface CoverageOptions {
  /** A real picture's neighbourhood reaches to its k-th nearest real picture; at least 1, default 5. */
  k?: number;
}

/**
 * How far two sets of pictures are apart, each described by the mean and covariance of its features: the squared distance of
 * the means plus the difference of the covariances. 0 for the same set. It falls as the number of pictures grows, so compare sets of
 * the same size, and compare with the distance between two sets of real ones.
 *
 * @param a - features, `[n, d]`, such as `worldJudge`'s `summary`; better with n above d
 * @param b - features, `[m, d]`
 * @returns the squared distance, 0 or more up to rounding
 * @throws RangeError for other shapes, or fewer than two rows
 * @see Heusel et al. 2017: https://arxiv.org/abs/1706.08500
 */
export async function frechetDistance(a: Tensor, b: Tensor): Promise<number> {
  return distanceOfNormals(...(await rowsOf("frechetDistance", a, b)));
}

/**
 * How far two sets of pictures are apart by the kernel `(x y / d + 1)^3`: how similar pictures of the same set are, minus how
 * similar pictures of different sets are. Around 0, sometimes slightly below, for two sets from one source, however few there are.
 *
 * @param a - features, `[n, d]`
 * @param b - features, `[m, d]`
 * @returns the squared distance, an unbiased estimate
 * @throws RangeError for other shapes, or fewer than two rows
 * @see Bińkowski et al. 2018: https://arxiv.org/abs/1801.01401
 */
export async function kernelDistance(a: Tensor, b: Tensor): Promise<number> {
  const [p, q] = await rowsOf("kernelDistance", a, b);
  const width = p[0]!.length;
  const kernel = (x: Float32Array, y: Float32Array) => (x.reduce((sum, v, i) => sum + v * y[i]!, 0) / width + 1) ** 3;
  const mean = (rows: readonly Float32Array[], columns: readonly Float32Array[]) => {
    // How similar a picture is to itself says nothing about the others.
    const own = rows === columns;
    let sum = 0;
    for (const [i, x] of rows.entries())
      for (const [k, y] of columns.entries()) if (!own || i !== k) sum += kernel(x, y);
    return sum / (rows.length * (columns.length - Number(own)));
  };
  return mean(p, p) + mean(q, q) - 2 * mean(p, q);
}

/**
 * The share of real pictures that have a generated one in their neighbourhood, which reaches to the k-th nearest real picture: 1
 * if every kind is generated, near 0 if only a few are, again and again.
 *
 * @param made - features of generated pictures, `[n, d]`, at least two
 * @param real - features of real pictures, `[m, d]`, m above k
 * @param options.k - default 5
 * @returns 0 to 1
 * @throws RangeError for other shapes, or too few rows
 * @see Naeem et al. 2020: https://arxiv.org/abs/2002.09797
 */
export async function coverage(made: Tensor, real: Tensor, options: CoverageOptions = {}): Promise<number> {
  checkOptions("coverage", options, ["k"]);
  const { k = 5 } = options;
  checkInteger("coverage", "k", [k], 1);
  const [p, q] = await rowsOf("coverage", made, real);
  if (q.length <= k) throw new RangeError(`coverage: ${q.length} real pictures; expected more than k, which is ${k}`);
  const squared = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0);
  const covered = q.filter((x) => {
    const reach = Float64Array.from(q, (y) => squared(x, y)).sort()[k]!;
    return p.some((y) => squared(x, y) <= reach);
  });
  return covered.length / q.length;
}

async function rowsOf(where: string, a: Tensor, b: Tensor): Promise<[Float32Array[], Float32Array[]]> {
  for (const x of [a, b]) {
    if (x.ndim !== 2) throw new RangeError(`${where}: features ${show(x.shape)}; expected [pictures, numbers of each]`);
    if (x.shape[0]! < 2)
      throw new RangeError(`${where}: features of one picture ${show(x.shape)}; expected of two or more`);
  }
  if (a.shape[1] !== b.shape[1]) {
    throw new RangeError(
      `${where}: features ${show(a.shape)} and ${show(b.shape)}; expected as many numbers for each picture`,
    );
  }
  const rows = async (x: Tensor) => {
    const [count, width] = x.shape as [number, number];
    const data = Float32Array.from(await x.float().data());
    return Array.from({ length: count }, (_, i) => data.subarray(i * width, (i + 1) * width));
  };
  return [await rows(a), await rows(b)];
}
