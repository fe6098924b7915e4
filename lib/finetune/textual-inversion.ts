import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Dice } from "../datasets/dice.ts";
import { saveTensors } from "../io/tensors.ts";
import type { CLIPTextModel } from "../models/index.ts";
import * as F from "../nn/functional/index.ts";
import type { Embedding } from "../nn/layers.ts";
import { Module, Parameter } from "../nn/module.ts";
import { checkChoice, checkInteger } from "../options.ts";
import { learnRows } from "../pipelines/adapters.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { revise } from "../pipelines/revisions.ts";
import { counted, plural } from "../printed.ts";
import { cat, where as select } from "../tensor/create.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Learnable } from "./learnable.ts";
import { checkPrompt, settingsOf, type TrainingOptions } from "./options.ts";
import { batchesOf, placeOf, readTrainingPictures } from "./prepare.ts";
import type { FineTuned } from "./result.ts";
import { type LearnableProperty, TEMPLATES } from "./templates.ts";
import { train } from "./train.ts";

/** How a new word is learnt. */
export interface TextualInversionOptions extends TrainingOptions {
  /** The new word, such as "<cat-toy>". */
  placeholderToken: string;
  /** A word that comes near, whose vector the new one starts from. */
  initializerToken: string;
  /** Vectors that stand for it; default 1. */
  numVectors?: number;
  /** Whether it is the name of a thing or of a manner: what sentences it is shown in; default "object". */
  learnableProperty?: LearnableProperty;
  /** Sentences of your own in their place, `{}` where the word goes. */
  templates?: readonly string[];
}

const OWN = {
  placeholderToken: true,
  initializerToken: true,
  numVectors: true,
  learnableProperty: true,
  templates: true,
} as const;

/** The vectors of a new word. */
class Vectors extends Module {
  /** `[vectors, width]` */
  readonly rows: Tensor;

  constructor(rows: Tensor) {
    super();
    this.rows = new Parameter(rows);
  }
}

/** Rows of a text encoder's table that are learnt, below those that are not. */
class NewRows implements Learnable {
  readonly model: Vectors;
  readonly #token: string;
  readonly #text: CLIPTextModel;
  /** The table without them, `[tokens, width]`. */
  readonly #known: Tensor;
  readonly #takesGradients: boolean;

  constructor(token: string, text: CLIPTextModel, known: Tensor, rows: Tensor) {
    this.model = new Vectors(rows);
    this.#takesGradients = text.textModel.embeddings.tokenEmbedding.weight.requiresGrad;
    this.#token = token;
    this.#text = text;
    this.#known = known;
  }

  get learnt(): readonly Tensor[] {
    return [this.model.rows];
  }

  /** The table has a row for the word already; what stands there is not looked at. */
  get standIns(): number {
    return this.model.rows.numel();
  }

  get #table(): Embedding {
    return this.#text.textModel.embeddings.tokenEmbedding;
  }

  apply<T>(f: () => T): T {
    const table = this.#table;
    const first = this.#known.shape[0]!;
    table.forward = (ids) => {
      const known = F.embedding(ids.clamp(0, first - 1), this.#known);
      const own = F.embedding(ids.sub(first).clamp(0, this.model.rows.shape[0]! - 1), this.model.rows);
      return select(ids.ge(first).unsqueeze(-1), own, known);
    };
    try {
      return f();
    } finally {
      Reflect.deleteProperty(table, "forward");
    }
  }

  async install(): Promise<void> {
    const table = noGrad(() => cat([this.#known, this.model.rows]));
    this.#table.weight = new Parameter(table, this.#takesGradients);
    revise(this.#text);
  }

  uninstall(): void {}

  describe(): string {
    const [vectors, width] = this.model.rows.shape as [number, number];
    const all = this.#known.shape[0]! + vectors;
    return `${counted(vectors)} of ${plural(all, "row")} of the text encoder's table (${counted(vectors * width)} numbers): ${this.#token}`;
  }

  async save(folder: string): Promise<string> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, "learned_embeds.safetensors");
    const rows = this.model.rows.detach();
    await saveTensors(path, { [this.#token]: rows }, { dtype: "float32", metadata: { format: "pt" } });
    return path;
  }
}

/**
 * Teaches a pipeline a new word from a few pictures: one row is added to the text encoder's table and learnt, and nothing else
 * changes. Afterwards the word can be used in prompts, and `learned_embeds.safetensors` gives it to other pipelines.
 *
 * ```ts
 * const learnt = await textualInversion(pipe, { data: "cat-toys", placeholderToken: "<cat-toy>", initializerToken: "toy" });
 * await pipe.generate({ prompt: "a <cat-toy> on the moon" });
 * ```
 * The same seed gives the training of diffusers' `textual_inversion.py`, to rounding, where pictures come in the same order.
 *
 * @param options.maxTrainSteps - default 1,000
 * @param options.learningRate - default 5e-4
 * @throws Error where there are no pictures, the word is known already, or the loss is no number: what was learnt is kept then
 * @see Gal et al. 2022: https://arxiv.org/abs/2208.01618
 */
export async function textualInversion(
  pipe: StableDiffusionPipeline,
  options: TextualInversionOptions,
): Promise<FineTuned> {
  const where = "textualInversion";
  const defaults = { maxTrainSteps: 1000, learningRate: 5e-4, maxGradNorm: null };
  const settings = settingsOf(where, options, OWN, defaults, placeOf(pipe));
  const { numVectors = 1, learnableProperty = "object", templates = TEMPLATES[learnableProperty] } = options;
  const token = checkPrompt(where, "placeholderToken", options.placeholderToken, "<cat-toy>");
  checkInteger(where, "numVectors", [numVectors], 1);
  checkChoice(where, "learnableProperty", learnableProperty, Object.keys(TEMPLATES));
  const without = templates.find((template) => !template.includes("{}"));
  if (without !== undefined || templates.length === 0) {
    throw new RangeError(`${where}: the template ${JSON.stringify(without)} has no {} to mark where the word goes`);
  }
  const { tokenizer } = pipe;
  const [first, ...more] = tokenizer.encode(checkPrompt(where, "initializerToken", options.initializerToken, "toy"), {
    addSpecialTokens: false,
  });
  if (first === undefined || more.length > 0) {
    const pieces = tokenizer.tokenize(options.initializerToken).join(" ");
    throw new RangeError(
      `${where}: initializerToken ${JSON.stringify(options.initializerToken)} is ${plural(more.length + 1, "token")} (${pieces}); expected a word that is a single token`,
    );
  }
  const isKnown = tokenizer.tokenToId(token) !== undefined;
  if (isKnown && !settings.resumeFromCheckpoint) {
    throw new Error(
      `${where}: the word ${JSON.stringify(token)} is already in the vocabulary; choose another placeholderToken` +
        (settings.outputDir ? ", or continue its training with { resumeFromCheckpoint: true }" : ""),
    );
  }
  const { images } = await readTrainingPictures(where, settings);
  const learnable = newRows(pipe, token, first, numVectors);
  const caption = (_: number, dice: Dice) => templates[dice.below(templates.length)]!.replaceAll("{}", token);
  const batches = batchesOf(where, [{ images, caption }], tokenizer, settings);
  return train({ where, pipe, learnable, batches, settings });
}

/** The rows of a word: those that it has, or new ones that start as another word's. */
export function newRows(pipe: StableDiffusionPipeline, token: string, from: number, vectors: number): Learnable {
  const { tokenizer, textEncoder } = pipe;
  const { embeddings } = textEncoder.textModel;
  const id = tokenizer.tokenToId(token);
  const before = embeddings.tokenEmbedding.weight.detach();
  if (id === undefined) {
    const rows = cat(new Array<Tensor>(vectors).fill(before.narrow(0, from, 1)));
    learnRows(token, rows, tokenizer, textEncoder, "textualInversion");
    const first = tokenizer.tokenToId(token)!;
    return new NewRows(token, textEncoder, first === before.shape[0] ? before : before.narrow(0, 0, first), rows);
  }
  if (id + vectors !== before.shape[0]) {
    throw new Error(
      `textualInversion: ${JSON.stringify(token)} is followed by other words, or does not have ${plural(vectors, "vector")}; resume in a freshly loaded pipeline`,
    );
  }
  return new NewRows(token, textEncoder, before.narrow(0, 0, id), before.narrow(0, id, vectors));
}
