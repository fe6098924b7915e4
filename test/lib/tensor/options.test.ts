import { describe, expect, it } from "vitest";
import * as d from "../../../lib/index.ts";

const { nn, tensor } = d;
const float16 = { dtype: "float16" } as const;

describe("options that are taken and ignored", () => {
  const wrong = { dtpye: "int64" } as never;
  const functions: Record<string, (options: never) => unknown> = {
    tensor: (options) => d.tensor([1], options),
    zeros: (options) => d.zeros([1], options),
    ones: (options) => d.ones([1], options),
    full: (options) => d.full([1], 2, options),
    zerosLike: (options) => d.zerosLike(d.zeros([1]), options),
    onesLike: (options) => d.onesLike(d.zeros([1]), options),
    fullLike: (options) => d.fullLike(d.zeros([1]), 2, options),
    arange: (options) => d.arange(2, options),
    linspace: (options) => d.linspace(0, 1, 3, options),
    eye: (options) => d.eye(2, options),
    randn: (options) => d.randn([1], options),
    rand: (options) => d.rand([1], options),
    randint: (options) => d.randint(0, 2, [1], options),
    randperm: (options) => d.randperm(3, options),
    randnLike: (options) => d.randnLike(d.zeros([1]), options),
    randLike: (options) => d.randLike(d.zeros([1]), options),
  };
  for (const [name, f] of Object.entries(functions)) {
    it(`are refused by ${name}: unknown names, devices and dtypes`, () => {
      expect(() => f(wrong)).toThrow("unknown option dtpye; expected one of dtype, device, requiresGrad");
      expect(() => f({ device: "bogus" } as never)).toThrow(
        'unknown device "bogus"; expected one of cpu, webgpu, cuda, coreml, dml',
      );
      expect(() => f({ dtype: "float64" } as never)).toThrow(/unknown dtype "float64"; difflab computes in float32/);
      expect(() => f({ requires_grad: true } as never)).toThrow(
        "unknown option requires_grad; it is called requiresGrad here",
      );
      expect((f({ device: "webgpu" } as never) as d.Tensor).device).toBe("webgpu");
      expect((f({ device: "cpu" } as never) as d.Tensor).device).toBe("cpu");
    });
  }

  const layers: Record<string, (options: never) => unknown> = {
    Linear: (o) => new nn.Linear(2, 2, o),
    Conv2d: (o) => new nn.Conv2d(2, 2, 3, o),
    ConvTranspose2d: (o) => new nn.ConvTranspose2d(2, 2, 3, o),
    GroupNorm: (o) => new nn.GroupNorm(1, 2, o),
    InstanceNorm2d: (o) => new nn.InstanceNorm2d(2, o),
    LayerNorm: (o) => new nn.LayerNorm(2, o),
    RMSNorm: (o) => new nn.RMSNorm(2, o),
    BatchNorm2d: (o) => new nn.BatchNorm2d(2, o),
    BatchNorm1d: (o) => new nn.BatchNorm1d(2, o),
    MaxPool2d: (o) => new nn.MaxPool2d(2, o),
    AvgPool2d: (o) => new nn.AvgPool2d(2, o),
    Dropout: (o) => new nn.Dropout(0.5, o),
    DataLoader: (o) => new d.DataLoader({ length: 3, tensors: () => [] }, o),
    conv2d: (o) => nn.functional.conv2d(d.zeros([1, 1, 3, 3]), d.zeros([1, 1, 2, 2]), null, o),
    convTranspose2d: (o) => nn.functional.convTranspose2d(d.zeros([1, 1, 3, 3]), d.zeros([1, 1, 2, 2]), null, o),
    sum: (o) => d.zeros([2]).sum(0, o),
    std: (o) => d.zeros([2]).std(0, o),
    norm: (o) => d.zeros([2]).norm(2, 0, o),
  };
  for (const [name, make] of Object.entries(layers)) {
    it(`are refused by ${name}`, () => {
      expect(() => make({ bogus: 1 } as never)).toThrow(/unknown option bogus; expected one of|there are no options/);
    });
  }

  it("are refused by what reads and writes files", async () => {
    await expect(d.saveTensors("/tmp/x", {}, { format: "pt" } as never)).rejects.toThrow("saveTensors: unknown option");
    await expect(d.loadTensors("/tmp/x", { device: "cpu" } as never)).rejects.toThrow("loadTensors: unknown option");
  });
});

describe("numbers given as text", () => {
  it("are refused", () => {
    expect(() => d.arange(0, "10" as never)).toThrow('arange: end is "10", expected a number');
    expect(() => d.arange(0, 10, "2" as never)).toThrow('arange: step is "2"');
    expect(() => d.linspace("0" as never, 1, 3)).toThrow('linspace: start is "0"');
    expect(() => d.full([2], "7" as never)).toThrow('full: value is "7"');
    expect(() => d.randint(0, "10" as never, [2])).toThrow('randint: high is "10"');
    expect(() => new nn.Dropout("0.5" as never)).toThrow('Dropout: p is "0.5", expected a number');
    expect(() => new nn.Linear("2" as never, 2)).toThrow('Linear: inFeatures is "2", expected an integer');
    expect(() => new nn.GroupNorm(1, 2, { eps: "1e-5" as never })).toThrow('GroupNorm: eps is "1e-5"');
    expect(() => tensor([1]).clamp("0" as never)).toThrow('clamp: min is "0"');
    expect(() => tensor([1]).add("1" as never)).toThrow("expected a tensor or a number");
    expect(() => new d.DataLoader({ length: 3, tensors: () => [] }, { batchSize: "2" as never })).toThrow("batchSize");
    expect(() => new nn.Conv2d(1, 1, "3" as never)).toThrow('Conv2d: kernelSize is "3"');
    expect(() => nn.functional.maxPool2d(d.zeros([1, 1, 4, 4]), 2, { stride: "2" as never })).toThrow('stride is "2"');
  });
});

describe("dtypes and devices that are asked for", () => {
  it("are those of random numbers", async () => {
    for (const draw of [d.randn, d.rand]) {
      d.manualSeed(3);
      const x = draw([20], float16);
      expect(x.dtype).toBe("float16");
      d.manualSeed(3);
      const wide = await draw([20]).data();
      const half = await x.data();
      for (const [i, v] of [...wide].entries()) expect(Math.abs(v - half[i]!)).toBeLessThan(2e-3);
      expect(() => draw([2], { dtype: "int64" })).toThrow("got dtype int64, expected one of float32, float16");
    }
    // PyTorch's own: torch.manual_seed(0); torch.randint(0, 10, (6,)), torch.randperm(6)
    for (const dtype of ["float32", "float16", "int32", "uint8", "int64"] as const) {
      d.manualSeed(0);
      const x = d.randint(0, 10, [6], { dtype });
      expect(x.dtype).toBe(dtype);
      expect(await x.tolist()).toEqual([4, 9, 3, 0, 3, 9]);
      d.manualSeed(0);
      const order = d.randperm(6, { dtype });
      expect(order.dtype).toBe(dtype);
      expect(await order.tolist()).toEqual([2, 5, 3, 0, 1, 4]);
    }
  });

  it("are those of the tensor that another is made like", () => {
    const x = d.zeros([2, 3], { dtype: "float16", device: "webgpu" });
    for (const like of [d.randnLike, d.randLike, d.zerosLike, d.onesLike]) {
      const y = like(x);
      expect([y.shape, y.dtype, y.device]).toEqual([[2, 3], "float16", "webgpu"]);
      expect(like(x, { dtype: "float32" }).dtype).toBe("float32");
    }
    expect(d.fullLike(x, 2).device).toBe("webgpu");
  });

  it("hold what fits into them", async () => {
    expect(await d.full([2], 1.7, { dtype: "int64" }).tolist()).toEqual([1, 1]);
    expect(await d.full([2], 3, { dtype: "bool" }).tolist()).toEqual([true, true]);
    expect(await d.full([1], 1e5, float16).tolist()).toEqual([Infinity]);
    expect(await tensor([1, 0.1], float16).tolist()).toEqual([1, 0.0999755859375]);
    expect(() => d.full([1], Number.NaN, { dtype: "int64" })).toThrow("NaN cannot be an int64");
  });

  it("are told apart by to()", () => {
    expect(() => tensor([1]).to("float99" as never)).toThrow('to: got "float99"; expected a dtype (float32,');
    expect(() => tensor([1]).to("gpu")).toThrow('to: got "gpu"; expected a dtype');
  });
});
