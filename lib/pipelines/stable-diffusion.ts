import { AsyncLocalStorage } from "node:async_hooks";
import { sameShape, show } from "../graph/shape.ts";
import { Image } from "../images/index.ts";
import { plural } from "../printed.ts";
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
import type { GenerateOptions } from "./options.ts";
import { PipelineOutput } from "./output.ts";
import { DiffusionPipeline, registerPipeline } from "./pipeline.ts";
import { PromptEncoder } from "./prompt.ts";
import { describeRun, type Run } from "./run.ts";
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
      const seen = rest[withCond ? 1 : 0];
      const input = seen ? cat([latents, seen], 1) : latents;
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

  /**
   * Makes pictures: encodes the prompts, denoises step by step, and decodes.
   *
   * @returns the pictures, in the order of the prompts
   * @throws RangeError or TypeError that names the option that is wrong; Error if the latents are no numbers any more
   */
  async generate(options: O): Promise<PipelineOutput> {
    // Everything is settled now: the pipeline may be given another scheduler, and options another value, while this goes on.
    const run = this.describe(options);
    const steps = this.#denoise(run);
    let result = await steps.next();
    while (!result.done) result = await steps.next();
    const latents = result.value;
    return new PipelineOutput(await Image.fromBatch(await this.decode(latents)), latents, run.metadata);
  }

  /**
   * Paints step by step. Leaving the loop early ends the run; nothing of it remains. Each run has a scheduler of its own, with
   * the settings of `pipe.scheduler`, so several may go on at once.
   *
   * @returns at the end: the latents
   */
  async *steps(options: O): AsyncGenerator<Step, Tensor, undefined> {
    return yield* this.#denoise(this.describe(options));
  }

  async *#denoise(described: Run): AsyncGenerator<Step, Tensor, undefined> {
    const { unet, vae } = this;
    const run = await movedTo(unet.device, described);
    const text = await this.#text.encodeAll(run);
    const start = await this.start(run);
    const width = unet.config.time_cond_proj_dim;
    const scale = width === null ? [] : [guidanceEmbedding(run.guidanceScale, run.numImages, width, unet.device)];
    const { prediction_type: prediction = "flow_prediction" } = run.scheduler.config;
    const state: RunState = { guidanceScale: run.guidanceScale };
    this.#runs.add(state);
    try {
      return yield* denoise(run, {
        ...{ unet, text, state, predict: this.#unet },
        guide: run.guidance && new LossGuide(run.guidance, { unet, vae, prediction }),
        start: { ...start, inputs: [...scale, ...(start.inputs ?? [])] },
        decode: (latents) => this.decode(latents),
        callBack: (step, read) => this.#inCallback.run(state, () => callBack(run, this, step, read)),
      });
    } finally {
      this.#runs.delete(state);
    }
  }

  /** @internal The run that a call asks for. */
  protected describe(options: O): Run {
    const { unet, scheduler, vae, ownOptions } = this;
    const given = withDefaults(options, this.defaults);
    return describeRun(this.constructor.name, given, { unet, scheduler, ownOptions, pixelsPerLatent: vae.scale });
  }

  /** Names of the options that this kind of pipeline has besides the common ones. */
  protected get ownOptions(): readonly string[] {
    return [];
  }

  /** What the run starts from: noise, unless a kind of pipeline knows better. */
  protected async start(run: Run): Promise<Start> {
    const latents = this.noise(run);
    const { initNoiseSigma } = run.scheduler;
    return { latents: initNoiseSigma === 1 ? latents : latents.mul(initNoiseSigma), skip: 0 };
  }

  /** Standard normal latents: those that the caller gave, or as PyTorch draws them. */
  protected noise({ name, latents, generators, numImages, width, height }: Run): Tensor {
    const { scale } = this.vae;
    const shape = [numImages, this.vae.config.latent_channels, height / scale, width / scale];
    if (latents === null) return randnTensor(shape, generators, this.unet.device);
    if (sameShape(latents.shape, shape)) return latents;
    throw new RangeError(
      `${name}: latents ${show(latents.shape)}; expected ${show(shape)} for ${numImages} of ${width}x${height}`,
    );
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
}

registerPipeline(StableDiffusionPipeline);

/** A run whose given tensors are on a device. */
async function movedTo(device: string, run: Run): Promise<Run> {
  const moved = async (tensor: Tensor | null) => tensor?.to(device) ?? null;
  return {
    ...run,
    latents: await moved(run.latents),
    promptEmbeds: await moved(run.promptEmbeds),
    negativePromptEmbeds: await moved(run.negativePromptEmbeds),
  };
}
