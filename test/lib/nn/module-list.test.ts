import { expect, it } from "vitest";
import { nn, type Tensor, zeros } from "../../../lib/index.ts";

class Tower extends nn.Module {
  readonly blocks = new nn.ModuleList([new nn.Linear(2, 3), new nn.Linear(3, 2)]);

  forward(x: Tensor): Tensor {
    return [...this.blocks].reduce((h, block) => block.forward(h), x);
  }
}

it("is a part whose modules are numbered in a checkpoint, as PyTorch's", () => {
  const tower = new Tower();
  expect(Object.keys(tower.stateDict())).toEqual([
    "blocks.0.weight",
    "blocks.0.bias",
    "blocks.1.weight",
    "blocks.1.bias",
  ]);
  expect(tower.forward(zeros([4, 2])).shape).toEqual([4, 2]);
  tower.blocks.append(new nn.Linear(2, 2));
  expect([tower.blocks.length, tower.numParameters()]).toEqual([3, 9 + 8 + 6]);
  expect(tower.blocks.at(-1)).toBe([...tower.blocks][2]);
  expect(tower.blocks.map((block) => block.weight.shape[0])).toEqual([3, 2, 2]);
  expect(tower.eval().blocks.at(0).training).toBe(false);
});

it("refuses what is no module, and an index that is not there", () => {
  const list = new nn.ModuleList();
  expect(() => list.append(5 as never)).toThrow("ModuleList: got number, expected an nn.Module");
  expect(() => list.at(0)).toThrow("ModuleList: at(0) of 0 modules");
});
