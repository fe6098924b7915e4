import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digitJudge, digits, Generator, grad, mnist, nn, randn, SmallUNet, tensor, zeros } from "../../../lib/index.ts";

const folder = join(import.meta.dirname, "../../../../shared/data/mnist");

describe("the judge of digits", () => {
  test("is sure of clear digits, in doubt about poor ones, and takes noise for none", async () => {
    const judge = await digitJudge();
    const generator = new Generator(5);
    const clear = tensor(digits({ n: 100, seed: 77 }).batch().images, [100, 1, 28, 28]);
    const noise = randn([100, 1, 28, 28], { generator });
    const likeness = async (x: typeof clear) =>
      [...((await judge.score(x).data()) as Float32Array)].sort((a, b) => a - b);
    expect((await likeness(clear))[5]).toBeGreaterThan(0.9);
    const poor = await likeness(clear.mul(0.6).add(noise.mul(0.36)));
    expect(poor[50]).toBeGreaterThan(0.35);
    expect(poor[50]).toBeLessThan(0.65);
    expect((await likeness(noise.mul(0.6)))[95]).toBeLessThan(0.1);
    expect((await likeness(zeros([1, 1, 28, 28])))[0]).toBeLessThan(0.1);
  });

  test.skipIf(!existsSync(folder))(
    "names 93 % and more of real MNIST digits, of which it has seen none (skipped where ../shared/data/mnist is absent)",
    async () => {
      const judge = await digitJudge();
      const real = (await mnist({ folder, split: "test" })).slice(0, 2000);
      const { images, shape } = real.batch();
      const found = await judge.classify(tensor(images, shape)).argmax(1).data();
      const right = [...real.labels].filter((label, i) => Number(found[i]) === label).length;
      expect(right / real.length).toBeGreaterThan(0.93);
    },
  );

  test("gives a scalar for one picture, whose gradient is a picture", async () => {
    const judge = await digitJudge();
    const x = randn([28, 28], { generator: new Generator(1) });
    expect(judge.score(x).shape).toEqual([]);
    expect(judge.classify(x).shape).toEqual([10]);
    expect(judge.score(x.unsqueeze(0)).shape).toEqual([1]);
    const slope = grad((each: typeof x) => judge.score(each))(x);
    expect(slope.shape).toEqual([28, 28]);
    expect(await slope.norm().item()).toBeGreaterThan(0);
    expect(judge.parameters().every((parameter) => !parameter.requiresGrad)).toBe(true);
  });

  test("refuses pictures of another size, and says which it takes", async () => {
    const judge = await digitJudge();
    expect(() => judge.score(zeros([3, 28, 28, 1]))).toThrow(
      "DigitJudge: got [3, 28, 28, 1], expected [b, 1, 28, 28], [b, 28, 28] or [28, 28]",
    );
    expect(() => judge.score(zeros([784]))).toThrow("DigitJudge: got [784]");
    await expect(digitJudge("/nowhere/judge.safetensors")).rejects.toThrow("/nowhere/judge.safetensors");
  });
});

describe("outputShapes", () => {
  test("names what each part gives out, without computing, and leaves the network as it was", () => {
    const model = new nn.Sequential(new nn.Conv2d(1, 4, 3, { stride: 2, padding: 1 }), new nn.SiLU(), new nn.Flatten());
    const before = Object.keys(model.stateDict());
    const shapes = nn.outputShapes(model, () => model.forward(zeros([2, 1, 8, 8])));
    expect(Object.values(shapes)).toEqual([
      [2, 4, 4, 4],
      [2, 4, 4, 4],
      [2, 64],
      [2, 64],
    ]);
    expect(Object.keys(shapes).at(-1)).toBe("");
    expect(Object.keys(model.stateDict())).toEqual(before);
    expect(Object.getOwnPropertyNames(model)).not.toContain("forward");
    expect(() => nn.outputShapes(model, () => model.forward(zeros([2, 3, 8, 8])))).toThrow("channels");
    expect(Object.getOwnPropertyNames(model)).not.toContain("forward");
  });

  test("gives a small U-Net's levels as drawUNet takes them", () => {
    expect(new SmallUNet({ channels: [8, 16, 24], blocks: 1 }).shapes([1, 28, 28])).toEqual({
      input: [1, 28, 28],
      down: [
        [8, 28, 28],
        [16, 14, 14],
        [24, 7, 7],
      ],
      middle: [24, 7, 7],
      up: [
        [8, 28, 28],
        [16, 14, 14],
        [24, 7, 7],
      ],
      output: [1, 28, 28],
    });
    const patched = new SmallUNet({ channels: [16, 32], blocks: 1, inChannels: 3, patch: 2 });
    expect(patched.convIn.weight.shape).toEqual([16, 12, 3, 3]);
    expect(patched.shapes([3, 28, 28])).toMatchObject({
      input: [3, 28, 28],
      down: [
        [16, 14, 14],
        [32, 7, 7],
      ],
      output: [3, 28, 28],
    });
  });

  test("says which sides a small U-Net can halve", () => {
    expect(() => new SmallUNet({ patch: 2 }).shapes([1, 28, 28])).toThrow(
      "SmallUNet: the images are [1, 1, 28, 28]; with 3 levels and patches of 2 x 2 pixels, height and width must be multiples of 8",
    );
    expect(() => new SmallUNet().shapes([1, 30, 28])).toThrow("must be multiples of 4");
  });
});
