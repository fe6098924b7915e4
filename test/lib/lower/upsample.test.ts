import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { compile, loadTensors, manualSeed, noGrad, randn, saveTensors, type Tensor } from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { OnnxGraph } from "../../../lib/onnx/model.ts";
import { settings } from "../../../lib/runtime/settings.ts";

let home: string;
let weights: Record<string, Tensor>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-upsample-"));
  manualSeed(4);
  const path = join(home, "weights.safetensors");
  const [wide, small, five] = [randn([32, 16, 3, 3]), randn([5, 16, 3, 3]), randn([8, 16, 5, 5])];
  await saveTensors(path, { wide, small, five, half: wide.half(), bias: randn([32]) });
  weights = await loadTensors(path);
});
afterEach(() => {
  settings.tuned = true;
  vi.restoreAllMocks();
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** What `f` gives in the fast formulation and in the standard one, and whether the fast one enlarged an image. */
async function bothWays(f: () => Tensor) {
  const operations = vi.spyOn(OnnxGraph.prototype, "addMany");
  // Compiled: what runs once reads its weights as they lie, and sums none of them.
  const compiled = compile(() => noGrad(f));
  const fast = await compiled().data();
  compiled.close();
  const enlarged = operations.mock.calls.some(([type]) => type === "Resize");
  settings.tuned = false;
  const standard = await noGrad(f).data();
  const scale = Math.max(...standard.map(Math.abs));
  const worst = Math.max(...standard.map((v, i) => Math.abs(v - fast[i]!)));
  expect(fast.length).toBe(standard.length);
  return { worst: worst / scale, enlarged };
}

describe("a convolution behind nearest upsampling, with weights in a file, is computed from the small image", () => {
  it.each([
    [[2, 16, 8, 8], "wide"],
    [[1, 16, 5, 3], "wide"],
    [[3, 16, 1, 1], "wide"],
    [[1, 16, 4, 6], "small"],
    [[2, 16, 4, 6], "half"],
  ] as const)("%j, %s", async (shape, name) => {
    const x = randn(shape);
    const bias = name === "small" ? undefined : weights.bias;
    const f = () => F.conv2d(F.upsampleNearest(x, 2), weights[name]!.float(), bias, { padding: 1 });
    expect(await bothWays(f)).toEqual({ worst: expect.closeTo(0, 5), enlarged: false });
  });
});

describe("what is not of that kind is computed as it stands", () => {
  it.each([
    ["another factor", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 3), weights.wide!, weights.bias, { padding: 1 })],
    ["another kernel", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 2), weights.five!, undefined, { padding: 2 })],
    ["no padding", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 2), weights.wide!, weights.bias)],
    ["strides", (x: Tensor) => F.conv2d(F.upsampleNearest(x, 2), weights.wide!, undefined, { padding: 1, stride: 2 })],
  ])("%s", async (_, f) => {
    const x = randn([2, 16, 4, 4]);
    expect(await bothWays(() => f(x))).toEqual({ worst: expect.closeTo(0, 5), enlarged: true });
  });

  it("an enlarged image that is needed itself", async () => {
    const x = randn([2, 16, 4, 4]);
    const { worst } = await bothWays(() => {
      const large = F.upsampleNearest(x, 2);
      return F.conv2d(large, weights.wide!, weights.bias, { padding: 1 }).mean(1, true).add(large);
    });
    expect(worst).toBeCloseTo(0, 5);
  });
});
