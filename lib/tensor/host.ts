import type { DType, TypedArray } from "../graph/dtype.ts";
import { source } from "../graph/node.ts";
import { type Shape, show } from "../graph/shape.ts";
import { checkInteger } from "../options.ts";
import { HostArray } from "../runtime/storage.ts";
import { Arranging } from "./arrange.ts";
import { eigenSymmetric, singularValues } from "./decompose.ts";
import { checkTensor } from "./operands.ts";

/**
 * What has a shape that depends on the values, or is computed on the host: these read the tensor first (`await`), and
 * cannot be part of a compiled function. Their results are new tensors; gradients pass only where that is said.
 */
export abstract class HostOps<T extends HostOps<T>> extends Arranging<T> {
  /** The places of all elements that are not 0, one row each: int64 `[count, dimensions]`. `await x.nonzero()`. */
  async nonzero(): Promise<T> {
    const data = await this.data();
    const places: number[] = [];
    for (let i = 0; i < data.length; i++) if (data[i] !== 0) places.push(i);
    const out = new BigInt64Array(places.length * this.ndim);
    for (const [row, place] of places.entries()) {
      let rest = place;
      for (let d = this.ndim - 1; d >= 0; d--) {
        out[row * this.ndim + d] = BigInt(rest % this.shape[d]!);
        rest = Math.floor(rest / this.shape[d]!);
      }
    }
    return made(this, "int64", [places.length, this.ndim], out);
  }

  /** The elements where `mask` (bool, of this shape) is true, in a row. Gradients go back to their places. */
  async maskedSelect(mask: T): Promise<T> {
    checkTensor("maskedSelect", mask, "a bool tensor");
    if (show(mask.shape) !== show(this.shape)) {
      throw new RangeError(`maskedSelect: mask ${show(mask.shape)}, expected the tensor's shape ${show(this.shape)}`);
    }
    const at = await mask.flatten().nonzero();
    return this.flatten().indexSelect(0, at.flatten());
  }

  /**
   * The different elements, the smallest first. `await tensor([2, 1, 2]).unique()` has the values [1, 2], the inverse
   * [1, 0, 1] and the counts [1, 2].
   *
   * @returns `values` `[n]`; `inverse`, which value each element is (int64, of this shape); `counts` `[n]` (int64)
   */
  async unique(): Promise<{ values: T; inverse: T; counts: T }> {
    const data = await this.data();
    // Typed arrays sort by value, with -0 before 0 and NaN last.
    const sorted = Float64Array.from(data).sort();
    const values: number[] = [];
    for (const v of sorted) if (values.length === 0 || !(values.at(-1) === v)) values.push(v === 0 ? 0 : v);
    const number = new Map(values.map((v, i) => [v, i]));
    // As in PyTorch, no NaN equals another: each is a value of its own, and they come last.
    let next = values.findIndex(Number.isNaN);
    const place = (v: number) => (Number.isNaN(v) ? next++ : number.get(v === 0 ? 0 : v)!);
    const inverse = BigInt64Array.from(data, (v) => BigInt(place(v)));
    const counts = new BigInt64Array(values.length);
    for (const i of inverse) counts[Number(i)]!++;
    const float = made(this, "float32", [values.length], Float32Array.from(values));
    const integers = () =>
      made(
        this,
        "int64",
        [values.length],
        BigInt64Array.from(values, (v) => BigInt(v)),
      );
    const exact = this.dtype === "int64" || this.dtype === "int32" ? integers() : float;
    return {
      values: exact.to(this.dtype),
      inverse: made(this, "int64", this.shape, inverse),
      counts: made(this, "int64", [values.length], counts),
    };
  }

  /**
   * Eigenvalues and eigenvectors of a symmetric matrix `[n, n]`, computed in float64 on the host, without gradients.
   *
   * @returns `values` `[n]`, the smallest first; `vectors` `[n, n]`, one in each column, of length 1: their sign is any
   * @throws RangeError if the matrix is not symmetric
   */
  async eigh(): Promise<{ values: T; vectors: T }> {
    const [n] = square("eigh", this);
    const data = Float64Array.from(await this.data());
    const largest = data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        if (Math.abs(data[i * n + j]! - data[j * n + i]!) > 1e-4 * largest) {
          throw new RangeError(`eigh: elements (${i}, ${j}) and (${j}, ${i}) differ; expected a symmetric matrix`);
        }
      }
    }
    const { values, vectors } = eigenSymmetric(data, n);
    return {
      values: made(this, "float32", [n], Float32Array.from(values)),
      vectors: made(this, "float32", [n, n], Float32Array.from(vectors)),
    };
  }

  /**
   * Singular value decomposition of a matrix `[n, m]`: `u` diag(`s`) `v`ᵀ, computed in float64 on the host, without
   * gradients. With k the smaller of n and m:
   *
   * @returns `u` `[n, k]`, `s` `[k]` (the largest first), `v` `[m, k]`; the signs of a column in both are any
   */
  async svd(): Promise<{ u: T; s: T; v: T }> {
    if (this.ndim !== 2) throw new RangeError(`svd: got ${show(this.shape)}, expected a matrix`);
    const [n, m] = this.shape as [number, number];
    const k = Math.min(n, m);
    const { u, s, v } = singularValues(Float64Array.from(await this.data()), n, m);
    return {
      u: made(this, "float32", [n, k], Float32Array.from(u)),
      s: made(this, "float32", [k], Float32Array.from(s)),
      v: made(this, "float32", [m, k], Float32Array.from(v)),
    };
  }

  /**
   * Principal components of points `[n, d]`: the directions in which they differ most, and where each point lies along
   * them. Computed on the host, without gradients.
   *
   * ```ts
   * const { projected } = await embeddings.pca(2)  // [n, 2]: a map of the points
   * ```
   *
   * @param components - how many; default 2
   * @returns `projected` `[n, components]`; `directions` `[d, components]`, each of length 1, its largest element
   *   positive; `mean` `[d]`; `explained` `[components]`, the share of the variance along each
   */
  async pca(components = 2): Promise<{ projected: T; directions: T; mean: T; explained: T }> {
    if (this.ndim !== 2) throw new RangeError(`pca: got ${show(this.shape)}, expected points [n, d]`);
    checkInteger("pca", "components", [components], 1);
    const [n, d] = this.shape as [number, number];
    if (components > Math.min(n, d)) {
      throw new RangeError(`pca: ${components} components of ${show(this.shape)}; expected ${Math.min(n, d)} at most`);
    }
    const mean = this.detach().float().mean(0);
    const centred = this.detach().float().sub(mean);
    const { s, v } = await centred.svd();
    const columns = Array.from(await v.data());
    const k = Math.min(n, d);
    const chosen = new Float32Array(d * components);
    for (let c = 0; c < components; c++) {
      let largest = 0;
      for (let i = 0; i < d; i++) {
        const value = columns[i * k + c]!;
        if (Math.abs(value) > Math.abs(largest)) largest = value;
      }
      for (let i = 0; i < d; i++) chosen[i * components + c] = columns[i * k + c]! * (largest < 0 ? -1 : 1);
    }
    const directions = made(this, "float32", [d, components], chosen);
    const squares = s.square();
    return {
      projected: centred.matmul(directions),
      directions,
      mean,
      explained: squares.narrow(0, 0, components).div(squares.sum()),
    };
  }
}

/** A tensor of numbers that were computed on the host, where `like` is. */
function made<T extends HostOps<T>>(like: HostOps<T>, dtype: DType, shape: Shape, data: TypedArray): T {
  return like.wrap(source(new HostArray(dtype, [...shape], data, like.device)));
}

function square(name: string, x: { readonly ndim: number; readonly shape: Shape }): [number] {
  if (x.ndim !== 2 || x.shape[0] !== x.shape[1]) {
    throw new RangeError(`${name}: got ${show(x.shape)}, expected a square matrix`);
  }
  return [x.shape[0]!];
}
