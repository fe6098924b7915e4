import { enlargement, Image, type ImageMetadata } from "../images/index.ts";
import { DISPLAY } from "../page/display.ts";
import { PRINTED } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The result of a pipeline. In a notebook it shows its pictures. */
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

  [PRINTED](): string {
    const { prompt, seed } = this.metadata as { prompt?: unknown; seed?: unknown };
    const { width, height } = this.images[0]!;
    const size = `${this.images.length} × ${width}x${height}`;
    return `PipelineOutput: ${[size, prompt && JSON.stringify(prompt), seed !== undefined && `seed ${seed}`].filter(Boolean).join(", ")}`;
  }

  async [DISPLAY](): Promise<Record<string, unknown>> {
    const columns = columnsOf(this.images.length);
    const all =
      this.images.length === 1
        ? this.images[0]!
        : await Image.grid(
            this.images.map((image) => inPlace(image, columns)),
            { columns },
          );
    return (all as unknown as { [DISPLAY](): Promise<Record<string, unknown>> })[DISPLAY]();
  }
}

/** A small picture enlarged to its place in a grid, so that its pixels can be seen. */
function inPlace(image: Image, columns: number): Image {
  const factor = enlargement(image.width, image.height, 760 / columns);
  return factor === 1 ? image : image.resize(image.width * factor, image.height * factor, { filter: "nearest" });
}

/** About as many pictures across as down. */
function columnsOf(count: number): number {
  return count <= 4 ? count : Math.ceil(Math.sqrt(count));
}
