import {
  type AutoencoderKL,
  type CLIPModel,
  type CLIPTokenizer,
  noGrad,
  type Tensor,
  tensor,
  type WorldDataset,
  type WorldJudge,
} from "../index.ts";
import { JUDGED } from "../judge/world-judge.ts";
import type { Figures } from "./readme.ts";
import { scaled } from "./world-data.ts";

/** The arithmetic mean; NaN of no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A share from 0 to 1 as a text: `percent(0.5)` is "50.0 %". */
export function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

/** The pictures in batches, `x` `[b, 3, 64, 64]` from -1 to 1, with the index of the first. */
function* batches(pictures: WorldDataset, size = 64): Generator<{ x: Tensor; from: number }> {
  for (let from = 0; from < pictures.length; from += size) {
    const part = pictures.slice(from, from + size);
    yield { x: scaled(tensor(part.images, part.shape)), from };
  }
}

/**
 * How often the judge reads a picture correctly.
 *
 * @returns for each kind of answer, "thing read right" and so on, a percentage
 */
export async function accuracies(judge: WorldJudge, pictures: WorldDataset): Promise<Figures> {
  const right = { thing: 0, ink: 0, background: 0, manner: 0 };
  for (const { x, from } of batches(pictures)) {
    for (const [i, said] of (await judge.read(x)).entries()) {
      for (const kind of JUDGED) if (said[kind] === pictures.scenes[from + i]![kind]) right[kind]++;
    }
  }
  return Object.fromEntries(JUDGED.map((kind) => [`${kind} read right`, percent(right[kind] / pictures.length)]));
}

/** The factor that gives latents a standard deviation of 1: `scaling_factor` in the autoencoder's config. */
export async function latentScale(vae: AutoencoderKL, pictures: WorldDataset): Promise<number> {
  let [n, sum, squares] = [0, 0, 0];
  for (const { x } of batches(pictures)) {
    const latents = await noGrad(() => vae.encode(x).latentDist.sample()).data();
    for (const value of latents as Float32Array) {
      n++;
      sum += value;
      squares += value * value;
    }
  }
  return 1 / Math.sqrt(squares / n - (sum / n) ** 2);
}

/** Peak signal-to-noise ratio of encoding and decoding, in decibels, averaged over pictures; 106 at most. */
export async function psnr(vae: AutoencoderKL, pictures: WorldDataset): Promise<number> {
  const each: number[] = [];
  for (const { x } of batches(pictures)) {
    const errors = noGrad(() => vae.forward(x).sample.clamp(-1, 1).sub(x).square().mean([1, 2, 3]));
    for (const error of await errors.data()) each.push(10 * Math.log10(4 / Math.max(Number(error), 1e-10)));
  }
  return mean(each);
}

/**
 * How often CLIP finds a caption's picture among 64, and a picture's caption. Identical captions count as one.
 *
 * @returns shares from 0 to 1
 */
export async function retrieval(
  clip: CLIPModel,
  tokenizer: CLIPTokenizer,
  pictures: WorldDataset,
): Promise<{ picture: number; caption: number }> {
  const right = { picture: 0, caption: 0 };
  let asked = 0;
  for (const { x, from } of batches(pictures)) {
    const captions = pictures.captions.slice(from, from + x.shape[0]!);
    const { logitsPerText } = noGrad(() => clip.forward(tokenizer.batch(captions).inputIds, x));
    const found = { picture: await logitsPerText.argmax(1).data(), caption: await logitsPerText.argmax(0).data() };
    for (const key of ["picture", "caption"] as const) {
      for (const [i, k] of [...found[key]].entries()) if (captions[Number(k)] === captions[i]) right[key]++;
    }
    asked += captions.length;
  }
  return { picture: right.picture / asked, caption: right.caption / asked };
}
