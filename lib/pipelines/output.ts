import { Image, type ImageMetadata } from "../images/index.ts";
import type { Tensor } from "../tensor/tensor.ts";

const DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** What a pipeline gives. In a notebook it shows its pictures. */
export class PipelineOutput {
  /** The pictures, in the order of the prompts: `output.images[0]`. */
  readonly images: Image[];
  /** The latents that the pictures were decoded from, not scaled. */
  readonly latents: Tensor;
  /** Prompt, seed, steps and so on, for `image.save(path, { metadata })`. */
  readonly metadata: ImageMetadata;

  constructor(images: Image[], latents: Tensor, metadata: ImageMetadata) {
    this.images = images;
    this.latents = latents;
    this.metadata = metadata;
  }

  async [DISPLAY](): Promise<Record<string, unknown>> {
    const all =
      this.images.length === 1
        ? this.images[0]!
        : await Image.grid(this.images, { columns: columnsOf(this.images.length) });
    return (all as unknown as { [DISPLAY](): Promise<Record<string, unknown>> })[DISPLAY]();
  }
}

/** About as many pictures across as down. */
function columnsOf(count: number): number {
  return count <= 4 ? count : Math.ceil(Math.sqrt(count));
}
