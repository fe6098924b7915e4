import { describe, expect, it } from "vitest";
import { manualSeed, nn, type Tensor, zeros } from "../../../lib/index.ts";
import recorded from "../../reference/init.json" with { type: "json" };

const { init } = nn;

const draw: Record<keyof typeof recorded.weights, (weight: Tensor) => Tensor> = {
  uniform_: (w) => init.uniform_(w, -0.5, 2),
  normal_: (w) => init.normal_(w, 1, 0.1),
  truncNormal_: (w) => init.truncNormal_(w, { std: 0.5, a: -0.6, b: 1 }),
  "truncNormal_ in a tail": (w) => init.truncNormal_(w, { a: 1.5, b: 3 }),
  xavierUniform_: (w) => init.xavierUniform_(w, 2),
  xavierNormal_: (w) => init.xavierNormal_(w),
  kaimingUniform_: (w) => init.kaimingUniform_(w, { a: 0.2 }),
  kaimingNormal_: (w) => init.kaimingNormal_(w, { mode: "fan_out", nonlinearity: "relu" }),
  orthogonal_: (w) => init.orthogonal_(w, 2),
  "orthogonal_ of a convolution": (w) => init.orthogonal_(w),
  eye_: (w) => init.eye_(w),
  constant_: (w) => init.constant_(w, 3),
};

describe("nn.init in place", () => {
  it.each(Object.entries(recorded.weights))(
    "%s draws what PyTorch draws, and returns the tensor itself",
    async (name, { shape, values }) => {
      const weight = zeros(shape).requiresGrad_();
      manualSeed(recorded.seed);
      expect(draw[name as keyof typeof draw](weight)).toBe(weight);
      const got = await weight.data();
      expect(Math.max(...values.map((value, i) => Math.abs(value - got[i]!)))).toBeLessThan(1e-5);
      expect(weight.requiresGrad).toBe(true);
    },
  );

  it("a layer's parameter is drawn anew, and is trained from there", async () => {
    const layer = new nn.Linear(3, 2);
    init.ones_(layer.weight);
    init.zeros_(layer.bias!);
    const out = layer.forward(zeros([1, 3]).add(2));
    expect(await out.tolist()).toEqual([[6, 6]]);
    out.sum().backward();
    expect(await layer.weight.grad!.tolist()).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
  });

  it("gains are PyTorch's", () => {
    for (const [name, gain] of Object.entries(recorded.gains)) {
      expect(init.calculateGain(name as "relu")).toBeCloseTo(gain, 12);
    }
  });

  it("says what it cannot do", () => {
    expect(() => init.kaimingNormal_(zeros([3]))).toThrow("kaimingNormal_: got [3], expected two dimensions or more");
    expect(() => init.kaimingNormal_(zeros([3, 3]), { mode: "fanIn" as "fan_in" })).toThrow(/"fan_in" or "fan_out"/);
    expect(() => init.eye_(zeros([2, 2, 2]))).toThrow("eye_: got [2, 2, 2], expected a matrix");
  });
});
