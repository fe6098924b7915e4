import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { loadTensors, manualSeed, noGrad, randn, saveTensors, type Tensor } from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { OnnxGraph } from "../../../lib/onnx/model.ts";
import { settings } from "../../../lib/runtime/settings.ts";

let home: string;
let weights: Record<string, Tensor>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-tall-"));
  manualSeed(4);
  const path = join(home, "weights.safetensors");
  // Convolutions decide whether a network counts as one whose weights are constants; here there are none.
  await saveTensors(path, { weight: randn([24, 1024]), bias: randn([24]) });
  weights = await loadTensors(path);
});
afterEach(() => {
  settings.tuned = true;
  vi.restoreAllMocks();
});
afterAll(() => rm(home, { recursive: true, force: true }));

it.each([
  ["some rows at a time where its input is large", [2, 4096, 1024], true],
  ["in one piece where it is small", [2, 40, 1024], false],
  ["in one piece where its rows cannot be shared out evenly", [1, 8209, 1024], false],
])("a tall matrix is multiplied %s", async (_, shape, parted) => {
  const x = randn(shape);
  const call = () => noGrad(() => F.linear(x, weights.weight!, weights.bias)).data();
  const written = vi.spyOn(OnnxGraph.prototype, "addMany");
  const out = await call();
  expect(written.mock.calls.some(([type]) => type === "Scan")).toBe(parted);
  settings.tuned = false;
  const expected = await call();
  expect(out.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < out.length; i++) worst = Math.max(worst, Math.abs(out[i]! - expected[i]!));
  expect(worst).toBeLessThan(1e-3);
});
