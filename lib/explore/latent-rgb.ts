import { avgPool2d } from "../nn/functional/index.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { Generator } from "../random/index.ts";
import { fromArray } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A linear map from latents to small pictures: what an autoencoder's decoder does, but for its details. */
export class LatentRgb {
  /** What a unit of each channel adds to red, green and blue, `[channels, 3]`. */
  readonly factors: Tensor;
  /** Red, green and blue of latents that are zero, `[3]`. */
  readonly bias: Tensor;
  /** Share of the colours' variance that the map explains in what it was fitted to, up to 1. */
  readonly r2: number;

  /** Use `fitLatentRgb`. */
  constructor(factors: Tensor, bias: Tensor, r2: number) {
    this.factors = factors;
    this.bias = bias;
    this.r2 = r2;
  }

  /**
   * A small picture of latents at once, without the decoder: `rgb.apply(step.latents)`.
   *
   * @param latents - `[B, channels, h, w]`
   * @returns `[B, 3, h, w]`, -1 to 1
   * @throws RangeError if the channels differ
   */
  apply(latents: Tensor): Tensor {
    const channels = this.factors.shape[0]!;
    if (latents.ndim !== 4 || latents.shape[1] !== channels) {
      throw new RangeError(`LatentRgb.apply: got [${latents.shape}], expected [B, ${channels}, h, w]`);
    }
    return noGrad(() => {
      const mixed = latents.permute(0, 2, 3, 1).matmul(this.factors).add(this.bias); // [B, h, w, 3]
      return mixed.permute(0, 3, 1, 2).clamp(-1, 1);
    });
  }
}

/**
 * Fits, by least squares, the linear map from an autoencoder's latents to the mean colours of the squares that they stand for.
 *
 * ```ts
 * const rgb = await fitLatentRgb(pipe, world({ n: 100 }).toTensor({ range: [-1, 1] }));
 * showImages(rgb.apply(step.latents), { range: [-1, 1] })
 * ```
 *
 * @param pictures - `[n, 3, H, W]` from -1 to 1; together at least as many latent cells as there are channels and one more
 * @throws RangeError if the pictures are none, too few, or all of one colour
 */
export async function fitLatentRgb(pipe: StableDiffusionPipeline, pictures: Tensor): Promise<LatentRgb> {
  const where = "fitLatentRgb";
  if (pictures.ndim !== 4 || pictures.shape[1] !== 3) {
    throw new RangeError(`${where}: got [${pictures.shape}], expected pictures [n, 3, H, W] from -1 to 1`);
  }
  const latents = await pipe.codec.encode(pictures.detach(), [new Generator(0)]);
  const [, channels, h, w] = latents.shape as [number, number, number, number];
  const small = noGrad(() => avgPool2d(pictures, pictures.shape[2]! / h));
  const cells = pictures.shape[0]! * h * w;
  const [x, y] = await Promise.all([rowsOf(latents, cells), rowsOf(small, cells)]);
  const size = channels + 1;
  if (cells < size) throw new RangeError(`${where}: ${cells} latent cells for ${size} unknowns; use more pictures`);
  // Normal equations, with a last column of ones for the bias: (xᵀx) factors = xᵀy
  const left = Array.from({ length: size }, () => new Float64Array(size + 3));
  for (let cell = 0; cell < cells; cell++) {
    const at = (i: number) => (i < channels ? x[cell * channels + i]! : 1);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) left[i]![j]! += at(i) * at(j);
      for (let c = 0; c < 3; c++) left[i]![size + c]! += at(i) * y[cell * 3 + c]!;
    }
  }
  const solution = solve(left);
  if (!solution) throw new RangeError(`${where}: the latents of these pictures are too similar; use other pictures`);
  const mean = [0, 1, 2].map((c) => left[channels]![size + c]! / cells);
  let [rest, all] = [0, 0];
  for (let cell = 0; cell < cells; cell++) {
    for (let c = 0; c < 3; c++) {
      let fit = solution[channels]![c]!;
      for (let i = 0; i < channels; i++) fit += x[cell * channels + i]! * solution[i]![c]!;
      rest += (y[cell * 3 + c]! - fit) ** 2;
      all += (y[cell * 3 + c]! - mean[c]!) ** 2;
    }
  }
  const tensor = (rows: number[][], shape: number[]) => fromArray("float32", shape, Float32Array.from(rows.flat()));
  return new LatentRgb(
    tensor(solution.slice(0, channels), [channels, 3]),
    tensor([solution[channels]!], [3]),
    all > 0 ? 1 - rest / all : 1,
  );
}

/** `[B, C, h, w]` as rows of C numbers, one for each place. */
async function rowsOf(images: Tensor, cells: number): Promise<ArrayLike<number>> {
  return images.permute(0, 2, 3, 1).reshape(cells, -1).data();
}

/** Solves equations with three right sides, `[n, n + 3]`, by elimination; null if they have no single solution. */
function solve(rows: readonly Float64Array[]): number[][] | null {
  const a = rows.map((row) => Float64Array.from(row));
  const n = a.length;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(a[r]![i]!) > Math.abs(a[pivot]![i]!)) pivot = r;
    if (Math.abs(a[pivot]![i]!) < 1e-9 * Math.abs(rows[i]![i]!) || a[pivot]![i] === 0) return null;
    [a[i], a[pivot]] = [a[pivot]!, a[i]!];
    for (let r = 0; r < n; r++) {
      if (r === i) continue;
      const factor = a[r]![i]! / a[i]![i]!;
      for (let c = i; c < n + 3; c++) a[r]![c]! -= factor * a[i]![c]!;
    }
  }
  return a.map((row, i) => [0, 1, 2].map((c) => row[n + c]! / row[i]!));
}
