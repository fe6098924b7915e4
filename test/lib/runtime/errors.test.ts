import { describe, expect, it } from "vitest";
import type { Tensor } from "../../../lib/index.ts";
import { compile, nn, randn, tensor, zeros } from "../../../lib/index.ts";

const { functional: F } = nn;
const usable = async () => expect(await tensor([1]).add(1).item()).toBe(2);

describe("what goes wrong while computing", () => {
  it("for lack of memory names the largest tensor, and the process stays usable", async () => {
    const huge = randn([300_000, 1]).add(randn([1, 300_000]));
    await expect(huge.sum().item()).rejects.toThrow(
      /not enough memory; the largest tensor of this computation is .* \[300000,300000\], 340 GiB/,
    );
    await expect(huge.data()).rejects.toThrow(/not enough memory/);
    await usable();
  });

  it("for an index that is only known then is named with its range", async () => {
    const index = tensor([1, 9], { dtype: "int64" }).add(0);
    await expect(randn([5]).indexSelect(0, index).data()).rejects.toThrow(
      "index 9 is out of range; the indexed dimension has 5 elements, 0 to 4",
    );
    await usable();
  });

  it("in an operation says which", async () => {
    const zero = tensor([0], { dtype: "int64" }).add(0);
    await expect(tensor([1], { dtype: "int64" }).remainder(zero).data()).rejects.toThrow(/^Mod: .*zero/i);
    await usable();
  });
});

describe("layers and losses", () => {
  const cases: [string, () => unknown, RegExp][] = [
    [
      "channels",
      () => F.conv2d(randn([1, 3, 64, 64]), randn([320, 4, 3, 3])),
      /conv2d: input \[1, 3, 64, 64\] \(NCHW\) has 3 channels, weight \[320, 4, 3, 3\] expects 4/,
    ],
    ["kernel", () => F.conv2d(randn([1, 1, 2, 2]), randn([1, 1, 3, 3])), /the kernel 3x3 .* does not fit into 2x2/],
    [
      "stride",
      () => F.conv2d(randn([1, 1, 4, 4]), randn([1, 1, 3, 3]), null, { stride: 0 }),
      /stride is 0, expected an integer of at least 1/,
    ],
    [
      "features",
      () => F.linear(randn([2, 3]), randn([5, 4])),
      /ends in 3 features, weight \[5, 4\] \(\[out, in\]\) expects 4/,
    ],
    [
      "groups",
      () => F.groupNorm(randn([1, 6, 2, 2]), 4, randn([6]), randn([6])),
      /has 6 channels, which 4 groups do not divide/,
    ],
    ["classes", () => F.crossEntropy(randn([2, 3]), tensor([0, 7], { dtype: "int64" })), /index 7 is out of range/],
    ["class dtype", () => F.crossEntropy(randn([2, 3]), tensor([0, 1])), /use \.long\(\)/],
    [
      "targets",
      () => F.mseLoss(randn([2, 3]), randn([3, 2])),
      /input \[2, 3\] and target \[3, 2\] must have the same shape/,
    ],
    [
      "attention",
      () => F.scaledDotProductAttention(randn([1, 2, 3, 4]), randn([1, 2, 3, 5]), randn([1, 2, 3, 4])),
      /query .* key .* do not match/,
    ],
    ["probability", () => F.dropout(randn([2]), 1.5), /p is 1.5, expected a probability from 0 to 1/],
    ["token", () => new nn.Embedding(4, 2).forward(tensor([4], { dtype: "int64" })), /index 4 is out of range/],
    ["operand", () => zeros([2]).add(undefined as never), /got undefined, expected a tensor or a number/],
  ];
  for (const [name, f, message] of cases)
    it(`refuse at once what does not fit: ${name}`, () => expect(f).toThrow(message));

  it("refuse a tensor that lies elsewhere, in a compiled function too", async () => {
    const weight = tensor([1]);
    const f = compile((x: Tensor) => x.add(weight));
    await f(tensor([1]));
    await expect(f(tensor([1], { device: "webgpu" }))).rejects.toThrow(/is on "webgpu", the function runs on "cpu"/);
    await usable();
  });

  it("give what fused attention gives where its gradient is asked for", async () => {
    const [q, k, v] = [randn([2, 2, 5, 8]), randn([2, 2, 7, 8]), randn([2, 2, 7, 8])] as const;
    const fused = F.scaledDotProductAttention(q, k, v);
    const trained = F.scaledDotProductAttention(q.detach().requiresGrad_(), k, v);
    expect(await fused.sub(trained).abs().max().item()).toBeLessThan(1e-6);
  });
});
