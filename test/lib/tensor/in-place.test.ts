import { describe, expect, it } from "vitest";
import { noGrad, tensor, zeros } from "../../../lib/index.ts";

describe("a change in place", () => {
  it("keeps the gradient of a result", async () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const y = w.mul(3);
    y.add_(1);
    expect(await y.tolist()).toEqual([4, 7]);
    y.square().sum().backward();
    expect(await w.grad!.tolist()).toEqual([24, 42]);
  });

  it("counts for what is computed afterwards, not before", async () => {
    const w = tensor([2], { requiresGrad: true });
    const y = w.mul(3);
    const before = y.square();
    y.mul_(2);
    before.add(y).sum().backward();
    // 9 w^2 + 6 w
    expect(await w.grad!.tolist()).toEqual([42]);
  });

  it("ends the gradient where the new values have none", async () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const y = w.mul(3);
    y.zero_();
    expect(y.requiresGrad).toBe(false);
    expect(await y.tolist()).toEqual([0, 0]);
    const z = w.mul(3);
    noGrad(() => z.mul_(2));
    expect(await z.tolist()).toEqual([6, 12]);
  });

  it("takes over the gradient of the new values", async () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const sum = zeros([2]);
    sum.add_(w.mul(5));
    sum.add_(w);
    expect(sum.requiresGrad).toBe(true);
    sum.sum().backward();
    expect(await w.grad!.tolist()).toEqual([6, 6]);
    const copy = zeros([2]);
    copy.copy_(w.mul(2));
    w.grad = null;
    copy.sum().backward();
    expect(await w.grad!.tolist()).toEqual([2, 2]);
  });

  it("of a parameter changes its values only, and refuses those whose gradient would be lost", async () => {
    const w = tensor([1, 2], { requiresGrad: true });
    w.mul_(2);
    w.sub_(tensor([1, 0]));
    w.mul(3).sum().backward();
    expect(await w.tolist()).toEqual([1, 4]);
    expect(await w.grad!.tolist()).toEqual([3, 3]);
    const v = tensor([1, 2], { requiresGrad: true });
    expect(() => w.copy_(v.mul(2))).toThrow("the gradient of the new values would be lost");
    expect(() => w.add_(v)).toThrow("the gradient of the new values would be lost");
    noGrad(() => w.copy_(v));
    expect(await w.tolist()).toEqual([1, 2]);
  });
});
