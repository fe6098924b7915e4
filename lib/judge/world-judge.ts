import { type ConfigOf, field, listOf, type Settings } from "../config/fields.ts";
import { readConfig } from "../config/read.ts";
import { show } from "../graph/shape.ts";
import { Model } from "../models/model.ts";
import { Dropout } from "../nn/containers.ts";
import { Conv2d, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { GroupNorm } from "../nn/norm.ts";
import { dataPath } from "../shipped.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What the judge reads in a picture, in the order of its answers. */
export const JUDGED = ["thing", "ink", "background", "manner"] as const;
/** What the judge reads: "thing", "ink", "background" or "manner". */
export type Judged = (typeof JUDGED)[number];

const name = field("", "a word", (value) => typeof value === "string" && value !== "");
const fields = {
  things: listOf(name, ["0"]),
  inks: listOf(name, ["0"]),
  backgrounds: listOf(name, ["0"]),
  manners: listOf(name, ["0"]),
};

/** The names of the possible answers, `things`, `inks`, `backgrounds` and `manners`, in the order of the scores. */
export type WorldJudgeConfig = ConfigOf<typeof fields>;

const CHANNELS = [24, 48, 96, 128] as const;

/** Halves the sides: two convolutions, the second of which is added to what the first one saw. */
class Stage extends Module {
  readonly conv1: Conv2d;
  readonly norm1: GroupNorm;
  readonly conv2: Conv2d;
  readonly norm2: GroupNorm;

  constructor(inputs: number, outputs: number) {
    super();
    this.conv1 = new Conv2d(inputs, outputs, 3, { padding: 1, stride: 2 });
    this.norm1 = new GroupNorm(8, outputs);
    this.conv2 = new Conv2d(outputs, outputs, 3, { padding: 1 });
    this.norm2 = new GroupNorm(8, outputs);
  }

  forward(x: Tensor): Tensor {
    const h = this.norm1.forward(this.conv1.forward(x)).silu();
    return this.norm2.forward(this.conv2.forward(h)).add(h).silu();
  }
}

/**
 * A classifier that reads the thing, ink, background and manner of a picture of the small world: four stages of convolutions and
 * a linear layer, followed by one linear layer for each answer.
 */
export class WorldJudge extends Model {
  readonly config: WorldJudgeConfig;
  readonly weightsName: string = "model";
  /** The convolutions; each stage halves height and width. */
  readonly stages: readonly Stage[];
  /** Drops three tenths of the features in training. */
  readonly dropout = new Dropout(0.3);
  /** From the last convolution's channels to 128 numbers that describe the whole picture. */
  readonly hidden: Linear;
  /** A score for each thing. */
  readonly thing: Linear;
  /** A score for each ink. */
  readonly ink: Linear;
  /** A score for each background. */
  readonly background: Linear;
  /** A score for each manner. */
  readonly manner: Linear;

  /**
   * @param settings - the names of `things`, `inks`, `backgrounds` and `manners`, in the order of the scores; default one each, "0"
   * @throws TypeError for an unknown setting, RangeError for an empty list or name
   */
  constructor(settings: Settings<WorldJudgeConfig> = {}) {
    super();
    const config = readConfig("WorldJudge", fields, settings);
    this.config = config;
    this.stages = CHANNELS.map((channels, i) => new Stage(CHANNELS[i - 1] ?? 3, channels));
    this.hidden = new Linear(128 * 4 * 4, 128);
    this.thing = new Linear(128, config.things.length);
    this.ink = new Linear(128, config.inks.length);
    this.background = new Linear(128, config.backgrounds.length);
    this.manner = new Linear(128, config.manners.length);
  }

  /**
   * Scores before softmax.
   *
   * @param x - pictures `[b, 3, 64, 64]`, -1 to 1
   * @returns for each of `JUDGED`: `[b, names]`
   * @throws RangeError for another shape
   */
  forward(x: Tensor): Record<Judged, Tensor> {
    const h = this.summary(x);
    return {
      thing: this.thing.forward(h),
      ink: this.ink.forward(h),
      background: this.background.forward(h),
      manner: this.manner.forward(h),
    };
  }

  /**
   * 128 numbers that say what a picture shows: similar for pictures of similar things.
   *
   * @param x - pictures `[b, 3, 64, 64]`, -1 to 1
   * @returns `[b, 128]`
   */
  summary(x: Tensor): Tensor {
    return this.hidden.forward(this.dropout.forward(this.features(x).at(-1)!.flatten(1))).silu();
  }

  /**
   * What each stage sees, from strokes to shapes: `[b, 24, 32, 32]`, `[b, 48, 16, 16]` and so on to `[b, 128, 4, 4]`.
   * Pictures that look alike are close here even if their pixels differ.
   *
   * @param x - pictures `[b, 3, 64, 64]`, -1 to 1; other sides if they are multiples of 16
   * @throws RangeError for other shapes
   * @see Johnson et al. 2016: https://arxiv.org/abs/1603.08155
   */
  features(x: Tensor): Tensor[] {
    if (x.ndim !== 4 || x.shape[1] !== 3 || x.shape[2]! % 16 !== 0 || x.shape[3]! % 16 !== 0) {
      throw new RangeError(
        `WorldJudge: got ${show(x.shape)}, expected [b, 3, 64, 64] or other sides that are multiples of 16`,
      );
    }
    const seen: Tensor[] = [];
    for (const stage of this.stages) seen.push(stage.forward(seen.at(-1) ?? x));
    return seen;
  }

  /** The possible answers of a kind, in the order of its scores: `namesOf("ink")` are the inks. */
  namesOf(kind: Judged): readonly string[] {
    return this.config[`${kind}s`];
  }

  /**
   * What a picture shows.
   *
   * @param x - pictures `[b, 3, 64, 64]`, -1 to 1
   * @returns one record for each picture, such as `{ thing: "seven", ink: "red", background: "paper", manner: "chalk" }`
   */
  async read(x: Tensor): Promise<Record<Judged, string>[]> {
    const scores = this.forward(x);
    const picked = await Promise.all(JUDGED.map((kind) => scores[kind].argmax(1).data()));
    return Array.from(
      { length: x.shape[0]! },
      (_, i) =>
        Object.fromEntries(JUDGED.map((kind, k) => [kind, this.namesOf(kind)[Number(picked[k]![i])]!])) as Record<
          Judged,
          string
        >,
    );
  }
}

/**
 * The trained judge of the small world's pictures that ships with the library. Its weights are frozen: gradients go to the
 * picture alone.
 *
 * @param folder - of a judge that `savePretrained` wrote; default `data/world-judge`
 * @throws Error if files are missing or do not fit
 */
export async function worldJudge(folder: string = dataPath("world-judge")): Promise<WorldJudge> {
  const judge = await WorldJudge.fromPretrained(folder);
  return judge.eval().requiresGrad_(false) as WorldJudge;
}
