import type { Tensor } from "../tensor/tensor.ts";

/** The state after one step of the sampler. */
export interface Step {
  /** Steps done before it: 0 to `count - 1`. */
  readonly index: number;
  /** Steps in all. */
  readonly count: number;
  /** The guidance scale of this step. */
  readonly guidanceScale: number;
  /** The scheduler's timestep of this step. */
  readonly timestep: number;
  /** What the next step starts from, `[pictures, 4, h, w]`. */
  readonly latents: Tensor;
  /** The clean latents as the U-Net sees them from here, "x0". */
  readonly predOriginalSample: Tensor;
  /** The prediction after guidance. */
  readonly noisePred: Tensor;
  /** The loss that guides, where one does. */
  readonly loss?: Tensor;
  /** Decodes `predOriginalSample`: the pictures as the U-Net sees them from here, `[pictures, 3, H, W]` from -1 to 1. */
  preview(): Promise<Tensor>;
}

/** What a run starts from. */
export interface Start {
  /** `[pictures, channels, h, w]`, scaled to the scheduler's first noise level. */
  readonly latents: Tensor;
  /** Timesteps of the scheduler to leave out at the start. */
  readonly skip: number;
  /** What the U-Net is given besides: for inpainting models what they see of the picture, `[pictures, channels, h, w]`. */
  readonly inputs?: readonly Tensor[];
  /** What becomes of the latents after each step; `next` is the timestep to come, null after the last. */
  readonly after?: (latents: Tensor, next: number | null) => Tensor;
}

/** What may be changed while a run goes on. */
export interface RunState {
  /** How far to go beyond the prompt's prediction; up to 1: guidance is off from the next step on. */
  guidanceScale: number;
}

/** What a callback may return to change the rest of the run; what is left out stays as it is. */
export interface StepChanges {
  /** The latents that the next step starts from, of the same shape. */
  readonly latents?: Tensor;
  /** What the U-Net reads, `[pictures, tokens, width]`, or with guidance `[2 pictures, tokens, width]`, negative prompts first. */
  readonly promptEmbeds?: Tensor;
  /** The guidance scale of the steps to come. */
  readonly guidanceScale?: number;
}
