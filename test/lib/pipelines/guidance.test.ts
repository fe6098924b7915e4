import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digitJudge } from "../../../lib/judge/judge.ts";
import { avgPool2d, mseLoss } from "../../../lib/nn/functional/index.ts";
import { type LossGuidance, StableDiffusionPipeline } from "../../../lib/pipelines/index.ts";
import { checkGuidance, LossGuide } from "../../../lib/pipelines/loss-guidance.ts";
import { DDIMScheduler, schedulerFromConfig } from "../../../lib/schedulers/index.ts";
import { cat } from "../../../lib/tensor/create.ts";
import { noGrad } from "../../../lib/tensor/grad.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";
import recorded from "../../reference/guidance.json" with { type: "json" };
import { draw, expectClose, type Shown } from "../models/reference.ts";
import { worst } from "./compare.ts";
import { recorded as tiny, writeTiny } from "./tiny.ts";

let home: string;
let pipe: StableDiffusionPipeline;
const losses: Record<string, LossGuidance["loss"]> = {};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-guidance-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny")));
  // The lesson's: as blue as can be.
  losses.blue = (x0) => x0.div(2).add(0.5).select(1, 2).sub(0.9).abs().mean().mul(200);
  // A perceptual one: what the digit judge sees in the middle of the picture is to be what it sees in another.
  const judge = await digitJudge();
  const seen = (pictures: Tensor) => {
    const middle = pictures.narrow(2, 4, 56).narrow(3, 4, 56).mean(1, true);
    return judge.features(avgPool2d(middle, 2));
  };
  const wanted = noGrad(() => seen(draw(77, 1, 3, 64, 64).mul(0.2).add(0.5)));
  losses.perceptual = (x0) => {
    const distances = seen(x0.div(2).add(0.5)).map((features, i) => mseLoss(features, wanted[i]!));
    return distances.reduce((sum, distance) => sum.add(distance)).mul(20);
  };
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});

const options = { prompt: tiny.prompt, numInferenceSteps: 6, guidanceScale: 3, seed: 42 };

describe.each(["blue", "perceptual"] as const)("a %s loss of the predicted picture", (name) => {
  it.each([
    ["LMSDiscreteScheduler", 5],
    ["DDIMScheduler", 1],
  ] as const)("guides a run as PyTorch's gradients do: %s, at every step that %i divides", async (kind, every) => {
    const guided = StableDiffusionPipeline.fromPipe(pipe);
    guided.scheduler = schedulerFromConfig({ _class_name: kind, ...tiny.configs.scheduler });
    const values: number[] = [];
    const { images, latents } = await guided.generate({
      ...options,
      guidance: { loss: losses[name]!, every },
      callback: async ({ loss }) => loss && values.push(await loss.item()),
    });
    const reference = recorded.loops[`${name}-${kind}`];
    expect(values).toHaveLength(reference.losses.length);
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(reference.losses[i]!, 3);
    expect(worst(images, reference.picture)).toBeLessThanOrEqual(1);
    // Smaller than where nothing guides.
    const of = async (x: Tensor) => (await losses[name]!(await guided.decode(x)).item()) as number;
    const plain = await of((await guided.generate(options)).latents);
    expect(await of(latents)).toBeLessThan(plain - 0.5);
    guided.close();
  });

  it.each(["x0", "model"] as const)("has PyTorch's gradient, through the %s", async (through) => {
    const { unet, vae } = pipe;
    const scheduler = DDIMScheduler.fromConfig(tiny.configs.scheduler);
    const timestep = 501;
    const level = scheduler.levelAt(timestep);
    const text = cat([await pipe.encodePrompt(""), await pipe.encodePrompt(tiny.prompt)]);
    const time = unet.timeProj([timestep, timestep]);
    const latents = draw(5, 1, 4, 8, 8);
    const [without, wanted] = noGrad(() => unet.forward(cat([latents, latents]), time, text).sample).chunk(2, 0);
    const noise = without!.add(wanted!.sub(without!).mul(3));
    const guide = new LossGuide(checkGuidance({ loss: losses[name]!, through }), { unet, vae, prediction: "epsilon" });
    const call = { ...level, scale: 1, time, text, guidanceScale: 3 };
    const moved = await guide.move(latents, await noise.realize(), call);
    const expected = recorded.gradients[name];
    expect(await moved.loss.item()).toBeCloseTo(expected.loss, 3);
    const gradient = latents.sub(moved.latents).div(level.sigma ** 2);
    const size = Math.max(...expected[through].data.map(Math.abs));
    await expectClose(gradient, expected[through] as Shown, 1e-4 * size);
    guide.close();
  });
});

describe("guidance by a loss", () => {
  it("refuses an interval that is no whole number", async () => {
    const guidance = { loss: losses.blue!, every: 0 };
    await expect(pipe.generate({ ...options, guidance })).rejects.toThrow(
      /every is 0; expected a whole number from 1 up/,
    );
  });
});
