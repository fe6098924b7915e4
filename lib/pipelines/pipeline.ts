import type { AdapterOptions } from "../adapters/index.ts";
import type { AutoencoderKL, CLIPTextModel, UNet2DConditionModel } from "../models/index.ts";
import type { Module } from "../nn/module.ts";
import { checkOptions } from "../options.ts";
import { DISPLAY } from "../page/display.ts";
import { counted, listed, PRINTED } from "../printed.ts";
import { type Device, devices } from "../runtime/devices.ts";
import type { Scheduler, SchedulerSettings } from "../schedulers/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";
import { adapterNames, adapterWeights, addConcept, applyLora, type LoraOptions, removeLoras } from "./adapters.ts";
import { Callable } from "./callable.ts";
import {
  type Components,
  checkParts,
  checkTogether,
  loadComponents,
  type PipelineOptions,
  saveComponents,
} from "./components.ts";
import type { GenerationDefaults } from "./defaults.ts";
import { ledgerOf } from "./lora-ledger.ts";
import { amendScheduler } from "./outdated.ts";
import type { PipelineOutput } from "./output.ts";
import type { Step } from "./step.ts";

/** The kinds of pipeline by the names that checkpoints give them. */
const kinds = new Map<string, new (parts: Components) => DiffusionPipeline<never>>();

/** Lets `DiffusionPipeline.fromPretrained` make a kind of pipeline. */
export function registerPipeline(kind: new (parts: Components) => DiffusionPipeline<never>): void {
  kinds.set(kind.name, kind);
}

/**
 * The parts of Stable Diffusion, and what can be done with them: load, save, move, change their weights.
 *
 * `DiffusionPipeline.fromPretrained` makes the kind of pipeline that a checkpoint names.
 */
export abstract class DiffusionPipeline<O> extends Callable<O, PipelineOutput> {
  /** Turns prompts into token ids. */
  readonly tokenizer: CLIPTokenizer;
  /** Turns token ids into hidden states `[B, 77, width]`. */
  readonly textEncoder: CLIPTextModel;
  /** Predicts the noise in latents. */
  readonly unet: UNet2DConditionModel;
  /** Turns images into latents and back. An `AutoencoderTiny` that took its place has all that is common to both. */
  readonly vae: AutoencoderKL;
  /** May be replaced at any time: `pipe.scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config)`. */
  scheduler: Scheduler;
  /** What the checkpoint paints with if a call does not say, such as `{ guidanceScale: 3 }`; saved with it. */
  defaults: GenerationDefaults;

  constructor(parts: Components) {
    super();
    checkParts(this.constructor.name, parts);
    const { tokenizer, textEncoder, unet, vae, scheduler, defaults = {} } = parts;
    for (const model of [textEncoder, unet, vae]) model.eval();
    this.tokenizer = tokenizer;
    this.textEncoder = textEncoder;
    this.unet = unet;
    this.vae = vae as AutoencoderKL;
    this.scheduler = scheduler;
    this.defaults = defaults;
    checkTogether(this.constructor.name, parts);
    amendScheduler(this.constructor.name, scheduler, this.rightSettings);
    this.checkInputChannels(unet.config.in_channels, vae.config.latent_channels);
  }

  /**
   * Loads a checkpoint in diffusers' layout: a folder, or a repository on the Hugging Face hub. Weights are mapped from
   * their files, so this takes little time and memory, and the files have to stay.
   *
   * @returns a pipeline of this class; of `DiffusionPipeline` itself: of the class that the checkpoint's `model_index.json` names
   * @throws Error if it is no Stable Diffusion 1.x or 2.x checkpoint; HubError if files cannot be had
   */
  static async fromPretrained<P>(
    this: new (
      parts: Components,
    ) => P,
    idOrFolder: string,
    options?: PipelineOptions,
  ): Promise<P>;
  static async fromPretrained(
    this: typeof DiffusionPipeline,
    idOrFolder: string,
    options?: PipelineOptions,
    // biome-ignore lint/suspicious/noExplicitAny: which options it takes depends on the checkpoint
  ): Promise<DiffusionPipeline<any>>;
  static async fromPretrained(
    this: abstract new (
      parts: Components,
    ) => unknown,
    idOrFolder: string,
    options: PipelineOptions = {},
  ): Promise<unknown> {
    // biome-ignore-start lint/complexity/noThisInStatic: the class that fromPretrained is called on
    const parts = await loadComponents(idOrFolder, options, this.name);
    if (this !== DiffusionPipeline) return new (this as new (parts: Components) => unknown)(parts);
    // biome-ignore-end lint/complexity/noThisInStatic: see above
    const name = String(parts.index._class_name);
    const kind = kinds.get(name);
    if (kind) return new kind(parts);
    const known = [...kinds.keys()];
    throw new Error(
      `DiffusionPipeline: ${idOrFolder} is a ${name}; expected one of ${known.join(", ")}. Its parts are Stable Diffusion's: ${known[0]}.fromPretrained loads them regardless.`,
    );
  }

  /**
   * Makes pictures of prompts; which options it takes depends on the kind of pipeline.
   *
   * @returns the pictures, in the order of the prompts
   * @throws RangeError or TypeError that names the option that is wrong
   */
  abstract generate(options: O): Promise<PipelineOutput>;

  /**
   * The same run step by step.
   *
   * @returns at the end: the latents
   */
  abstract steps(options: O): AsyncGenerator<Step, Tensor, undefined>;

  [PRINTED](): string {
    const weights = (model: Module) => {
      const { device } = model as Module & { device?: string };
      return `${model.constructor.name}, ${counted(model.numParameters())} weights${device ? ` on ${device}` : ""}`;
    };
    return listed(this.constructor.name, [
      ["tokenizer", `${this.tokenizer.constructor.name}, ${counted(this.tokenizer.vocabSize)} tokens`],
      ["textEncoder", weights(this.textEncoder)],
      ["unet", weights(this.unet)],
      ["vae", weights(this.vae)],
      ["scheduler", `${this.scheduler.constructor.name}, ${counted(this.scheduler.length)} training steps`],
    ]);
  }

  /** In a notebook: the parts, a line each. */
  [DISPLAY](): Record<string, string> {
    return { "text/plain": this[PRINTED]() };
  }

  /** The same parts in another kind of pipeline: `StableDiffusionImg2ImgPipeline.fromPipe(pipe)`. Weights are shared. */
  static fromPipe<P>(this: new (parts: Components) => P, pipe: Components): P {
    return new this(pipe);
  }

  /** All parts, to make another pipeline of them: `new StableDiffusionPipeline({ ...pipe.components, scheduler })`. */
  get components(): Components {
    const { tokenizer, textEncoder, unet, vae, scheduler, defaults } = this;
    return { tokenizer, textEncoder, unet, vae, scheduler, defaults };
  }

  /** What diffusers sets right in the scheduler of an old checkpoint. */
  protected get rightSettings(): Partial<SchedulerSettings> {
    return { steps_offset: 1, clip_sample: false };
  }

  /** Refuses a U-Net that takes something else than this kind of pipeline gives. */
  protected abstract checkInputChannels(got: number, latents: number): void;

  /** Frees the compiled networks; the next call compiles them again. */
  abstract close(): void;

  /** Writes all parts in diffusers' layout, for `fromPretrained` here and in Python. */
  async savePretrained(folder: string, options: { dtype?: "float32" | "float16" } = {}): Promise<void> {
    await saveComponents(folder, this.constructor.name, this, options);
    // Parts that were saved over their own files are mapped anew.
    this.close();
  }

  /** Moves the networks to a device, such as "webgpu". */
  async to(device: Device): Promise<this> {
    if (!devices.includes(device)) {
      throw new RangeError(
        `${this.constructor.name}: unknown device ${JSON.stringify(device)}; expected one of ${devices.join(", ")}`,
      );
    }
    this.close();
    for (const model of [this.textEncoder, this.unet, this.vae]) await model.to(device);
    return this;
  }

  /** Decode pictures larger than the autoencoder was trained on in tiles, so that memory does not grow with them. */
  enableVaeTiling(on = true): void {
    this.vae.enableTiling(on);
  }

  /**
   * Adds low-rank changes (LoRA) to the networks' weights; several add up, and the same one loaded again counts once.
   * `unloadLoraWeights` takes them away again. They lie on the networks, so pipelines that share those share them.
   *
   * @param given - a file in diffusers', PEFT's or kohya's layout, or a folder or a repository on the hub that holds it
   * @param options.scale - how much of it; default 1
   * @param options.adapterName - its name, for `setAdapters`; default "default_0", "default_1" and so on
   * @param options.weightName - the file's name there; default `pytorch_lora_weights.safetensors`, else PEFT's `adapter_model.safetensors`
   * @throws Error if the file is damaged or was made for another model; nothing is changed then
   * @see Hu et al. 2021: https://arxiv.org/abs/2106.09685
   */
  async loadLoraWeights(given: string, options: LoraOptions = {}): Promise<void> {
    await applyLora(given, this, options);
  }

  /** Takes all LoRA weights away, but for those that are fused. */
  unloadLoraWeights(): void {
    removeLoras(this);
  }

  /** Names of the LoRAs that have an effect, in the order of loading. */
  getActiveAdapters(): string[] {
    return [...adapterWeights(this)].filter(([, weight]) => weight !== 0).map(([name]) => name);
  }

  /**
   * Sets how much of each LoRA there is; those that are not named are off.
   *
   * @param names - one name, or several
   * @param weights - one for all, or one for each; default 1
   * @throws Error if a name is not known; RangeError if the numbers do not fit
   */
  setAdapters(names: string | readonly string[], weights: number | readonly number[] = 1): void {
    const list = [names].flat();
    const shares = typeof weights === "number" ? list.map(() => weights) : weights;
    this.#checkNames("setAdapters", list);
    if (shares.length !== list.length || !shares.every(Number.isFinite)) {
      throw new RangeError(`setAdapters: weights [${shares}] for ${list.length} LoRAs; expected a number for each`);
    }
    const wanted = new Map(list.map((name, i) => [name, shares[i]!]));
    for (const model of [this.unet, this.textEncoder]) ledgerOf(model).setWeights(wanted);
  }

  /** Takes some LoRAs away. @throws Error if a name is not known */
  deleteAdapters(names: string | readonly string[]): void {
    const list = [names].flat();
    this.#checkNames("deleteAdapters", list);
    removeLoras(this, list);
  }

  /** Makes the LoRAs a part of the weights, `loraScale` times as strong, so that `unloadLoraWeights` leaves them; `unfuseLora` undoes it. */
  fuseLora(options: { loraScale?: number } = {}): void {
    checkOptions("fuseLora", options, ["loraScale"]);
    const { loraScale = 1 } = options;
    if (!Number.isFinite(loraScale)) throw new RangeError(`fuseLora: loraScale is ${loraScale}; expected a number`);
    for (const model of [this.unet, this.textEncoder]) ledgerOf(model).fuse(loraScale);
  }

  /** Undoes `fuseLora`, as long as the LoRAs have not been unloaded since. */
  unfuseLora(): void {
    for (const model of [this.unet, this.textEncoder]) ledgerOf(model).unfuse();
  }

  #checkNames(where: string, names: readonly string[]): void {
    const known = adapterNames(this);
    const strange = names.find((name) => !known.includes(name));
    if (strange === undefined) return;
    throw new Error(
      `${where}: no LoRA is called ${JSON.stringify(strange)}; expected some of ${known.join(", ") || "(none is loaded)"}`,
    );
  }

  /**
   * Learns a word: a concept of textual inversion, from safetensors or a `learned_embeds.bin`.
   *
   * @param given - the file, or a folder or a repository on the hub that holds it, such as "sd-concepts-library/cat-toy"
   * @param options.token - the word, in place of the file's own
   * @param options.weightName - the file's name in the repository; default `learned_embeds.safetensors`, else `.bin`
   * @returns the word, to be used in prompts
   * @throws Error if the file is damaged or was learned with another text encoder, or the word is taken
   * @see Gal et al. 2022: https://arxiv.org/abs/2208.01618
   */
  async loadTextualInversion(given: string, options: AdapterOptions & { token?: string } = {}): Promise<string> {
    const { token } = await addConcept(given, this.tokenizer, this.textEncoder, options);
    return token;
  }
}
