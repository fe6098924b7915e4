import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { compile, loadTensors, noGrad, saveTensors, type Tensor } from "../../../lib/index.ts";
import { OnnxGraph } from "../../../lib/onnx/model.ts";
import { settings } from "../../../lib/runtime/settings.ts";

/** Tensors that lie in a file, until `remove`. */
export async function inFile(tensors: Record<string, Tensor>) {
  const folder = await mkdtemp(join(tmpdir(), "difflab-both-ways-"));
  const path = join(folder, "weights.safetensors");
  await saveTensors(path, tensors);
  return { weights: await loadTensors(path), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** How far the fast formulation of `f` is from the standard one, how large that is, and which operations the fast one consists of. */
export async function bothWays(f: () => Tensor) {
  const added = vi.spyOn(OnnxGraph.prototype, "addMany");
  // Compiled: what runs once reads its weights as they lie, and sums none of them.
  const compiled = compile(() => noGrad(f));
  const fast = await compiled().data();
  compiled.close();
  const operations = new Set(added.mock.calls.map(([type]) => type));
  added.mockRestore();
  settings.tuned = false;
  try {
    const standard = await noGrad(f).data();
    expect(fast.length).toBe(standard.length);
    let [worst, scale] = [0, 0];
    for (let i = 0; i < standard.length; i++) {
      worst = Math.max(worst, Math.abs(standard[i]! - fast[i]!));
      scale = Math.max(scale, Math.abs(standard[i]!));
    }
    return { worst, scale, operations };
  } finally {
    settings.tuned = true;
  }
}
