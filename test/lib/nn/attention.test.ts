import { afterEach, describe, expect, it } from "vitest";
import { compile } from "../../../lib/compile/compile.ts";
import { scaledDotProductAttention } from "../../../lib/nn/functional/index.ts";
import { settings } from "../../../lib/runtime/settings.ts";
import { noGrad } from "../../../lib/tensor/grad.ts";
import { randn } from "../../../lib/tensor/random.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";

afterEach(() => {
  settings.tuned = true;
});

describe("attention for sampling", () => {
  it("is the same fused, plain, and in parts where the scores would not fit", async () => {
    // 2 heads of 6000 x 6000 scores take two parts in standard operators; 300 x 300 one.
    for (const tokens of [300, 6000]) {
      const [q, k, v] = [0, 1, 2].map(() => randn([1, 2, tokens, 4])) as [never, never, never];
      const results: Float32Array[] = [];
      for (const tuned of [true, false]) {
        settings.tuned = tuned;
        const attend = compile(() => noGrad(() => scaledDotProductAttention(q, k, v)));
        results.push((await (await attend()).data()) as Float32Array);
        attend.close();
      }
      const [fused, plain] = results as [Float32Array, Float32Array];
      expect(fused).toHaveLength(2 * tokens * 4);
      expect(Math.max(...fused.map((x, i) => Math.abs(x - plain[i]!)))).toBeLessThan(1e-5);
    }
  });

  it.each([0, 1e-60])("is the mean of the values with a scale of %d", async (scale) => {
    const [q, k, v] = [0, 1, 2].map(() => randn([1, 2, 30, 4])) as [Tensor, Tensor, Tensor];
    const out = await noGrad(() => scaledDotProductAttention(q, k, v, { scale })).data();
    const mean = await v.mean(2, true).expand(1, 2, 30, 4).data();
    expect(Math.max(...out.map((x, i) => Math.abs(x - mean[i]!)))).toBeLessThan(1e-5);
  });

  it.each([[[1, 1, 30, 4]], [[30, 4]]])("shares values of shape %j between heads", async (shape) => {
    const [q, k, v] = [randn([1, 2, 30, 4]), randn([1, 2, 30, 4]), randn(shape)];
    const out = await noGrad(() => scaledDotProductAttention(q, k, v)).data();
    const same = await noGrad(() => scaledDotProductAttention(q, k, v.expand(1, 2, 30, 4))).data();
    expect(Math.max(...out.map((x, i) => Math.abs(x - same[i]!)))).toBeLessThan(1e-5);
  });
});
