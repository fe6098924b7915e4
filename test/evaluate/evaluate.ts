import type { Scene } from "../../lib/datasets/index.ts";
import { shippedNames } from "../../lib/hub/index.ts";
import {
  AutoencoderKL,
  CLIPModel,
  CLIPTokenizer,
  Image,
  JUDGED,
  type Precision,
  StableDiffusionPipeline,
  type Tensor,
  world,
  worldJudge,
} from "../../lib/index.ts";
import { distanceOfNormals } from "../../lib/judge/normals.ts";
import { accuracies, psnr, retrieval } from "../../lib/recipes/figures.ts";
import { judged, obeyed, scaled, type Verdict, variety } from "./measures.ts";
import { readDigits } from "./ocr.ts";
import { type Manner, paint, type SchedulerName } from "./paint.ts";
import { promptOf, type Request, requests } from "./prompts.ts";

/** The settings that the figures of the issue are about. */
const DEFAULT: Manner = { scheduler: "DDIM", steps: 16, guidance: 5 };
/** The setting that the samples are shown of: what the pipeline does unless it is told otherwise. */
export const SAMPLES: Manner = { scheduler: "DDIM", steps: 51, guidance: 5 };
/** So many of them are shown, the first ones. */
export const SHOWN = 32;
export const SEED = 7000;
const STEPS = [1, 2, 4, 8, 16, 51];
const GUIDANCE = [1, 3, 5, 7.5];
/** Pictures of one and the same prompt, for variety. */
const GROUP = 8;

/** One row of the table of settings: shares of pictures that show what was asked for. */
export interface Row extends Manner {
  readonly prompts: number;
  readonly thing: number;
  readonly ink: number;
  readonly background: number;
  readonly manner: number;
  readonly both: number;
}

export interface Evaluation {
  readonly seed: number;
  readonly default: Manner;
  /** Each figure with what it should be, and whether it is. */
  readonly figures: readonly Figure[];
  readonly rows: readonly Row[];
}

/** What `evaluate` gives. */
export interface Evaluated {
  readonly evaluation: Evaluation;
  /** Pictures of the first prompts, none left out. */
  readonly samples: Image;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: "%" | "dB" | "x" | "points";
  readonly target: number | null;
  readonly atMost?: boolean;
  readonly note?: string;
}

export async function evaluate(options: {
  prompts: number;
  /** For each of the other settings. */
  sweep: number;
  /** In which the tiny Stable Diffusion computes; the judges are exact. */
  precision: Precision;
  all: boolean;
  say: (line: string) => void;
}): Promise<Evaluated> {
  const { prompts: n, sweep, precision, all, say } = options;
  const model = "difflab/tiny-sd";
  const pipe = await StableDiffusionPipeline.fromPretrained(model, { precision });
  const judge = await worldJudge();
  const rows: Row[] = [];

  const measure = async (
    asked: readonly Request[],
    manner: Manner,
  ): Promise<{ row: Row; verdict: Verdict; x: Tensor }> => {
    const started = performance.now();
    const x = await paint(
      pipe,
      asked.map((one) => one.prompt),
      manner,
      SEED,
    );
    const verdict = await judged(judge, x);
    const row = {
      ...manner,
      prompts: asked.length,
      ...obeyed(
        verdict.read,
        asked.map((one) => one.scene),
      ),
    };
    const shares = [...JUDGED.map((kind) => `${kind} ${percent(row[kind])}`)].join(", ");
    say(`${manner.scheduler} ${manner.steps} at ${manner.guidance}: ${shares} (${seconds(started)})`);
    return { row, verdict, x };
  };

  const asked = requests(n, SEED, "train");
  const main = await measure(asked, DEFAULT);
  rows.push(main.row);
  let samples = main.x;
  for (const manner of settings(all)) {
    const { row, x } = await measure(asked.slice(0, sweep), manner);
    rows.push(row);
    if (
      manner.scheduler === SAMPLES.scheduler &&
      manner.steps === SAMPLES.steps &&
      manner.guidance === SAMPLES.guidance
    )
      samples = x;
  }
  const unseen = await measure(requests(n, SEED + 1, "heldOut"), DEFAULT);

  // As many real pictures of the same scenes, and as many again: the floor.
  const real = await verdictOf(n, SEED + 2);
  const again = await verdictOf(n, SEED + 3);
  const floor = distanceOfNormals(real.features, again.features);
  const distance = distanceOfNormals(main.verdict.features, real.features);

  const groups = asked.slice(0, 24).flatMap((one) => new Array<Request>(GROUP).fill(one));
  const painted = await measure(groups, DEFAULT);
  const drawn = await judged(judge, drawnAgain(asked.slice(0, 24).map((one) => one.scene)));
  const varied = variety(painted.verdict.features, GROUP) / variety(drawn.features, GROUP);

  const threes = new Array<string>(Math.min(n, 256)).fill("a three");
  const blue = async (manner: Manner) => {
    const { read } = await judged(judge, await paint(pipe, threes, manner, SEED));
    return read.filter((one) => one.ink === "blue").length / read.length;
  };
  const [before, after] = [await blue(DEFAULT), await blue({ ...DEFAULT, negativePrompt: "blue" })];
  say(`"a three": blue ${percent(before)}, with negative prompt "blue" ${percent(after)}`);

  const ocr = await readDigits(async (scenes) => {
    const pictures = await paint(pipe, scenes.map(promptOf), DEFAULT, SEED);
    return { pictures, things: (await judged(judge, pictures)).read.map((one) => one.thing) };
  }, say);

  // Low-rank changes are distilled from one U-Net: new weights may have to do without for a while.
  const lcm = "difflab/tiny-sd-lcm";
  if (shippedNames().includes(lcm)) {
    await pipe.loadLoraWeights(lcm);
    for (const steps of [1, 2, 4, 8]) {
      const some = steps === 4 ? asked : asked.slice(0, sweep);
      rows.push((await measure(some, { scheduler: "LCM", steps, guidance: 1 })).row);
    }
    pipe.unloadLoraWeights();
  } else say(`${lcm} does not ship; npm run train -- few-steps makes it`);
  const few = rows.find((row) => row.scheduler === "LCM" && row.steps === 4);

  const fresh = world({ n: 512, seed: SEED + 4, split: "all" });
  const vae = await AutoencoderKL.fromPretrained(model, { subfolder: "vae" });
  const clip = await CLIPModel.fromPretrained("difflab/tiny-clip");
  const found = await retrieval(clip, await CLIPTokenizer.fromPretrained("difflab/tiny-clip"), fresh);

  const share = (name: string, value: number, target: number | null, more: Partial<Figure> = {}): Figure => ({
    ...{ name, value: 100 * value, unit: "%" as const, target },
    ...more,
  });
  // What the judge reads of drawn pictures is the most that it can find in painted ones.
  const own = Object.entries(await accuracies(judge, fresh)).map(
    ([name, value]): Figure => ({
      name: `the judge on drawn pictures: ${name}`,
      value: Number.parseFloat(String(value)),
      unit: "%",
      target: null,
    }),
  );
  const figures: Figure[] = [
    ...own,
    share("thing asked for", main.row.thing, 98),
    share("ink asked for", main.row.ink, 98),
    share("background asked for", main.row.background, 97),
    share("manner asked for", main.row.manner, 93),
    share("thing and ink on held-out combinations", unseen.row.both, 93),
    ...(few ? [share("thing and ink with the LCM weights, 4 steps, no guidance", few.both, 95)] : []),
    share('"a three" with negative prompt "blue": blue', after, 1, { atMost: true, note: `from ${percent(before)}` }),
    share("CLIP finds the picture of a caption among 64", found.picture, 90),
    share("CLIP finds the caption of a picture among 64", found.caption, 90),
    { name: "reconstruction, PSNR", value: await psnr(vae, fresh), unit: "dB", target: 28 },
    ...ocr,
    {
      ...{ name: "Fréchet distance over that of real pictures to real ones", value: distance / floor, unit: "x" },
      ...{ target: 2, atMost: true, note: `${distance.toFixed(2)} over ${floor.toFixed(2)}, n = ${n}, seed ${SEED}` },
    },
    {
      ...{
        name: "variety among pictures of one prompt, over that of real ones",
        value: varied,
        unit: "x",
        target: null,
      },
      note: `mean distance of the judge's features, ${GROUP} pictures of each of 24 prompts`,
    },
  ];
  return { evaluation: { seed: SEED, default: DEFAULT, figures, rows }, samples: await gridOf(samples) };

  async function verdictOf(count: number, seed: number): Promise<Verdict> {
    const pictures = world({ n: count, seed });
    return judged(judge, scaled(pictures.images, pictures.shape));
  }
}

/** The first pictures in a grid. */
export async function gridOf(x: Tensor): Promise<Image> {
  const images = await Image.fromBatch(x.narrow(0, 0, Math.min(SHOWN, x.shape[0]!)));
  return Image.grid(images, { columns: 8 });
}

/** Steps at the default guidance, guidance at the default steps, and the schedulers; or all of them with each other. */
function settings(all: boolean): Manner[] {
  const manners: Manner[] = [];
  for (const scheduler of ["PNDM", "DDIM", "DPM-Solver++"] as SchedulerName[]) {
    for (const steps of STEPS) {
      for (const guidance of GUIDANCE) {
        const differs = [scheduler !== DEFAULT.scheduler, steps !== DEFAULT.steps, guidance !== DEFAULT.guidance];
        const count = differs.filter(Boolean).length;
        if (count > 0 && (all || count === 1)) manners.push({ scheduler, steps, guidance });
      }
    }
  }
  return manners;
}

/** The same scenes drawn by as many hands. */
function drawnAgain(scenes: readonly Scene[]): Tensor {
  const size = 3 * 64 * 64;
  const bytes = new Uint8Array(scenes.length * GROUP * size);
  for (const [i, scene] of scenes.entries()) {
    const { things, inks, backgrounds, manners } = {
      ...{ things: [scene.thing], inks: [scene.ink], backgrounds: [scene.background], manners: [scene.manner] },
    };
    const drawn = world({ n: GROUP, seed: SEED + i, split: "all", things, inks, backgrounds, manners });
    bytes.set(drawn.images, i * GROUP * size);
  }
  return scaled(bytes, [scenes.length * GROUP, 3, 64, 64]);
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`;
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(0)} s`;
}
