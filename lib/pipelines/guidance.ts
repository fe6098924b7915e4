import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * The prediction for the prompt, exaggerated away from the one for the negative prompt.
 *
 * @param both - predictions for the negative prompts, then for the prompts: `[2 B, C, h, w]`
 * @param scale - 1 gives the prompt's prediction as it is
 * @param rescale - share of the result that is given the contrast of the prompt's own prediction
 * @see Ho and Salimans 2022: https://arxiv.org/abs/2207.12598; Lin et al. 2023, section 3.4: https://arxiv.org/abs/2305.08891
 */
export function classifierFree(both: Tensor, scale: number, rescale = 0): Tensor {
  const [without, text] = both.chunk(2, 0) as [Tensor, Tensor];
  const guided = without.add(text.sub(without).mul(scale));
  if (rescale === 0) return guided;
  const contrast = (x: Tensor) => x.std([1, 2, 3], { keepdim: true });
  const toned = guided.mul(contrast(text).div(contrast(guided)));
  return toned.mul(rescale).add(guided.mul(1 - rescale));
}

/** The guidance scale as sinusoids `[B, width]`, for models that take it as an input. */
export function guidanceEmbedding(scale: number, batch: number, width: number, device: string): Tensor {
  const half = Math.floor(width / 2);
  const data = new Float32Array(batch * width);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround((scale - 1) * 1000 * Math.fround(Math.exp((-i * Math.log(10000)) / (half - 1))));
      data[b * width + i] = Math.sin(angle);
      data[b * width + half + i] = Math.cos(angle);
    }
  }
  return fromArray("float32", [batch, width], data, { device });
}
