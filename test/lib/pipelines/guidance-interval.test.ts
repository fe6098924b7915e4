import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cat, noGrad, StableDiffusionPipeline, type Step, type Tensor } from "../../../lib/index.ts";
import { schedulerFromConfig } from "../../../lib/schedulers/index.ts";
import { recorded, writeTiny } from "./tiny.ts";

let home: string;
let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-interval-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny"), "unet", "DDIMScheduler"));
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});

const options = { prompt: recorded.prompt, numInferenceSteps: 6, guidanceScale: 4, seed: 3, progress: false };

/** Rows that the U-Net is given at each step of a run, and the latents that come out. */
async function run(more: object, on = pipe): Promise<{ rows: number[]; latents: number[] }> {
  const rows: number[] = [];
  let latest = 0;
  const handle = on.unet.registerForwardHook((_, [sample]) => {
    latest = sample.shape[0]!;
  });
  try {
    const callback = () => void rows.push(latest);
    const { latents } = await on.generate({ ...options, callback, ...more });
    return { rows, latents: Array.from(await latents.data(), Number) };
  } finally {
    handle.remove();
  }
}

/** The standard deviation of the noise beside full-strength latents. */
function sigmas(timesteps: readonly number[]): number[] {
  const { alphasCumprod } = pipe.scheduler;
  return timesteps.map((t) => Math.sqrt((1 - alphasCumprod[t]!) / alphasCumprod[t]!));
}

describe("guidance in an interval of noise levels", () => {
  it("calls the U-Net with half the batch outside, and guides inside", async () => {
    let previous: Tensor | undefined;
    const one = async (timestep: number, latents: Tensor, scale: number) => {
      const both = cat([await pipe.encodePrompt(""), await pipe.encodePrompt(options.prompt)]);
      const out = noGrad(() => pipe.unet.forward(cat([latents, latents]), timestep, both).sample);
      const [without, wanted] = out.chunk(2) as [Tensor, Tensor];
      return without.add(wanted.sub(without).mul(scale));
    };
    const timesteps: number[] = [];
    await pipe.generate({ ...options, callback: ({ timestep }: Step) => void timesteps.push(timestep) });
    const levels = sigmas(timesteps);
    // Above the lower level, up to the upper one: the second to the fourth step.
    const { rows, latents } = await run({ guidanceInterval: [levels[4]! * 1.001, levels[1]! * 1.001] });
    expect(rows).toEqual([1, 2, 2, 2, 1, 1]);
    // By hand: each step alone, from where the one before has left off, all with guidance or all without.
    const interval = [levels[4]! * 1.001, levels[1]! * 1.001] as const;
    for await (const step of pipe.steps({ ...options, guidanceInterval: interval })) {
      const inside = step.index >= 1 && step.index <= 3;
      if (previous) {
        const again = await one(step.timestep, previous, inside ? options.guidanceScale : 1);
        const [a, b] = [await again.data(), await step.noisePred.data()];
        expect(Math.max(...b.map((v, i) => Math.abs(v - a[i]!)))).toBeLessThan(1e-5);
      }
      previous = step.latents;
    }
    expect(latents).not.toEqual((await run({})).latents);
    expect(latents).not.toEqual((await run({ guidanceScale: 1 })).latents);
  });

  it("paints what no guidance paints where it is empty, and what guidance paints where it is everything", async () => {
    const plain = await run({ guidanceScale: 1 });
    expect(plain.rows).toEqual([1, 1, 1, 1, 1, 1]);
    expect(await run({ guidanceInterval: [0.5, 0.5] })).toEqual(plain);
    expect(await run({ guidanceInterval: [1000, Infinity] })).toEqual(plain);
    expect(await run({ guidanceInterval: [0, Infinity] })).toEqual(await run({}));
  });

  it.each(["EulerDiscreteScheduler", "PNDMScheduler", "DPMSolverMultistepScheduler", "HeunDiscreteScheduler"])(
    "knows the levels of the %s",
    async (kind) => {
      const other = StableDiffusionPipeline.fromPipe(pipe);
      other.scheduler = schedulerFromConfig({
        _class_name: kind,
        ...recorded.configs.scheduler,
        ...(kind === "PNDMScheduler" ? { skip_prk_steps: true } : {}),
      });
      const timesteps: number[] = [];
      await other.generate({ ...options, callback: ({ timestep }: Step) => void timesteps.push(timestep) });
      const guided = timesteps.map((t) => t < 600 && t > 200);
      const [low, high] = sigmas([200, 600]) as [number, number];
      const { rows } = await run({ guidanceInterval: [low, high] }, other);
      expect(rows).toEqual(guided.map((is) => (is ? 2 : 1)));
      expect(new Set(rows).size).toBe(2);
      other.close();
    },
  );

  it("keeps the negative prompts for the steps to come when a callback returns other prompts", async () => {
    const interval = { guidanceInterval: [0, sigmas([600])[0]!] };
    const plain = await run(interval);
    expect(plain.rows[0]).toBe(1);
    expect(plain.rows.at(-1)).toBe(2);
    const same = await run({
      ...interval,
      callbackOnStepEndTensorInputs: ["promptEmbeds"],
      callbackOnStepEnd: (_: unknown, __: number, ___: number, kwargs: object) => kwargs,
    });
    expect(same.latents).toEqual(plain.latents);
  });

  it("is told in the picture's metadata", async () => {
    const { images, metadata } = await pipe.generate({ ...options, guidanceInterval: [0.28, 5.42] });
    expect(metadata).toMatchObject({ guidanceScale: 4, guidanceInterval: [0.28, 5.42] });
    expect(images).toHaveLength(1);
    expect((await pipe.generate(options)).metadata).not.toHaveProperty("guidanceInterval");
  });

  it("refuses what is no interval, and models that need no second prediction", async () => {
    const refuse = (guidanceInterval: unknown) =>
      expect(pipe.generate({ ...options, guidanceInterval: guidanceInterval as [number, number] })).rejects;
    await refuse(3).toThrow(
      "StableDiffusionPipeline: guidanceInterval is 3; expected two noise levels, such as [0.28, 5.42]",
    );
    await refuse([1]).toThrow("expected two noise levels");
    await refuse(["0", "1"]).toThrow("expected two noise levels");
    await refuse([5, 1]).toThrow("guidanceInterval is [5, 1]; expected noise levels of 0 or more, the lower one first");
    await refuse([-1, 1]).toThrow("expected noise levels of 0 or more");
    await refuse([Number.NaN, 1]).toThrow("expected noise levels of 0 or more");
    const distilled = await StableDiffusionPipeline.fromPretrained(
      await writeTiny(join(home, "lcm"), "unet_lcm", "LCMScheduler"),
    );
    await expect(distilled.generate({ ...options, guidanceInterval: [1, 2] })).rejects.toThrow(
      "this model takes the guidance scale as an input and needs no second prediction; leave it out",
    );
    distilled.close();
  });
});
