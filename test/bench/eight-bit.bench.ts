import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  compile,
  Model,
  manualSeed,
  nn,
  noGrad,
  randn,
  StableDiffusionPipeline,
  setNumThreads,
  type Tensor,
} from "../../lib/index.ts";
import { requests } from "../evaluate/prompts.ts";
import { type Bench, type BenchResult, median, result, timed } from "./bench.ts";

const PICTURES = 100;
const ROUNDS = 15;
const FLOAT = { name: "difflab in float32" };

/** A 3x3 convolution like those in the middle of Stable Diffusion's U-Net. */
class Convolution extends Model {
  readonly config = {};
  readonly weightsName = "diffusion_pytorch_model";
  readonly layer = new nn.Conv2d(640, 640, 3, { padding: 1 });

  forward(x: Tensor): Tensor {
    return this.layer.forward(x);
  }
}

/** What 8 bits give and what they cost: a convolution's time, a picture's time, and how near it is to the one in float32. */
const bench: Bench = {
  name: "eight-bit",
  async run(say) {
    setNumThreads(2);
    return [await convolution(), await pictures(say)];
  },
};

async function convolution(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), "difflab-eight-bit-"));
  try {
    manualSeed(1);
    await new Convolution().savePretrained(folder);
    const models = [
      await Convolution.fromPretrained(folder, { precision: "int8" }),
      await Convolution.fromPretrained(folder),
    ];
    const x = await randn([2, 640, 32, 32]).realize();
    const calls = models.map((model) => compile((x: Tensor) => noGrad(() => model.forward(x))));
    const run = async (i: number) => void (await (await calls[i]!(x)).realize());
    const times: [number[], number[]] = [[], []];
    for (let round = -1; round < ROUNDS; round++) {
      for (const i of [0, 1] as const) {
        const time = await timed(() => run(i));
        // The first round prepares.
        if (round >= 0) times[i].push(time);
      }
    }
    return result(
      "eight-bit",
      "ms",
      median(times[0]),
      { ...FLOAT, value: median(times[1]) },
      "3x3, 640 channels, 2 x 32x32",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pictures(say: (line: string) => void): Promise<BenchResult> {
  const pipes = [
    await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd", { precision: "int8" }),
    await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd"),
  ];
  const times: [number[], number[]] = [[], []];
  const likeness: number[] = [];
  for (const [seed, { prompt }] of requests(PICTURES, 1, "train").entries()) {
    const painted: Tensor[] = [];
    for (const i of [0, 1] as const) {
      const paint = async () => {
        const { images } = await pipes[i]!.generate({ prompt, seed, numInferenceSteps: 16, progress: false });
        painted.push(images[0]!.toTensor());
      };
      times[i].push(await timed(paint));
    }
    // Values from -1 to 1: the peak is 2.
    const error = await painted[0]!.sub(painted[1]!).square().mean().item();
    likeness.push(10 * Math.log10(4 / error));
    if ((seed + 1) % 20 === 0) say(`${seed + 1} prompts: median PSNR ${median(likeness).toFixed(1)} dB`);
  }
  const note = `tiny-sd, 16 steps; median PSNR to it ${median(likeness).toFixed(1)} dB over ${PICTURES} prompts`;
  return result("eight-bit-image", "s", median(times[0]) / 1e3, { ...FLOAT, value: median(times[1]) / 1e3 }, note);
}

export default bench;
