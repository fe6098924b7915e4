import { Dice } from "../datasets/dice.ts";
import type { Image } from "../images/index.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";
import type { Dataset, LoaderState } from "../train/data-loader.ts";

/** Some pictures, and what is said of each when it is shown. */
export interface PictureGroup {
  readonly images: readonly Image[];
  /** The caption of picture `index`, which may be drawn anew each time. */
  caption(index: number, dice: Dice): string;
}

/** How a picture is cut out of one that is larger. */
export interface Cropping {
  /** Pixels of one side. */
  readonly resolution: number;
  /** The middle rather than a place drawn at random. */
  readonly centerCrop: boolean;
  /** Mirror every other picture, drawn at random. */
  readonly randomFlip: boolean;
}

/** A picture with its shorter side brought to `resolution`, as diffusers' scripts do it. */
export function shrunk(image: Image, resolution: number): Image {
  const scale = resolution / Math.min(image.width, image.height);
  if (scale === 1) return image;
  const [width, height] = [image.width, image.height].map((side) => Math.max(resolution, Math.floor(side * scale)));
  return image.resize(width!, height, { filter: "bilinear" });
}

/**
 * Pictures as a training step takes them: for each group pixels `[b, 3, s, s]` from -1 to 1 and token ids `[b, tokens]`.
 * The first group says how many there are; of the others (pictures of a class, for prior preservation) as many are taken.
 *
 * What is drawn at random depends on the seed and the batch's number alone.
 */
export class PictureBatches implements Dataset {
  readonly length: number;
  readonly makesTensors = true;
  readonly groups: readonly PictureGroup[];
  readonly cropping: Cropping;
  readonly #tokenizer: CLIPTokenizer;
  readonly #seed: number;
  readonly #pixels: readonly (readonly Pixels[])[];

  /** @param options.repeats - how often each picture is in an epoch */
  constructor(
    groups: readonly PictureGroup[],
    tokenizer: CLIPTokenizer,
    options: Cropping & { repeats: number; seed: number },
  ) {
    const { repeats, seed, ...cropping } = options;
    this.groups = groups;
    this.cropping = cropping;
    this.length = groups[0]!.images.length * repeats;
    this.#tokenizer = tokenizer;
    this.#seed = seed;
    this.#pixels = groups.map(({ images }) => images.map((image) => image.convert("RGB").toRaw()));
    // Says once what is cut off, rather than at every step.
    const dice = new Dice(seed);
    for (const { images, caption } of groups) {
      const captions = new Set(images.map((_, i) => caption(i, dice)));
      tokenizer.batch([...captions].map((text) => tokenizer.maybeConvertPrompt(text)));
    }
  }

  tensors(indices: Int32Array, at: LoaderState = { epoch: 0, position: 0 }): Tensor[] {
    const batch = (BigInt(this.#seed) * 1_000_003n + BigInt(at.epoch)) * 1_000_003n + BigInt(at.position);
    const dice = new Dice(BigInt.asUintN(63, batch + 1n));
    return this.groups.flatMap(({ caption }, g) => {
      const pixels = this.#pixels[g]!;
      const chosen = Array.from(indices, (i) => i % pixels.length);
      const texts = chosen.map((i) => this.#tokenizer.maybeConvertPrompt(caption(i, dice)));
      const { resolution: s } = this.cropping;
      const values = new Float32Array(chosen.length * 3 * s * s);
      for (const [k, i] of chosen.entries()) this.#cut(pixels[i]!, dice, values.subarray(k * 3 * s * s));
      const ids = this.#tokenizer.batch(texts, { onNotice: () => {} }).inputIds;
      return [fromArray("float32", [chosen.length, 3, s, s], values), ids];
    });
  }

  #cut({ width, height, data }: Pixels, dice: Dice, out: Float32Array): void {
    const { resolution: s, centerCrop, randomFlip } = this.cropping;
    const place = (room: number) => (centerCrop ? Math.round(room / 2) : dice.below(room + 1));
    const [left, top] = [place(width - s), place(height - s)];
    const mirrored = randomFlip && dice.chance(0.5);
    for (let y = 0; y < s; y++) {
      for (let x = 0; x < s; x++) {
        const from = ((top + y) * width + left + (mirrored ? s - 1 - x : x)) * 3;
        for (let c = 0; c < 3; c++) out[(c * s + y) * s + x] = data[from + c]! / 127.5 - 1;
      }
    }
  }
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` */
  readonly data: Uint8Array;
}
