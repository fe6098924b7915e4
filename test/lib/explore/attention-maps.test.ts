import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crossAttentionMaps, StableDiffusionPipeline, showAttention } from "../../../lib/index.ts";
import recorded from "../../reference/attention.json" with { type: "json" };
import { writeTiny } from "../pipelines/tiny.ts";

let home: string;
let pipe: StableDiffusionPipeline;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-attention-"));
  pipe = await StableDiffusionPipeline.fromPretrained(await writeTiny(join(home, "tiny"), "unet", "DDIMScheduler"));
});
afterAll(async () => {
  pipe.close();
  await rm(home, { recursive: true, force: true });
});
const [width, height] = recorded.size as [number, number];
const run = { numInferenceSteps: 3, guidanceScale: 2.5, seed: 42, width, height, progress: false };
/** PyTorch's maps of a step for the tokens that it recorded, `[tokens][places]`. */
const theirs = (step: number) => {
  const places = recorded.shape[2]! * recorded.shape[3]!;
  const all = recorded.steps[step]!;
  return Array.from({ length: all.length / places }, (_, i) => all.slice(i * places, (i + 1) * places));
};
const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

describe("crossAttentionMaps", () => {
  it("gives the maps that PyTorch computes, step by step, for each word: one of three tokens as their mean", async () => {
    const before = await (await pipe.generate({ ...run, prompt: recorded.prompt })).latents.data();
    const seen = await crossAttentionMaps(pipe, recorded.prompt, run);
    expect(seen.tokens).toEqual(recorded.tokens);
    expect(seen.words).toEqual(["the", "cats", "and", "the", "moon"]);
    expect(seen.steps.shape).toEqual([3, 5, height / 8, width / 8]);
    const tokensOf = [[1], [2, 3, 4], [6], [7], [8]];
    for (const step of [0, 1, 2]) {
      for (const [word, tokens] of tokensOf.entries()) {
        const ours = await seen.steps.select(0, step).select(0, word).data();
        const parts = tokens.map((token) => theirs(step)[token]!);
        const right = parts[0]!.map((_, i) => parts.reduce((sum, part) => sum + part[i]!, 0) / parts.length);
        expect(worst(ours, right), `step ${step}, ${seen.words[word]}`).toBeLessThan(2e-6);
      }
    }
    expect(worst(await seen.maps.data(), await seen.steps.mean(0).data())).toBeLessThan(1e-6);
    for (const share of await seen.tokenMaps.sum(0).data()) expect(share).toBeCloseTo(1, 5);
    // Whoever looks changes nothing, and is gone afterwards.
    expect([seen.image.width, seen.image.height]).toEqual([width, height]);
    expect(worst(await (await pipe.generate({ ...run, prompt: recorded.prompt })).latents.data(), before)).toBe(0);
  });

  it("takes some layers alone, runs without guidance, and words that a prompt repeats", async () => {
    const options = { ...run, numInferenceSteps: 2, guidanceScale: 1 };
    const all = await crossAttentionMaps(pipe, "the moon", options);
    const up = await crossAttentionMaps(pipe, "the moon", { ...options, layers: /up_blocks/ });
    expect(worst(await all.maps.data(), await up.maps.data())).toBeGreaterThan(1e-6);
  });

  it("refuses layers that are none, prompts without words, and several of them; the next run works", async () => {
    await expect(crossAttentionMaps(pipe, "moon", { ...run, layers: /nowhere/ })).rejects.toThrow("matches /nowhere/");
    await expect(crossAttentionMaps(pipe, "...", run)).rejects.toThrow('the prompt "..." contains no words');
    await expect(crossAttentionMaps(pipe, ["a"] as never, run)).rejects.toThrow("expected a string");
    const stop = { ...run, signal: AbortSignal.abort() };
    await expect(crossAttentionMaps(pipe, "moon", stop)).rejects.toThrow("abort");
    const probs = [...pipe.unet.namedModules()].filter(([name]) => name.endsWith("attn2.probs"));
    expect(probs.some(([, module]) => Object.hasOwn(module, "forward"))).toBe(false);
  });
});

describe("showAttention", () => {
  it("shows the picture and a map for each word, with its largest share and where it is", async () => {
    const seen = await crossAttentionMaps(pipe, "the moon", { ...run, numInferenceSteps: 1 });
    const figure = showAttention(seen, { title: "where it looks" });
    const svg = await figure.svg();
    expect(svg.match(/<image/g)!.length).toBe(4);
    expect(await figure.alt()).toMatch(
      /^where it looks\. attention to each word: the, [\d.]+–[\d.]+ %, most at the (upper|middle|lower)/,
    );
    const byStep = await showAttention(seen, { step: 0 }).svg();
    expect(byStep).toContain("step 1 of 1");
    expect(() => showAttention(seen, { step: 3 })).toThrow("showAttention: step 3 of 1; expected 0 to 0");
    expect(() => showAttention(seen, { words: ["sun"] })).toThrow(
      'showAttention: no word "sun"; the prompt has the, moon',
    );
  });
});
