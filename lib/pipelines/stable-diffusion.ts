import { show } from "../graph/shape.ts";
import { Image, type ImageMetadata } from "../images/index.ts";
import type { AutoencoderKL, CLIPTextModel, UNet2DConditionModel } from "../models/index.ts";
import type { Generator } from "../random/index.ts";
import { type Device, devices } from "../runtime/devices.ts";
import type { Scheduler } from "../schedulers/index.ts";
import { cat, fromArray } from "../tensor/create.ts";
import { realize, type Tensor } from "../tensor/tensor.ts";
import type { CLIPTokenizer } from "../tokenizer/index.ts";
import { type Applied, addConcept, applyLora, undo } from "./adapters.ts";
import { Callable } from "./callable.ts";
import { type Components, loadComponents, type PipelineOptions, saveComponents } from "./components.ts";
import { classifierFree, guidanceEmbedding } from "./guidance.ts";
import { LatentCodec, normal } from "./latent-codec.ts";
import { LossGuide, levelOf } from "./loss-guidance.ts";
import { type GenerateOptions, type Plan, planOf } from "./options.ts";
import { PipelineOutput } from "./output.ts";
import { runBar } from "./progress.ts";
import { checkEmbeds, PromptEncoder, repeatEach } from "./prompt.ts";
import { Runner } from "./runner.ts";
import type { Start, Step } from "./step.ts";

type UNetCall = [latents: Tensor, time: Tensor, text: Tensor, ...rest: Tensor[]];

/**
 * Text to pictures with Stable Diffusion 1.x and 2.x.
 *
 * ```ts
 * const pipe = await StableDiffusionPipeline.fromPretrained("stable-diffusion-v1-5/stable-diffusion-v1-5");
 * const { images } = await pipe.generate({ prompt: "a horse on the moon", seed: 42 });
 * ```
 * `pipe.steps(options)` is the same run step by step: `for await (const step of pipe.steps({ prompt })) ...`
 * @see Rombach et al. 2022: https://arxiv.org/abs/2112.10752
 */
export class StableDiffusionPipeline<O extends GenerateOptions = GenerateOptions> extends Callable<O, PipelineOutput> {
  readonly tokenizer: CLIPTokenizer;
  readonly textEncoder: CLIPTextModel;
  readonly unet: UNet2DConditionModel;
  readonly vae: AutoencoderKL;
  /** May be replaced at any time: `pipe.scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config)`. */
  scheduler: Scheduler;
  readonly #text: PromptEncoder;
  readonly #unet: Runner<UNetCall, Tensor>;
  /** @internal Pictures to latents and back. */
  readonly codec: LatentCodec;
  #run = Symbol("run");
  #loras: Applied[] = [];

  constructor(parts: Components) {
    super();
    const { tokenizer, textEncoder, unet, vae, scheduler } = parts;
    for (const model of [textEncoder, unet, vae]) model.eval();
    this.tokenizer = tokenizer;
    this.textEncoder = textEncoder;
    this.unet = unet;
    this.vae = vae;
    this.scheduler = scheduler;
    this.checkParts();
    this.#text = new PromptEncoder(tokenizer, textEncoder);
    const withCond = unet.config.time_cond_proj_dim !== null;
    const predict = (latents: Tensor, time: Tensor, text: Tensor, ...rest: Tensor[]) => {
      const timestepCond = withCond ? { timestepCond: rest[0]! } : {};
      const beside = rest[withCond ? 1 : 0];
      const input = beside ? cat([latents, beside], 1) : latents;
      const times = text.shape[0]! / input.shape[0]!;
      return unet.forward(times === 1 ? input : cat(new Array<Tensor>(times).fill(input)), time, text, timestepCond)
        .sample;
    };
    this.#unet = new Runner("U-Net", predict, () => unet.mapped);
    this.codec = new LatentCodec(vae);
  }

  /**
   * Loads a checkpoint in diffusers' layout: a folder, or a repository on the Hugging Face hub. Weights are mapped from
   * their files, so this takes little time and memory, and the files have to stay.
   *
   * @throws Error where it is no Stable Diffusion 1.x or 2.x checkpoint; HubError where files cannot be had
   */
  static async fromPretrained<P>(
    this: new (
      parts: Components,
    ) => P,
    idOrFolder: string,
    options: PipelineOptions = {},
  ): Promise<P> {
    return new this(await loadComponents(idOrFolder, options));
  }

  /** The same parts in another kind of pipeline: `StableDiffusionImg2ImgPipeline.fromPipe(pipe)`. Weights are shared. */
  static fromPipe<P>(this: new (parts: Components) => P, pipe: Components): P {
    return new this(pipe);
  }

  /** Refuses parts that do not belong together. */
  protected checkParts(): void {
    const { unet, vae, textEncoder } = this;
    const wide = unet.config.cross_attention_dim;
    const width = textEncoder.config.hidden_size;
    if (![wide].flat().includes(width)) {
      throw new RangeError(
        `${this.constructor.name}: the text encoder's hidden_size is ${width}, the U-Net's cross_attention_dim ${wide}; are both of one checkpoint?`,
      );
    }
    if (unet.config.out_channels !== vae.config.latent_channels) {
      throw new RangeError(
        `${this.constructor.name}: the U-Net makes ${unet.config.out_channels} channels, the autoencoder's latents have ${vae.config.latent_channels}`,
      );
    }
    this.checkInputChannels(unet.config.in_channels, vae.config.latent_channels);
  }

  protected checkInputChannels(got: number, latents: number): void {
    if (got === latents) return;
    const hint = got === 2 * latents + 1 ? "; it is an inpainting model: use StableDiffusionInpaintPipeline" : "";
    throw new RangeError(`${this.constructor.name}: the U-Net takes ${got} channels, expected ${latents}${hint}`);
  }

  /** The parts of a pipeline, to make another of some of them. */
  static partsOf({ tokenizer, textEncoder, unet, vae, scheduler }: Components): Components {
    return { tokenizer, textEncoder, unet, vae, scheduler };
  }

  /**
   * What the text encoder makes of a prompt, or of several.
   *
   * @param options.clipSkip - layers to leave out at its end; default 0
   * @returns `[prompts, tokens, width]`
   */
  encodePrompt(prompt: string | readonly string[], options: { clipSkip?: number } = {}): Promise<Tensor> {
    return this.#text.encode(typeof prompt === "string" ? [prompt] : prompt, options.clipSkip);
  }

  /** Paints. */
  async generate(options: O): Promise<PipelineOutput> {
    const steps = this.steps(options);
    let result = await steps.next();
    while (!result.done) result = await steps.next();
    const latents = result.value;
    const images = await Image.fromBatch(await this.decode(latents));
    return new PipelineOutput(images, latents, this.#metadata(options, images[0]!));
  }

  /**
   * Paints step by step. Leaving the loop early ends the run; nothing of it remains.
   *
   * @returns at the end: the latents
   */
  async *steps(options: O): AsyncGenerator<Step, Tensor, undefined> {
    const name = this.constructor.name;
    const run = Symbol("run");
    this.#run = run;
    const plan = planOf(name, options, this.unet, this.vae.scale);
    const { scheduler } = this;
    const text = await this.#encodePrompts(plan, options);
    scheduler.setTimesteps(
      options.timesteps ? null : plan.steps,
      options.timesteps ? { timesteps: options.timesteps } : {},
    );
    const start = await this.start(plan, options);
    const timesteps = scheduler.timesteps.slice(start.skip);
    let { latents } = start;
    const rest = [...this.#guidanceInput(plan), ...(start.beside ? [start.beside] : [])];
    const guide = options.guidance && this.#lossGuide(plan, options);
    const bar = options.progress === false ? null : runBar(timesteps.length);
    try {
      for (const [index, timestep] of timesteps.entries()) {
        options.signal?.throwIfAborted();
        if (this.#run !== run) {
          throw new Error(
            `${name}: another run was started meanwhile; finish one first, or make a second pipeline with fromPipe`,
          );
        }
        const input = scheduler.scaleModelInput(latents, timestep);
        const asked = modelTimestep(scheduler, timestep);
        const time = this.unet.timeProj(new Array<number>(text.shape[0]!).fill(asked));
        const output = await this.#unet.call(timesteps.length - index, input, time, text, ...rest);
        let noisePred = plan.guided ? classifierFree(output, plan.scale, options.guidanceRescale) : output;
        let loss: Tensor | undefined;
        if (guide) {
          await realize(noisePred, latents);
          const level = await levelOf(scheduler, timestep);
          const scale = await inputScale(scheduler, timestep);
          const call = { ...level, scale, time, text, guidanceScale: plan.scale };
          ({ latents, loss } = await guide.move(latents, noisePred, call));
        }
        const stepped = scheduler.step(noisePred, timestep, latents, stepOptions(plan.generators, options.eta));
        latents = start.after?.(stepped.prevSample, timesteps[index + 1] ?? null) ?? stepped.prevSample;
        const predOriginalSample = stepped.predOriginalSample;
        await realize(latents, predOriginalSample, noisePred);
        await checkFinite(name, latents, { index, count: timesteps.length, timestep });
        noisePred = noisePred.detach();
        const preview = () => this.decode(predOriginalSample);
        const step: Step = {
          ...{ index, count: timesteps.length, timestep, latents, predOriginalSample, noisePred, preview },
          ...(loss ? { loss } : {}),
        };
        bar?.update(index + 1);
        await options.callback?.(step);
        yield step;
      }
      return latents;
    } finally {
      bar?.close();
      guide?.close();
    }
  }

  /** What the run starts from: noise, unless a kind of pipeline knows better. */
  protected async start(plan: Plan, options: O): Promise<Start> {
    const latents = options.latents ?? this.noise(plan);
    this.checkLatents(latents, plan);
    const { initNoiseSigma } = this.scheduler;
    return { latents: initNoiseSigma === 1 ? latents : latents.mul(initNoiseSigma), skip: 0 };
  }

  /** Standard normal latents, as PyTorch draws them. */
  protected noise(plan: Plan): Tensor {
    return normal(this.#latentShape(plan), plan.generators, this.unet.device);
  }

  #latentShape(plan: Plan): number[] {
    const { scale } = this.vae;
    return [plan.count, this.vae.config.latent_channels, plan.height / scale, plan.width / scale];
  }

  protected checkLatents(latents: Tensor, plan: Plan): void {
    const expected = this.#latentShape(plan);
    if (show(latents.shape) !== show(expected)) {
      throw new RangeError(
        `${this.constructor.name}: latents ${show(latents.shape)}; expected ${show(expected)} for ${plan.count} of ${plan.width}x${plan.height}`,
      );
    }
  }

  /**
   * Latents to pictures.
   *
   * @param latents - `[B, 4, h, w]` as the U-Net knows them
   * @returns `[B, 3, h * 8, w * 8]`, about -1 to 1
   */
  decode(latents: Tensor): Promise<Tensor> {
    return this.codec.decode(latents);
  }

  async #encodePrompts(plan: Plan, options: O): Promise<Tensor> {
    const name = this.constructor.name;
    const { clipSkip = 0, numImagesPerPrompt = 1 } = options;
    const width = this.textEncoder.config.hidden_size;
    if (options.promptEmbeds) checkEmbeds(name, "promptEmbeds", options.promptEmbeds, plan.batch, width);
    const wanted = options.promptEmbeds ?? (await this.#text.encode(plan.prompts!, clipSkip));
    const text = repeatEach(wanted, numImagesPerPrompt);
    if (!plan.guided) return text.realize();
    // diffusers leaves no layer out for the negative prompt.
    const negative = options.negativePromptEmbeds ?? (await this.#text.encode(plan.negative));
    checkEmbeds(name, "negativePromptEmbeds", negative, plan.batch, width);
    if (negative.shape[1] !== wanted.shape[1]) {
      throw new RangeError(
        `${name}: negativePromptEmbeds ${show(negative.shape)} and promptEmbeds ${show(wanted.shape)} differ in tokens`,
      );
    }
    return cat([repeatEach(negative, numImagesPerPrompt), text]).realize();
  }

  #guidanceInput(plan: Plan): Tensor[] {
    const width = this.unet.config.time_cond_proj_dim;
    return width === null ? [] : [guidanceEmbedding(plan.scale, plan.count, width, this.unet.device)];
  }

  #lossGuide(plan: Plan, options: O): LossGuide {
    const { unet, vae, scheduler } = this;
    const prediction = scheduler.config.prediction_type;
    return new LossGuide(options.guidance!, { unet, vae, prediction, guided: plan.guided });
  }

  #metadata(options: O, image: Image): ImageMetadata {
    const { prompt, negativePrompt, numInferenceSteps = 50, guidanceScale = 7.5, seed } = options;
    return {
      ...(prompt === undefined ? {} : { prompt }),
      ...(negativePrompt === undefined ? {} : { negativePrompt }),
      ...(seed === undefined ? {} : { seed: String(seed) }),
      ...{ steps: numInferenceSteps, guidanceScale, scheduler: this.scheduler.constructor.name },
      size: `${image.width}x${image.height}`,
    };
  }

  /**
   * Adds low-rank changes (LoRA) to the networks' weights; several add up. `unloadLoraWeights` takes them away again.
   *
   * @param path - a safetensors file in diffusers', PEFT's or kohya's layout
   * @param options.scale - how much of it; default 1
   * @throws Error where the file is damaged or was made for another model; nothing is changed then
   * @see Hu et al. 2021: https://arxiv.org/abs/2106.09685
   */
  async loadLoraWeights(path: string, options: { scale?: number } = {}): Promise<void> {
    this.#loras.push(await applyLora(path, this, options.scale ?? 1));
    this.close();
  }

  /** Takes all LoRA weights away. */
  unloadLoraWeights(): void {
    for (const applied of this.#loras.reverse()) undo(applied);
    this.#loras = [];
    this.close();
  }

  /**
   * Learns a word: a concept of textual inversion, from safetensors or a `learned_embeds.bin`.
   *
   * @param options.token - the word, in place of the file's own
   * @returns the word, to be used in prompts
   * @throws Error where the file is damaged or was learned with another text encoder, or the word is taken
   * @see Gal et al. 2022: https://arxiv.org/abs/2208.01618
   */
  async loadTextualInversion(path: string, options: { token?: string } = {}): Promise<string> {
    const { token } = await addConcept(path, this.tokenizer, this.textEncoder, options);
    this.close();
    return token;
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

  /** Frees the compiled networks; the next call compiles them again. */
  close(): void {
    this.#run = Symbol("closed");
    for (const part of [this.#text, this.#unet, this.codec]) part.close();
  }

  /** Writes all parts in diffusers' layout, for `fromPretrained` here and in Python. */
  async savePretrained(folder: string, options: { dtype?: "float32" | "float16" } = {}): Promise<void> {
    await saveComponents(folder, this.constructor.name, this, options);
    // Parts that were saved over their own files are mapped anew.
    this.close();
  }
}

function generatorOption(generators: readonly Generator[]): { generator?: Generator } {
  return generators[0] ? { generator: generators[0] } : {};
}

function stepOptions(generators: readonly Generator[], eta: number | undefined): object {
  return { ...generatorOption(generators), ...(eta === undefined ? {} : { eta }) };
}

/** The timestep that the U-Net is told: a scheduler may hide it. */
function modelTimestep(scheduler: Scheduler, timestep: number): number {
  const own = (scheduler as { modelTimestep?: (t: number) => number }).modelTimestep;
  return own ? own.call(scheduler, timestep) : timestep;
}

/** What `scaleModelInput` multiplies with. */
async function inputScale(scheduler: Scheduler, timestep: number): Promise<number> {
  return scheduler.scaleModelInput(fromArray("float32", [1, 1, 1, 1], Float32Array.of(1)), timestep).item();
}

async function checkFinite(
  name: string,
  latents: Tensor,
  at: { index: number; count: number; timestep: number },
): Promise<void> {
  for (const value of await latents.data()) {
    if (Number.isFinite(value)) continue;
    throw new Error(
      `${name}: the latents became ${value} at step ${at.index + 1} of ${at.count} (timestep ${at.timestep}). Try a smaller guidanceScale or another scheduler; if it is so from the first step on, the checkpoint is damaged.`,
    );
  }
}
