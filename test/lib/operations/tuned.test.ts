import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { manualSeed, noGrad, randn, realize, type Tensor } from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { Conv2d, ConvTranspose2d, GroupNorm } from "../../../lib/nn/index.ts";
import { settings } from "../../../lib/runtime/settings.ts";

/** What a network of one part gives, and its gradients for the input and all weights. */
type Case = () => { x: Tensor; parameters: readonly Tensor[]; forward: (x: Tensor) => Tensor };

/** A convolution that halves the image. */
function halving(from: number, to: number, kernel: number, padding: number): Case {
  return () => {
    const conv = new Conv2d(from, to, kernel, { stride: 2, padding });
    return { x: randn([2, from, 12, 16]), parameters: conv.parameters(), forward: (x) => conv.forward(x) };
  };
}

/** A transposed convolution that doubles it. */
function doubling(from: number, to: number, kernel: number, padding: number): Case {
  return () => {
    const conv = new ConvTranspose2d(from, to, kernel, { stride: 2, padding, outputPadding: kernel % 2 });
    return { x: randn([2, from, 6, 8]), parameters: conv.parameters(), forward: (x) => conv.forward(x) };
  };
}

function convolution(batch: number, from: number, to: number, h: number, w: number, upsample = false): Case {
  return () => {
    const conv = new Conv2d(from, to, 3, { padding: 1 });
    const forward = (x: Tensor) => conv.forward(upsample ? F.upsampleNearest(x, 2) : x);
    return { x: randn([batch, from, h, w]), parameters: conv.parameters(), forward };
  };
}

function normalisation(batch: number, channels: number, h: number, w: number): Case {
  return () => {
    const norm = new GroupNorm(4, channels);
    return {
      x: randn([batch, channels, h, w]).mul(3).add(1),
      parameters: norm.parameters(),
      forward: (x) => norm.forward(x).silu(),
    };
  };
}

async function gradients(make: Case): Promise<number[][]> {
  manualSeed(7);
  const { x, parameters, forward } = make();
  const input = x.detach().requiresGrad_();
  const out = forward(input);
  out
    .mul(noGrad(() => randn(out.shape)))
    .sum()
    .backward();
  const all = [out, input.grad!, ...parameters.map((p) => p.grad!)];
  await realize(...all);
  return Promise.all(all.map(async (t) => Array.from((await t.data()) as Float32Array)));
}

describe("formulations that are fast on the CPU give what the standard operators give", () => {
  beforeEach(() => {
    settings.tuned = true;
  });
  afterAll(() => {
    settings.tuned = true;
    settings.block = undefined;
  });

  const cases: Record<string, Case> = {
    "rows of one block": convolution(2, 16, 32, 16, 16),
    "rows of two blocks": convolution(3, 32, 16, 8, 32),
    "rows of half a block, several images a product": convolution(6, 16, 16, 8, 8),
    "whole rows of small images": convolution(6, 16, 16, 4, 16),
    "a batch that no number but itself divides": convolution(7, 16, 16, 8, 8),
    "rows of one and a half blocks": convolution(2, 16, 16, 6, 24),
    "odd sizes that blocks do not fit": convolution(2, 16, 16, 5, 7),
    "a tall image": convolution(2, 16, 16, 48, 16),
    "few channels in": convolution(2, 1, 16, 16, 16),
    "few channels out": convolution(2, 16, 1, 16, 16),
    "channels that are no whole blocks": convolution(2, 20, 24, 16, 16),
    "channels that are no whole blocks, small images": convolution(3, 20, 24, 8, 8),
    "few channels in, no whole blocks out": convolution(2, 3, 20, 16, 16),
    "one image": convolution(1, 16, 16, 16, 16),
    "an upsampled image": convolution(2, 16, 32, 8, 8, true),
    "an upsampled image with few channels": convolution(2, 3, 5, 4, 6, true),
    "an upsampled image of odd size": convolution(2, 16, 16, 5, 3, true),
    "a halved image": halving(16, 32, 3, 1),
    "a halved image with few channels": halving(3, 5, 3, 1),
    "an image halved by kernels of 2": halving(16, 16, 2, 0),
    "an image halved by kernels of 4": halving(16, 16, 4, 1),
    "an image halved by kernels of 5": halving(4, 16, 5, 2),
    "an image halved by kernels of 1": halving(16, 16, 1, 0),
    "a doubled image": doubling(32, 16, 4, 1),
    "an image doubled by kernels of 2": doubling(16, 16, 2, 0),
    "an image doubled by kernels of 3": doubling(5, 3, 3, 1),
    "a normalisation of large groups": normalisation(2, 16, 16, 16),
    "a normalisation of small groups": normalisation(2, 8, 4, 4),
  };
  const layouts = { "in the machine's own layout of images": undefined, "without such a layout": 0 } as const;
  for (const [name, make] of Object.entries(cases)) {
    it.each(Object.entries(layouts))(`for ${name}, %s`, async (_, block) => {
      settings.block = block;
      const fast = await gradients(make);
      settings.tuned = false;
      const standard = await gradients(make);
      for (const [i, expected] of standard.entries()) {
        const scale = Math.max(...expected.map(Math.abs));
        const worst = Math.max(...expected.map((v, k) => Math.abs(v - fast[i]![k]!)));
        expect(fast[i]!.length).toBe(expected.length);
        expect(worst / scale, `number ${i} of output, input's gradient, weights' gradients`).toBeLessThan(2e-5);
      }
    });
  }
});
