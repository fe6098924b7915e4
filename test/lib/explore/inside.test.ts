import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";
import { writeTiny } from "../pipelines/tiny.ts";

let home: string;
let pipe: d.StableDiffusionPipeline;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-inside-"));
  pipe = await d.StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny"), "unet", "DDIMScheduler"));
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe("pca", () => {
  it.each([
    [40, 7],
    [9, 50],
  ])("finds directions that the covariance of %d points in %d dimensions only stretches", async (n, dims) => {
    d.manualSeed(n);
    const x = d.randn([n, dims]).mul(d.arange(1, dims + 1));
    const { points, explained, components, mean } = await d.pca(x, { components: 3 });
    const centred = x.sub(mean);
    const covariance = centred.T.matmul(centred);
    const total = await centred.square().sum().item();
    for (const [i, share] of explained.entries()) {
      const v = components.select(0, i);
      expect(worst(await covariance.matmul(v).data(), await v.mul(share * total).data()) / total).toBeLessThan(1e-5);
    }
    expect(worst(await components.matmul(components.T).data(), await d.eye(3).data())).toBeLessThan(1e-5);
    expect(explained[0]).toBeGreaterThan(explained[1]!);
    expect(worst(await points.data(), await centred.matmul(components.T).data())).toBeLessThan(1e-3);
  });

  it("takes pictures as they are, all alike too, and says what it cannot do", async () => {
    const same = await d.pca(d.ones([4, 2, 3]));
    expect(same.explained).toEqual([0, 0]);
    expect(worst(await same.points.data(), new Float32Array(8))).toBe(0);
    await expect(d.pca(d.ones([4]))).rejects.toThrow("pca: got [4], expected [n, d]");
    await expect(d.pca(d.ones([4, 1]))).rejects.toThrow("pca: 2 components of 4 points in 1 dimensions");
    await expect(
      d.pca(
        d.tensor([
          [1, Number.NaN],
          [2, 3],
        ]),
      ),
    ).rejects.toThrow("NaN or infinite");
  });
});

describe("recordRun", () => {
  const options = { prompt: "the horse", numInferenceSteps: 4, guidanceScale: 3, seed: 2, progress: false };

  it("keeps what generate goes through, with both predictions of each step", async () => {
    const run = await d.recordRun(pipe, options);
    const { latents } = await pipe.generate(options);
    expect(run.timesteps.length).toBe(4);
    expect(worst(await run.latents.select(0, 3).data(), await latents.data())).toBeLessThan(1e-5);
    const guided = run.unconditional!.add(run.conditional.sub(run.unconditional!).mul(3));
    expect(worst(await run.guided.data(), await guided.data())).toBeLessThan(1e-5);
    const figure = d.showGuidance(run, { step: 1 });
    expect(await figure.alt()).toContain("guided by 3");
    expect(await figure.svg()).toContain("step 2 of 4, timestep");
  });

  it("of an unguided run has one prediction, and refuses several pictures", async () => {
    const run = await d.recordRun(pipe, { ...options, guidanceScale: 1 });
    expect(run.unconditional).toBe(null);
    expect(worst(await run.conditional.data(), await run.guided.data())).toBe(0);
    expect(() => d.showGuidance(run)).toThrow("showGuidance: the run was not guided at every step");
    await expect(d.recordRun(pipe, { ...options, numImagesPerPrompt: 2 })).rejects.toThrow("a run of 2 pictures");
    expect(Object.hasOwn(pipe.unet, "forward")).toBe(false);
  });

  it("gives ways that a plane shows", async () => {
    const [a, b] = [d.randn([5, 1, 4, 2, 2]), d.randn([3, 1, 4, 2, 2])];
    const seen = await d.trajectories({ a, b });
    expect(seen.paths.map((path) => path.shape)).toEqual([
      [5, 2],
      [3, 2],
    ]);
    const figure = d.plotTrajectories(seen);
    expect(await figure.alt()).toContain("a (5 steps), b (3 steps)");
    expect((await figure.svg()).match(/% of the variance/g)!.length).toBeGreaterThanOrEqual(2);
    await expect(d.trajectories({ a, b: d.randn([3, 4]) })).rejects.toThrow("b is [3,4], a [5,1,4,2,2]");
    await expect(d.trajectories({})).rejects.toThrow("got none");
  });
});

describe("latents", () => {
  it("become small pictures by the map that fits best: known factors are found again", async () => {
    // An autoencoder whose latents are the colours themselves, in other words.
    const pictures = d.rand([2, 3, 64, 64]).mul(2).sub(1);
    const rgb = await d.fitLatentRgb(pipe, pictures);
    const latents = await pipe.codec.encode(pictures, [new d.Generator(0)]);
    const small = d.nn.functional.avgPool2d(pictures, 8);
    const error = async (map: d.LatentRgb) => map.apply(latents).sub(small).square().mean().item();
    const best = await error(rgb);
    for (const [row, column] of [
      [0, 0],
      [1, 2],
      [3, 1],
    ] as const) {
      for (const by of [-0.05, 0.05]) {
        const nudge = new Float32Array(12);
        nudge[row * 3 + column] = by;
        expect(await error(new d.LatentRgb(rgb.factors.add(d.tensor(nudge, [4, 3])), rgb.bias, 0))).toBeGreaterThan(
          best,
        );
      }
    }
    const variance = await small
      .sub(small.mean([0, 2, 3], true))
      .square()
      .mean()
      .item();
    expect(rgb.r2).toBeCloseTo(1 - best / variance, 3);
    expect(() => rgb.apply(d.zeros([1, 3, 2, 2]))).toThrow("LatentRgb.apply: got [1,3,2,2], expected [B, 4, h, w]");
    await expect(d.fitLatentRgb(pipe, d.zeros([1, 1, 64, 64]))).rejects.toThrow("fitLatentRgb: got [1,1,64,64]");
  });

  it("are shown channel by channel, with what is made of them", async () => {
    const latents = d.randn([1, 4, 8, 8]);
    const figure = d.showLatents(latents, { rgb: d.rand([1, 3, 8, 8]), decoded: d.rand([3, 64, 64]), title: "these" });
    expect(await figure.alt()).toMatch(/^these\. latents: 4 channels of 8 × 8, .*; RGB approximation, decoded$/);
    const svg = await figure.svg();
    expect(svg.match(/channel \d</g)!.length).toBeGreaterThanOrEqual(4);
    expect(() => d.showLatents(d.zeros([2, 4, 8, 8]))).toThrow(
      "showLatents: got [2, 4, 8, 8], expected latents of one",
    );
    expect(() => d.showLatents(latents, { limit: 0 })).toThrow("limit is 0");
    const strange = d.showLatents(d.tensor([Number.NaN, 1, 2, 3]).reshape(1, 2, 2));
    expect(await strange.svg()).toContain("1 value NaN (magenta)");
  });

  it("poked in one cell change the picture there", async () => {
    const latents = d.zeros([1, 4, 8, 8]);
    const poked = await d.pokeLatents(pipe, latents, { channel: 1, row: 2, column: 5, by: -4 });
    expect(await poked.latents.sum().item()).toBe(-4);
    expect(await poked.latents.select(0, 0).select(0, 1).select(0, 2).select(0, 5).item()).toBe(-4);
    expect(poked.square).toEqual({ top: 16, left: 40, size: 8 });
    expect(await poked.after.sub(poked.before).abs().max().item()).toBeGreaterThan(0);
    expect(await d.showPoke(poked).alt()).toMatch(/channel 1, row 2, column 5: −4; \d+ % of the change/);
    await expect(d.pokeLatents(pipe, latents, { channel: 4, row: 0, column: 0 })).rejects.toThrow(
      "pokeLatents: channel is 4; expected 0 to 3",
    );
  });
});

describe("lossByTimestep", () => {
  it("is the error of the U-Net's prediction at each timestep, from the same noise", async () => {
    const pictures = d.rand([2, 3, 64, 64]).mul(2).sub(1);
    const captions = ["the horse", "the moon"];
    const seen = await d.lossByTimestep(pipe, pictures, captions, { timesteps: [900, 10], seed: 4 });
    const generator = new d.Generator(4);
    const latents = await pipe.codec.encode(pictures, [generator]);
    const noise = d.randn(latents.shape, { generator });
    const text = await pipe.encodePrompt(captions);
    for (const [i, t] of [900, 10].entries()) {
      const bar = pipe.scheduler.alphasCumprod[t]!;
      const noisy = latents.mul(Math.sqrt(bar)).add(noise.mul(Math.sqrt(1 - bar)));
      const loss = pipe.unet.forward(noisy, t, text).sample.sub(noise).square().mean();
      expect(seen.losses[i]).toBeCloseTo(await loss.item(), 4);
    }
    expect(seen.errors.every((error) => error > 0)).toBe(true);
    const figure = d.plotLossByTimestep({ now: seen });
    expect(await figure.svg()).toContain("bars: ± 1 standard error");
    expect(await figure.alt()).toMatch(/^now by timestep: .* at t 10, .* at t 900/);
    await expect(d.lossByTimestep(pipe, pictures, ["one"])).rejects.toThrow("lossByTimestep: 1 captions for pictures");
    await expect(d.lossByTimestep(pipe, pictures, captions, { timesteps: [1000] })).rejects.toThrow("timestep 1000");
  });
});

describe("wordArithmetic", () => {
  it("exchanges the ink of a caption", async () => {
    const clip = await d.CLIPModel.fromPretrained("difflab/tiny-clip");
    const tokenizer = await d.CLIPTokenizer.fromPretrained("difflab/tiny-clip");
    const captions = ["red", "blue", "green"].flatMap((ink) => ["three", "boat"].map((thing) => `a ${ink} ${thing}`));
    const sum = await d.wordArithmetic(clip, tokenizer, "a red three - red + blue", captions, { nearest: 3 });
    expect(sum.terms.map(({ sign, text }) => `${sign} ${text}`)).toEqual(["1 a red three", "-1 red", "1 blue"]);
    expect(sum.nearest[0]!.caption).toBe("a blue three");
    expect(sum.nearest.length).toBe(3);
    expect(await sum.embedding.square().sum().item()).toBeCloseTo(1, 4);
    const figure = d.showNearest(sum);
    expect(await figure.alt()).toContain("captions nearest to a red three - red + blue: a blue three");
    await expect(d.wordArithmetic(clip, tokenizer, "red - ", captions)).rejects.toThrow("has an empty part");
    await expect(d.wordArithmetic(clip, tokenizer, "red", [])).rejects.toThrow("got no captions");
  });
});
