import { describe, expect, it } from "vitest";
import { compile, nn, optim, randn, type Tensor, tensor, zeros } from "../../../lib/index.ts";

class Masked extends nn.Module {
  weight = randn([2, 2]).requiresGrad_();
  mask = tensor([
    [1, 0],
    [1, 1],
  ]);
  seen = zeros([], { dtype: "int64" });
  cached: Tensor | null = null;

  forward(x: Tensor): Tensor {
    this.seen.add_(1);
    this.cached = this.weight.mul(this.mask);
    return x.matmul(this.cached);
  }
}

const names = (entries: Iterable<[string, unknown]>) => Array.from(entries, ([name]) => name);

describe("what of a module is a parameter", () => {
  it("a tensor with gradients is one, also while it is frozen; masks, counters and results are none", async () => {
    const net = new Masked();
    const x = tensor([[1, 2]]);
    net.forward(x);
    expect(names(net.namedParameters())).toEqual(["weight"]);
    expect(names(net.namedBuffers())).toEqual(["mask", "seen"]);
    expect(Object.keys(net.stateDict())).toEqual(["weight", "mask", "seen"]);
    expect(net.numParameters()).toBe(4);
    net.requiresGrad_(false);
    expect(names(net.namedParameters())).toEqual(["weight"]);
    net.requiresGrad_(true);
    expect([net.weight.requiresGrad, net.mask.requiresGrad]).toEqual([true, false]);
    const ema = new optim.EMA(net);
    ema.update();
    const opt = new optim.SGD(net.parameters(), { lr: 1 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).sum().backward();
      opt.step();
      ema.update();
    });
    await step(x);
    await step(x);
    expect(await net.seen.item()).toBe(3);
    expect(await net.mask.tolist()).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(Object.keys(net.stateDict())).toEqual(["weight", "mask", "seen"]);
  });

  it("nn.Parameter is one from the start, registerBuffer's is none whatever becomes of it", async () => {
    class Net extends nn.Module {
      declare table: Tensor;
      declare scratch: Tensor;
      scale = new nn.Parameter(tensor([2]));
      fixed = new nn.Parameter(tensor([3]), false);

      constructor() {
        super();
        this.registerBuffer("table", tensor([1, 2]));
        this.registerBuffer("scratch", zeros([4]), { persistent: false });
      }
    }
    const net = new Net();
    expect(names(net.namedParameters())).toEqual(["scale", "fixed"]);
    expect([net.scale.requiresGrad, net.fixed.requiresGrad]).toEqual([true, false]);
    net.table.requiresGrad_(true);
    expect(names(net.namedParameters())).toEqual(["scale", "fixed"]);
    expect(Object.keys(net.stateDict())).toEqual(["scale", "fixed", "table"]);
    net.requiresGrad_(true);
    net.scale.mul(net.fixed).sum().backward();
    expect([await net.scale.grad!.item(), await net.fixed.grad!.item()]).toEqual([3, 2]);
    const other = new Net();
    other.loadStateDict({ ...net.stateDict(), scale: tensor([7]) });
    expect(await other.scale.item()).toBe(7);
  });

  it("a copy of a weight, cut off by detach(), can be trained on its own", async () => {
    const w = tensor([3], { requiresGrad: true });
    const copy = w.detach().requiresGrad_();
    copy.square().sum().backward();
    expect([await copy.grad!.item(), w.grad]).toEqual([6, null]);
    expect(() => w.mul(2).requiresGrad_(false)).toThrow(/is a result/);
  });

  it("two fields of one name in the checkpoint are refused, of tensors, parts and lists alike", () => {
    class Two extends nn.Module {
      aB = tensor([1], { requiresGrad: true });
      a_b = tensor([2], { requiresGrad: true });
    }
    class Parts extends nn.Module {
      convIn = new nn.Linear(1, 1);
      conv_in = [new nn.Linear(1, 1)];
    }
    for (const net of [new Two(), new Parts()]) {
      const message = /the fields \w+ and \w+ would have the same name in a checkpoint, "\w+"; rename one of them/;
      expect(() => net.stateDict()).toThrow(message);
      expect(() => net.parameters()).toThrow(message);
    }
  });

  it("a part may refer to its parent, to its sibling, and be shared", async () => {
    class Child extends nn.Module {
      layer = new nn.Linear(1, 1, { bias: false });
      parent: nn.Module | null = null;
      sibling: nn.Module | null = null;
    }
    class Parent extends nn.Module {
      left = new Child();
      right = new Child();
      shared = this.left.layer;

      constructor() {
        super();
        this.left.parent = this;
        this.right.parent = this;
        this.left.sibling = this.right;
        this.right.sibling = this.left;
      }
    }
    const net = new Parent();
    expect(net.numParameters()).toBe(2);
    expect(names(net.namedModules())).toEqual(["", "left", "left.layer", "left.sibling", "left.sibling.layer"]);
    expect(Object.keys(net.stateDict())).toContain("shared.weight");
    net.eval();
    expect(net.right.layer.training).toBe(false);
    expect(String(net)).toContain("(parent): Parent(as above)");
    const other = new Parent();
    other.loadStateDict(net.stateDict());
    expect(await other.right.layer.weight.item()).toBe(await net.right.layer.weight.item());
    await net.to("cpu");
    net.requiresGrad_(false).requiresGrad_(true).zeroGrad();
  });

  it("a state of its own values in another order is loaded as it was", async () => {
    class Pair extends nn.Module {
      a = tensor([1], { requiresGrad: true });
      b = tensor([2], { requiresGrad: true });
    }
    const net = new Pair();
    net.loadStateDict({ a: net.b, b: net.a });
    expect([await net.a.item(), await net.b.item()]).toEqual([2, 1]);
  });
});
