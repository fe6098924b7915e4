import type { Image } from "../images/index.ts";
import { DISPLAY } from "../page/display.ts";
import { counted, listed, PRINTED, plural } from "../printed.ts";
import { duration } from "../train/progress.ts";
import type { Learnable } from "./learnable.ts";

/** Pictures painted on the way. */
export interface ValidationImages {
  /** Steps that were taken before. */
  readonly step: number;
  /** One for each prompt. */
  readonly images: readonly Image[];
}

/** What a training was: what its result shows, and what that says of it in words. */
interface Facts extends Pick<FineTuned, "steps" | "losses" | "interrupted" | "elapsed" | "validation" | "saved"> {
  /** The function that trained. */
  readonly name: string;
  /** Numbers that did not change. */
  readonly unchanged: number;
}

/** What a fine-tuning gave. The pipeline has it already. */
export class FineTuned {
  /** Steps taken in all, those before a checkpoint included. */
  readonly steps: number;
  /** The loss of each. */
  readonly losses: readonly number[];
  /** Whether it was stopped before its last step. */
  readonly interrupted: boolean;
  /** Milliseconds of training in all. */
  readonly elapsed: number;
  /** What was painted on the way. */
  readonly validation: readonly ValidationImages[];
  /** What was learnt, and that nothing else was: "1 of 49,409 rows of the text encoder's table". */
  readonly learnt: string;
  /** The file or folder that it was written to, if there is an `outputDir`. */
  readonly saved: string | undefined;
  readonly #learnable: Learnable;
  readonly #facts: Facts;

  constructor(learnable: Learnable, facts: Facts) {
    this.steps = facts.steps;
    this.losses = facts.losses;
    this.interrupted = facts.interrupted;
    this.elapsed = facts.elapsed;
    this.validation = facts.validation;
    this.learnt = learnable.describe();
    this.saved = facts.saved;
    this.#learnable = learnable;
    this.#facts = facts;
  }

  /** Writes what was learnt as diffusers loads it. @returns the file, or the pipeline's folder */
  save(folder: string): Promise<string> {
    return this.#learnable.save(folder);
  }

  [PRINTED](): string {
    const { name, unchanged } = this.#facts;
    const last = this.losses.slice(-50);
    const mean = last.reduce((sum, loss) => sum + loss, 0) / last.length;
    const stopped = this.interrupted ? "stopped after " : "";
    return listed(name, [
      ["steps", `${stopped}${plural(this.steps, "step")} in ${duration(this.elapsed)}`],
      ...(last.length > 0 ? [["loss", `${mean.toPrecision(3)}, the mean of the last ${last.length}`] as const] : []),
      ["learnt", this.learnt],
      ["unchanged", `${counted(unchanged)} numbers, that is, all others`],
      ...(this.saved === undefined ? [] : [["saved", this.saved] as const]),
    ]);
  }

  /** In a notebook: the same. */
  [DISPLAY](): Record<string, string> {
    return { "text/plain": this[PRINTED]() };
  }
}
