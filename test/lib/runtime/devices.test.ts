import { describe, expect, it } from "vitest";
import { availableDevices, getDevice, setDevice, tensor } from "../../../lib/index.ts";
import { hasGpu, onGpu } from "./gpu.ts";

describe("devices", () => {
  it("start on the CPU, which is always available", async () => {
    expect(getDevice()).toBe("cpu");
    expect(await availableDevices()).toContain("cpu");
  });

  it("say how to get one that is not there", async () => {
    const missing = process.platform === "darwin" ? "dml" : "coreml";
    await expect(setDevice(missing)).rejects.toThrow(/not available here: it is part of (macOS|Windows)/);
    await expect(setDevice("gpu" as never)).rejects.toThrow(
      'unknown device "gpu"; expected one of cpu, webgpu, cuda, coreml, dml or auto',
    );
    expect(await tensor([1]).add(1).item()).toBe(2);
  });

  it("refuse to mix tensors of two devices, where the operation is written", () => {
    const [a, b] = [tensor([1], { device: "webgpu" }), tensor([1])];
    expect(() => a.add(b)).toThrow(
      /one tensor is on "cpu", another on "webgpu"|one tensor is on "webgpu", another on "cpu"/,
    );
  });

  it("give the same training steps on webgpu as on the CPU", async (context) => {
    if (!(await hasGpu()))
      context.skip("no Vulkan driver: install a graphics driver, or Debian's chromium for one in software");
    const [cpu, gpu] = (await onGpu(`
      const { nn, optim } = d;
      class Net extends nn.Module {
        conv1 = new nn.Conv2d(1, 8, 3, { padding: 1 });
        norm = new nn.GroupNorm(2, 8);
        down = new nn.Conv2d(8, 16, 3, { stride: 2, padding: 1 });
        up = new nn.Conv2d(16, 8, 3, { padding: 1 });
        out = new nn.Conv2d(8, 1, 3, { padding: 1 });
        head = new nn.Linear(16, 16);
        forward(x) {
          const h = this.down.forward(this.norm.forward(this.conv1.forward(x)).silu());
          const tokens = this.head.forward(h.flatten(2).transpose(1, 2)).softmax(-1).transpose(1, 2).reshape(h.shape);
          return this.out.forward(this.up.forward(nn.functional.upsampleNearest(h.add(tokens), 2)));
        }
      }
      const train = async () => {
        d.manualSeed(0);
        const net = new Net();
        const opt = new optim.AdamW(net.parameters(), { lr: 1e-2 });
        const x = d.randn([2, 1, 8, 8]);
        const step = d.compile((x) => {
          opt.zeroGrad();
          const loss = nn.functional.mseLoss(net.forward(x), x);
          loss.backward();
          optim.clipGradNorm(net.parameters(), 1);
          opt.step();
          return loss;
        });
        const losses = [];
        for (let i = 0; i < 5; i++) losses.push(await (await step(x)).item());
        return losses;
      };
      const cpu = await train();
      await d.setDevice("webgpu");
      console.log(JSON.stringify([cpu, await train()]));
      process.exit(0);
    `)) as [number[], number[]];
    for (const [i, loss] of cpu.entries()) expect(gpu[i]).toBeCloseTo(loss, 5);
  });

  it("keep what compiled functions computed on webgpu when these are closed", async (context) => {
    if (!(await hasGpu()))
      context.skip("no Vulkan driver: install a graphics driver, or Debian's chromium for one in software");
    const sums = await onGpu(`
      await d.setDevice("webgpu");
      const sums = [];
      for (let i = 0; i < 3; i++) {
        const double = d.compile((x) => x.mul(2).reshape(-1));
        const y = await double(d.ones([64, 64, 8]));
        double.close();
        sums.push(await y.add(i).sum().item());
        y.dispose();
      }
      await d.ones([64]).mul(3).realize();
      console.log(JSON.stringify(sums));
      process.exit(0);
    `);
    expect(sums).toEqual([0, 1, 2].map((i) => 32768 * (2 + i)));
  });

  it("move tensors, and read them from webgpu", async (context) => {
    if (!(await hasGpu()))
      context.skip("no Vulkan driver: install a graphics driver, or Debian's chromium for one in software");
    const result = await onGpu(`
      const x = d.tensor([[1, 2], [3, 4]]);
      const y = (await x.to("webgpu")).matmul(await x.to("webgpu"));
      await y.realize();
      const big = (await d.randn([100, 100]).to("webgpu")).abs().sum();
      console.log(JSON.stringify([y.device, await y.tolist(), await (await y.to("cpu")).add(x).tolist(), (await big.item()) > 0]));
      process.exit(0);
    `);
    expect(result).toEqual([
      "webgpu",
      [
        [7, 10],
        [15, 22],
      ],
      [
        [8, 12],
        [18, 26],
      ],
      true,
    ]);
  });
});
