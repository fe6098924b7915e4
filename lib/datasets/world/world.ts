import { Dice } from "../dice.ts";
import { type ColourShape, ImageDataset, type ImageDatasetParts } from "../image-dataset.ts";
import { captionOf } from "./captions.ts";
import { checkSize, paintScene } from "./draw.ts";
import { type Background, type Ink, isHeldOut, type Manner, type Scene, type Thing, WORLD } from "./names.ts";
import { variantsOf } from "./shape.ts";

const MOST_BYTES = 2 ** 31;
const SPLITS = ["train", "heldOut", "all"] as const;
const WORDS = 2 ** 32;

/** What `world` draws. */
export interface WorldOptions {
  /** How many pictures; default 1,000. */
  readonly n?: number;
  /** A whole number; default 0. */
  readonly seed?: number | bigint;
  /** Pixels of one side, 16 to 512; default 64. */
  readonly size?: number;
  /** Without the combinations that are held out (default), these alone, or both. */
  readonly split?: (typeof SPLITS)[number];
  /** Only these things; default all. */
  readonly things?: readonly Thing[];
  /** Only these inks; default all. */
  readonly inks?: readonly Ink[];
  /** Only these backgrounds; default all. */
  readonly backgrounds?: readonly Background[];
  /** Only these manners; default all. */
  readonly manners?: readonly Manner[];
}

/** Pictures of the small world, with what is in them and how one may put it in words. */
export class WorldDataset extends ImageDataset<ColourShape> {
  /** One caption of each. */
  readonly captions: readonly string[];
  /** What is in each. */
  readonly scenes: readonly Scene[];
  /** `drawScene(scenes[i], { size, seed: seeds[i] })` draws picture i again. */
  readonly seeds: readonly number[];

  constructor(parts: ImageDatasetParts<ColourShape> & Pick<WorldDataset, "captions" | "scenes" | "seeds">) {
    super(parts);
    this.captions = parts.captions;
    this.scenes = parts.scenes;
    this.seeds = parts.seeds;
  }

  override select(indices: ArrayLike<number | bigint>): WorldDataset {
    const pictures = super.select(indices);
    const some = <T>(items: readonly T[]) => Array.from(indices, (i) => items[Number(i)]!);
    return this.#with(pictures, some(this.captions), some(this.scenes), some(this.seeds));
  }

  override slice(start?: number, end?: number): WorldDataset {
    const pictures = super.slice(start, end);
    const some = <T>(items: readonly T[]) => items.slice(start, end);
    return this.#with(pictures, some(this.captions), some(this.scenes), some(this.seeds));
  }

  #with(pictures: ImageDataset<ColourShape>, captions: string[], scenes: Scene[], seeds: number[]): WorldDataset {
    const { name, images, labels, shape, classes } = pictures;
    return new WorldDataset({ name, images, labels, shape, classes, captions, scenes, seeds });
  }
}

/**
 * Captioned colour pictures of a small world, drawn by the library: digits and simple things in inks, on backgrounds,
 * in manners. `WORLD` lists them.
 *
 * The same seed draws the same pictures with the same captions on every machine, and the first n of more than n.
 * Randomness: one stream from `seed` gives each picture three seeds, for what is in it, for the hand that draws it, and
 * for its caption.
 *
 * @returns `images` `[n, 3, size, size]` of 0 to 255, `labels` `[n]` (the thing), `captions`, `scenes` and `seeds`
 * @throws RangeError if an option is out of range or nothing is left to draw
 */
export function world(options: WorldOptions = {}): WorldDataset {
  const { n = 1000, seed = 0, size = 64, split = "train" } = options;
  check(n, size, split);
  const kinds = kindsOf(options, split);
  const backgrounds = among("backgrounds", options.backgrounds, WORLD.backgrounds);
  const dice = new Dice(seed);
  const picture = 3 * size * size;
  const images = new Uint8Array(n * picture);
  const labels = new Uint8Array(n);
  const captions: string[] = [];
  const scenes: Scene[] = [];
  const seeds: number[] = [];
  for (let i = 0; i < n; i++) {
    const [sceneSeed, drawingSeed, captionSeed] = [dice.below(WORDS), dice.below(WORDS), dice.below(WORDS)];
    const scene = compose(kinds, backgrounds, new Dice(sceneSeed));
    paintScene(scene, size, new Dice(drawingSeed), images.subarray(i * picture, (i + 1) * picture));
    labels[i] = WORLD.things.indexOf(scene.thing);
    captions.push(captionOf(scene, new Dice(captionSeed)));
    scenes.push(scene);
    seeds.push(drawingSeed);
  }
  return new WorldDataset({
    name: "world",
    images,
    labels,
    shape: [n, 3, size, size],
    classes: WORLD.things,
    captions,
    scenes,
    seeds,
  });
}

type Kind = Pick<Scene, "thing" | "ink" | "manner">;

/** Every combination of thing, ink and manner that the split allows. */
function kindsOf(options: WorldOptions, split: (typeof SPLITS)[number]): Kind[] {
  const things = among("things", options.things, WORLD.things);
  const inks = among("inks", options.inks, WORLD.inks);
  const manners = among("manners", options.manners, WORLD.manners);
  const kinds = things
    .flatMap((thing) => inks.flatMap((ink) => manners.map((manner): Kind => ({ thing, ink, manner }))))
    .filter((kind) => split === "all" || isHeldOut(kind) === (split === "heldOut"));
  if (kinds.length === 0) {
    throw new RangeError(
      `world: split "${split}" contains none of the things [${things}] in inks [${inks}] and manners [${manners}]; ` +
        'widen the lists or use split "all"',
    );
  }
  return kinds;
}

function compose(kinds: readonly Kind[], backgrounds: readonly Background[], dice: Dice): Scene {
  const pick = <T>(items: readonly T[]) => items[dice.below(items.length)]!;
  const { thing, ink, manner } = pick(kinds);
  const variant = 1 + dice.below(variantsOf(thing));
  const background = pick(backgrounds);
  const thickness = pick(WORLD.thicknesses);
  const tilt = pick(WORLD.tilts);
  const scale = dice.chance(0.6) ? "large" : "small";
  const [x, y] = pick([
    ["centre", "centre"],
    ["left", "centre"],
    ["right", "centre"],
    ["centre", "top"],
    ["centre", "bottom"],
  ] as const);
  return { thing, variant, ink, background, manner, thickness, tilt, scale, x, y };
}

function among<T extends string>(option: string, wanted: readonly T[] | undefined, all: readonly T[]): readonly T[] {
  if (wanted !== undefined && !Array.isArray(wanted)) {
    throw new TypeError(`world: ${option} is ${JSON.stringify(wanted)}; expected a list of some of ${all.join(", ")}`);
  }
  const wrong = wanted?.find((name) => !all.includes(name));
  if (wrong !== undefined || wanted?.length === 0) {
    throw new RangeError(
      `world: ${option} ${wrong === undefined ? "[]" : `"${wrong}"`}; expected some of ${all.join(", ")}`,
    );
  }
  return wanted ?? all;
}

function check(n: number, size: number, split: string): void {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`world: n ${n}; expected a whole number from 1 up`);
  checkSize("world", size);
  if (3 * n * size * size > MOST_BYTES) {
    throw new RangeError(
      `world: ${n} pictures of ${size}x${size} would take ${3 * n * size * size} bytes; draw fewer at a time`,
    );
  }
  if (!SPLITS.includes(split as never)) {
    throw new RangeError(`world: split "${split}"; expected ${SPLITS.map((name) => `"${name}"`).join(", ")}`);
  }
}
