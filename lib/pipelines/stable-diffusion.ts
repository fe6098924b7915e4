import { AsyncLocalStorage } from "node:async_hooks";
import { show } from "../graph/shape.ts";
import { Image, type ImageMetadata } from "../images/index.ts";
import { plural } from "../printed.ts";
import { Scheduler } from "../schedulers/index.ts";
import { randnTensor } from "../schedulers/randn-tensor.ts";
import { cat } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { callBack } from "./callbacks.ts";
import type { Components } from "./components.ts";
import { withDefaults } from "./defaults.ts";
import { denoise, type UNetCall } from "./denoise.ts";
import { guidanceEmbedding } from "./guidance.ts";
import { LatentCodec } from "./latent-codec.ts";
import { LossGuide } from "./loss-guidance.ts";
import { type GenerateOptions, type Plan, planOf } from "./options.ts";
import { PipelineOutput } from "./output.ts";
import { DiffusionPipeline } from "./pipeline.ts";
import { PromptEncoder } from "./prompt.ts";
import { Runner } from "./runner.ts";
import type { RunState, Start, Step } from "./step.ts";

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
export class StableDiffusionPipeline<O extends GenerateOptions = GenerateOptions> extends DiffusionPipeline<O> {
  readonly #text: PromptEncoder;
  readonly #unet: Runner<UNetCall, Tensor>;
  /** @internal Pictures to latents and back. */
  readonly codec: LatentCodec;
  /** The runs that go on, with what may be changed of them. */
  readonly #runs = new Set<RunState>();
  /** The run that a callback belongs to. */
  readonly #inCallback = new AsyncLocalStorage<RunState>();

  constructor(parts: Components) {
    super(parts);
    const { unet, tokenizer, textEncoder, vae } = this;
    this.#text = new PromptEncoder(tokenizer, textEncoder);
    this.codec = new LatentCodec(vae);
    const withCond = unet.config.time_cond_proj_dim !== null;
    const predict = (latents: Tensor, time: Tensor, text: Tensor, ...rest: Tensor[]) => {
      const timestepCond = withCond ? { timestepCond: rest[0]! } : {};
      const beside = rest[withCond ? 1 : 0];
      const input = beside ? cat([latents, beside], 1) : latents;
      const times = text.shape[0]! / input.shape[0]!;
      return unet.forward(times === 1 ? input : cat(new Array<Tensor>(times).fill(input)), time, text, timestepCond)
        .sample;
    };
    this.#unet = new Runner("U-Net", predict, { model: unet, quick: unet });
  }

  protected checkInputChannels(got: number, latents: number): void {
    if (got === latents) return;
    const hint = got === 2 * latents + 1 ? "; it is an inpainting model: use StableDiffusionInpaintPipeline" : "";
    throw new RangeError(
      `${this.constructor.name}: the U-Net takes ${plural(got, "channel")}, expected ${latents}${hint}`,
    );
  }

  /**
   * The guidance scale of the run that goes on; undefined if none does. Set it to change the steps to come, up to 1 to
   * turn guidance off: in a callback for its own run, elsewhere for all runs of this pipeline.
   */
  get guidanceScale(): number | undefined {
    return (this.#inCallback.getStore() ?? [...this.#runs].at(-1))?.guidanceScale;
  }

  set guidanceScale(scale: number) {
    if (!Number.isFinite(scale)) throw new RangeError(`${this.constructor.name}: guidanceScale is ${scale}`);
    const own = this.#inCallback.getStore();
    for (const run of own ? [own] : this.#runs) run.guidanceScale = scale;
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
    // The pipeline may be given another scheduler, and options another value, while this goes on.
    const scheduler = this.scheduler?.constructor.name;
    const given = withDefaults(options, this.defaults);
    const steps = this.steps(given);
    let result = await steps.next();
    let count = 0;
    while (!result.done) {
      count++;
      result = await steps.next();
    }
    const latents = result.value;
    const images = await Image.fromBatch(await this.decode(latents));
    return new PipelineOutput(images, latents, this.#metadata(given, images[0]!, scheduler, count));
  }

  /**
   * Paints step by step. Leaving the loop early ends the run; nothing of it remains. Each run has a scheduler of its own, with
   * the settings of `pipe.scheduler`, so several may go on at once.
   *
   * @returns at the end: the latents
   */
  async *steps(given: O): AsyncGenerator<Step, Tensor, undefined> {
    const name = this.constructor.name;
    const options = withDefaults(given, this.defaults);
    const { unet, vae } = this;
    if (!(this.scheduler instanceof Scheduler)) {
      const { scheduler: other } = this as { scheduler: unknown };
      const got = typeof other === "function" ? other.name : String(other);
      throw new TypeError(
        `${name}: the scheduler is ${got}; expected one, such as DDIMScheduler.fromConfig(pipe.scheduler.config)`,
      );
    }
    const scheduler = this.scheduler.clone();
    const asked = planOf(name, options, this.ownOptions, unet, vae.scale);
    const text = await this.#text.encodeAll(name, asked, options);
    const { timesteps, sigmas } = options;
    if (timesteps) scheduler.setTimesteps(null, { timesteps });
    else if (sigmas) scheduler.setTimesteps(null, { sigmas });
    else scheduler.setTimesteps(asked.steps);
    const plan = timesteps || sigmas ? { ...asked, steps: scheduler.timesteps.length } : asked;
    const start = await this.start(plan, options, scheduler);
    const width = unet.config.time_cond_proj_dim;
    const scale = width === null ? [] : [guidanceEmbedding(plan.scale, plan.count, width, unet.device)];
    const { prediction_type: prediction = "flow_prediction" } = scheduler.config;
    const guide = options.guidance && new LossGuide(options.guidance, { unet, vae, prediction });
    const state: RunState = { guidanceScale: plan.scale };
    this.#runs.add(state);
    try {
      return yield* denoise(
        {
          ...{ name, unet, scheduler, plan, text, state, guide: guide ?? null, predict: this.#unet },
          start: { ...start, beside: [...scale, ...(start.beside ?? [])] },
          decode: (latents) => this.decode(latents),
          callBack: (step, read) => this.#inCallback.run(state, () => callBack(name, this, options, step, read)),
        },
        options,
      );
    } finally {
      this.#runs.delete(state);
    }
  }

  /** Names of the options that this kind of pipeline has beside the common ones. */
  protected get ownOptions(): readonly string[] {
    return [];
  }

  /** What the run starts from: noise, unless a kind of pipeline knows better. */
  protected async start(plan: Plan, options: O, scheduler: Scheduler): Promise<Start> {
    const latents = options.latents ?? this.noise(plan);
    this.checkLatents(latents, plan);
    const { initNoiseSigma } = scheduler;
    return { latents: initNoiseSigma === 1 ? latents : latents.mul(initNoiseSigma), skip: 0 };
  }

  /** Standard normal latents, as PyTorch draws them. */
  protected noise(plan: Plan): Tensor {
    return randnTensor(this.#latentShape(plan), plan.generators, this.unet.device);
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

  close(): void {
    for (const part of [this.#text, this.#unet, this.codec]) part.close();
  }

  #metadata(options: O, image: Image, scheduler: string, count: number): ImageMetadata {
    const { prompt, negativePrompt, guidanceScale = 7.5, seed, timesteps, sigmas, eta } = options;
    // Sigmas end with the level after the last step, where the scheduler is Euler's.
    const steps = timesteps?.length ?? (sigmas ? count : (options.numInferenceSteps ?? 50));
    const { strength } = options as { strength?: number };
    return {
      ...(prompt === undefined ? {} : { prompt }),
      ...(negativePrompt === undefined ? {} : { negativePrompt }),
      ...(seed === undefined ? {} : { seed: String(seed) }),
      ...{ steps, guidanceScale, scheduler },
      ...(timesteps ? { timesteps } : {}),
      ...(sigmas ? { sigmas } : {}),
      ...(strength === undefined ? {} : { strength }),
      ...(eta === undefined ? {} : { eta }),
      size: `${image.width}x${image.height}`,
    };
  }
}
