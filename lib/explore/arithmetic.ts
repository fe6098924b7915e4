import type { CLIPModel } from "../models/index.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";

/** What words add up to. */
export interface WordSum {
  /** The sum as it was written. */
  readonly expression: string;
  /** Its parts, with their signs. */
  readonly terms: readonly { readonly sign: 1 | -1; readonly text: string }[];
  /** The captions nearest to it, the nearest first, with the cosine of the angle between them. */
  readonly nearest: readonly { readonly caption: string; readonly similarity: number }[];
  /** The place of the sum, of length 1, `[d]`. */
  readonly embedding: Tensor;
}

/**
 * Adds and subtracts texts in CLIP's space, and looks for the captions nearest to the sum:
 * `await wordArithmetic(clip, tokenizer, "a red three - red + blue", captions)`.
 *
 * @param expression - texts joined by `+` and `-` with spaces around them
 * @param captions - among which to look
 * @param options.nearest - how many to give; default 5
 * @throws RangeError if a part is empty, or there are no captions
 * @see Mikolov et al. 2013, section 4: https://arxiv.org/abs/1301.3781
 */
export async function wordArithmetic(
  clip: CLIPModel,
  tokenizer: CLIPTokenizer,
  expression: string,
  captions: readonly string[],
  options: { nearest?: number } = {},
): Promise<WordSum> {
  const where = "wordArithmetic";
  const { nearest = 5 } = options;
  if (captions.length === 0) throw new RangeError(`${where}: got no captions to search; expected at least one`);
  if (!Number.isInteger(nearest) || nearest < 1)
    throw new RangeError(`${where}: nearest is ${nearest}; expected 1 or more`);
  const parts = ` + ${expression}`.split(/\s([+-])\s/).slice(1);
  const terms = Array.from({ length: parts.length / 2 }, (_, i) => ({
    sign: parts[2 * i] === "-" ? (-1 as const) : (1 as const),
    text: parts[2 * i + 1]!.trim(),
  }));
  if (terms.some(({ text }) => text === "")) {
    throw new RangeError(
      `${where}: ${JSON.stringify(expression)} has an empty part; expected texts joined by + and -, as in "a red three - red + blue"`,
    );
  }
  const embed = (texts: readonly string[]) => noGrad(() => unit(clip.getTextFeatures(tokenizer.batch(texts).inputIds)));
  const places = embed(terms.map(({ text }) => text));
  const sum = noGrad(() =>
    unit(
      terms
        .map(({ sign }, i) => places.select(0, i).mul(sign))
        .reduce((a, b) => a.add(b))
        .unsqueeze(0),
    ),
  );
  const all = embed(captions);
  const similarities = await all.matmul(sum.squeeze(0)).data();
  const order = Array.from(captions.keys()).sort((i, j) => similarities[j]! - similarities[i]!);
  return {
    expression,
    terms,
    nearest: order.slice(0, nearest).map((i) => ({ caption: captions[i]!, similarity: similarities[i]! })),
    embedding: await sum.squeeze(0).realize(),
  };
}

function unit(x: Tensor): Tensor {
  return x.div(x.square().sum(-1, true).sqrt());
}
