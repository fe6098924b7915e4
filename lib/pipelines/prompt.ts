import { show } from "../graph/shape.ts";
import type { CLIPTextModel } from "../models/index.ts";
import { shown } from "../options.ts";
import { plural } from "../printed.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";
import type { Run } from "./run.ts";
import { Runner } from "./runner.ts";

/** Prompts to what the U-Net reads of them. */
export class PromptEncoder {
  readonly #tokenizer: CLIPTokenizer;
  readonly #model: CLIPTextModel;
  readonly #runner: Runner<[Tensor, number], Tensor>;

  constructor(tokenizer: CLIPTokenizer, model: CLIPTextModel) {
    this.#tokenizer = tokenizer;
    this.#model = model;
    const hidden = (ids: Tensor, skip: number) => {
      const { lastHiddenState, hiddenStates } = model.forward(ids);
      return skip === 0 ? lastHiddenState : model.textModel.finalLayerNorm.forward(hiddenStates.at(-(skip + 1))!);
    };
    this.#runner = new Runner("text encoder", hidden, { model, quick: model });
  }

  /**
   * @param skip - layers to leave out at the end
   * @returns `[prompts, 77, width]`
   */
  async encode(prompts: readonly string[], skip = 0, where = "text encoder"): Promise<Tensor> {
    const layers = this.#model.config.num_hidden_layers;
    if (!Number.isInteger(skip) || skip < 0 || skip >= layers) {
      throw new RangeError(
        `${where}: clipSkip is ${shown(skip)}; expected 0 to ${layers - 1}, because the text encoder has ${plural(layers, "layer")}`,
      );
    }
    const written = prompts.map((prompt) => this.#tokenizer.maybeConvertPrompt(prompt));
    const { inputIds } = this.#tokenizer.batch(written);
    const largest = this.#model.textModel.embeddings.tokenEmbedding.weight.shape[0]!;
    const ids = await inputIds.data();
    const beyond = ids.find((id) => id >= largest);
    if (beyond !== undefined) {
      throw new RangeError(
        `the tokenizer's token ${beyond} is beyond the text encoder's ${largest}; are both from the same checkpoint?`,
      );
    }
    return this.#runner.call({ calls: 2 }, await inputIds.to(this.#model.device), skip);
  }

  /**
   * What the U-Net reads in a run: a row for each picture, those of the negative prompts first if there is guidance.
   *
   * @returns `[pictures or twice as many, tokens, width]`
   */
  async encodeAll(run: Run): Promise<Tensor> {
    const { name, numImagesPerPrompt, numPrompts } = run;
    const width = this.#model.config.hidden_size;
    if (run.promptEmbeds) checkEmbeds(name, "promptEmbeds", run.promptEmbeds, numPrompts, width);
    const wanted = run.promptEmbeds ?? (await this.encode(run.prompts!, run.clipSkip, name));
    const text = repeatEach(wanted, numImagesPerPrompt);
    if (!run.guided) return text.realize();
    // diffusers leaves no layer out for the negative prompt.
    const negative = run.negativePromptEmbeds ?? (await this.encode(run.negativePrompts));
    checkEmbeds(name, "negativePromptEmbeds", negative, numPrompts, width);
    if (negative.shape[1] !== wanted.shape[1]) {
      throw new RangeError(
        `${name}: negativePromptEmbeds ${show(negative.shape)} and promptEmbeds ${show(wanted.shape)} differ in their number of tokens`,
      );
    }
    return cat([repeatEach(negative, numImagesPerPrompt), text]).realize();
  }

  close(): void {
    this.#runner.close();
  }
}

/** Every prompt's embedding `times` times in a row. */
function repeatEach(embeds: Tensor, times: number): Tensor {
  if (times === 1) return embeds;
  return cat(embeds.split(1, 0).flatMap((row) => new Array<Tensor>(times).fill(row)));
}

/** Checks embeddings that the caller gives. */
function checkEmbeds(name: string, key: string, embeds: Tensor, batch: number, width: number): void {
  if (embeds.ndim !== 3 || embeds.shape[0] !== batch || embeds.shape[2] !== width) {
    throw new RangeError(`${name}: ${key} ${show(embeds.shape)}; expected [${batch}, tokens, ${width}]`);
  }
}
