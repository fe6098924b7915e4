import { join } from "node:path";
import { Image } from "../images/index.ts";
import { type Output, openOutput } from "../page/output.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { showRows } from "../plots/grid.ts";
import type { SamplingOptions } from "./options.ts";
import type { ValidationImages } from "./result.ts";

const DEFAULTS = { numInferenceSteps: 25, seed: 0 } as const;

/** How pictures are painted on the way, with defaults filled in; the guidance, if none is given, is the pipeline's own default. */
export type Sampling = SamplingOptions & Required<Pick<SamplingOptions, keyof typeof DEFAULTS>>;

export function samplingOf(options: SamplingOptions = {}): Sampling {
  return { ...DEFAULTS, ...options };
}

/** Paints the same prompts from the same noise again and again, and shows a row for each time in one output of the cell. */
export class Validation {
  readonly painted: ValidationImages[] = [];
  readonly #pipe: StableDiffusionPipeline;
  readonly #prompts: readonly string[];
  readonly #sampling: Sampling;
  readonly #folder: string | undefined;
  readonly #quiet: boolean;
  #output: Output | undefined;

  constructor(
    pipe: StableDiffusionPipeline,
    prompts: readonly string[],
    options: { sampling: Sampling; folder: string | undefined; quiet: boolean },
  ) {
    this.#pipe = pipe;
    this.#prompts = prompts;
    this.#sampling = options.sampling;
    this.#folder = options.folder;
    this.#quiet = options.quiet;
  }

  async paint(step: number): Promise<void> {
    const { seed, ...sampling } = this.#sampling;
    const images: Image[] = [];
    for (const prompt of this.#prompts) {
      const painted = await this.#pipe.generate({ prompt, ...sampling, seed, progress: false });
      images.push(...painted.images);
    }
    this.painted.push({ step, images });
    if (this.#folder !== undefined) {
      const name = `step-${String(step).padStart(6, "0")}.png`;
      await (await Image.grid(images)).save(join(this.#folder, name));
    }
    if (this.#quiet) return;
    const rows = Object.fromEntries(this.painted.map((one) => [`step ${one.step}`, one.images]));
    const figure = showRows(rows, { captions: this.#prompts });
    if (this.#output) this.#output.update(figure);
    else this.#output = openOutput(figure);
  }
}
