import { arange, cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Large images in overlapping tiles, blended where they meet, so that memory does not grow with the image.
 *
 * Every tile is normalised by itself, so the result differs a little from that of the whole image, as in diffusers,
 * whose tiles these are.
 */
export class Tiling {
  /** Side of a tile, in pixels of the image; larger images are cut. */
  tileSize: number;
  /** Share of a tile that its neighbour covers too. */
  overlap = 0.25;
  readonly #scale: number;

  /** @param scale - how much smaller latents are than images */
  constructor(tileSize: number, scale: number) {
    this.tileSize = tileSize;
    this.#scale = scale;
  }

  /**
   * Whether `x` is larger than a tile.
   * @param up - how much larger the result is than `x`: `scale` when decoding, 1 when encoding
   */
  needed(x: Tensor, up: number): boolean {
    return Math.max(x.shape[2]!, x.shape[3]!) > this.#sides(up).input;
  }

  /** The tiles of `x`, in rows. */
  cut(x: Tensor, up: number): Tensor[][] {
    const { input } = this.#sides(up);
    const step = Math.floor(input * (1 - this.overlap));
    const starts = (length: number) => Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step);
    return starts(x.shape[2]!).map((top) =>
      starts(x.shape[3]!).map((left) => x.slice(2, top, top + input).slice(3, left, left + input)),
    );
  }

  /** The results of the tiles that `cut` made, as one. */
  join(rows: readonly (readonly Tensor[])[], up: number): Tensor {
    const { output } = this.#sides(up);
    const extent = Math.floor(output * this.overlap);
    const keep = output - extent;
    // Neighbours are blended in as they have become: what was faded above fades on below.
    const blended: Tensor[][] = [];
    for (const [i, row] of rows.entries()) {
      blended.push([]);
      for (const [j, tile] of row.entries()) {
        const above = blended[i - 1]?.[j];
        const left = blended[i]![j - 1];
        let out = above ? blend(above, tile, 2, extent) : tile;
        if (left) out = blend(left, out, 3, extent);
        blended[i]!.push(out);
      }
    }
    const parts = blended.map((row) =>
      cat(
        row.map((tile) => tile.slice(2, 0, keep).slice(3, 0, keep)),
        3,
      ),
    );
    return cat(parts, 2);
  }

  #sides(up: number): { input: number; output: number } {
    const latent = Math.floor(this.tileSize / this.#scale);
    return up === 1 ? { input: this.tileSize, output: latent } : { input: latent, output: this.tileSize };
  }
}

/** The first `extent` rows (or columns) of `b` faded in from the last ones of `a`. */
function blend(a: Tensor, b: Tensor, dim: number, extent: number): Tensor {
  const size = b.shape[dim]!;
  const n = Math.min(a.shape[dim]!, size, extent);
  if (n === 0) return b;
  const shape = dim === 2 ? [n, 1] : [n];
  const weight = arange(n).float().div(n).reshape(shape);
  const old = a.slice(dim, a.shape[dim]! - n);
  const edge = old.mul(weight.neg().add(1)).add(b.slice(dim, 0, n).mul(weight));
  return n === size ? edge : cat([edge, b.slice(dim, n)], dim);
}
