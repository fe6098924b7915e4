import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compile, loadTensors, nn, ones, optim, saveTensors } from "../../../lib/index.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-stepped-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

it.each(["float32", "float16"] as const)(
  "a %s weight from a file that an optimizer steps takes one session, not two",
  async (dtype) => {
    const path = join(home, `${dtype}.safetensors`);
    await saveTensors(path, { weight: ones([1, 4]) }, { dtype });
    const layer = new nn.Linear(4, 1, { bias: false });
    layer.loadStateDict(await loadTensors(path));
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.5 });
    const step = compile(() => {
      optimizer.zeroGrad();
      const loss = layer.forward(ones([1, 4])).sum();
      loss.backward();
      optimizer.step();
      return loss.detach();
    });
    expect([await step().item(), await step().item(), await step().item()]).toEqual([4, 2, 0]);
    expect(step.traces).toBe(1);
    expect(await layer.weight.tolist()).toEqual([[-0.5, -0.5, -0.5, -0.5]]);
  },
);
