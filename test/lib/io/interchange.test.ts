import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../../lib/index.ts";
import {
  compile,
  loadTensors,
  manualSeed,
  nn,
  optim,
  randn,
  saveOnnx,
  saveTensors,
  tensor,
  toOnnx,
} from "../../../lib/index.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "difflab-io-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("safetensors", () => {
  it("gives back every dtype as it was", async () => {
    const path = join(folder, "all.safetensors");
    const written = {
      f32: randn([3, 4]),
      f16: tensor([0.5, -2, 65504]).half(),
      i64: tensor([1, -2, 3], { dtype: "int64" }),
      i32: tensor([1, 2], { dtype: "int32" }),
      u8: tensor([0, 255], { dtype: "uint8" }),
      bool: tensor([true, false, true]),
      scalar: tensor(3),
    };
    await saveTensors(path, written);
    const read = await loadTensors(path);
    for (const [name, x] of Object.entries(written)) {
      expect(read[name]!.dtype, name).toBe(x.dtype);
      expect(await read[name]!.tolist(), name).toEqual(await x.tolist());
    }
  });

  it("computes with weights in the file as with those in memory, float16 ones too", async () => {
    manualSeed(0);
    const net = new nn.Sequential(new nn.Conv2d(3, 16, 3, { padding: 1 }), new nn.SiLU(), new nn.Conv2d(16, 16, 3));
    const path = join(folder, "net.safetensors");
    await saveTensors(path, net.stateDict(), { dtype: "float16" });
    const [mapped, copied] = [0, 1].map(
      () => new nn.Sequential(new nn.Conv2d(3, 16, 3, { padding: 1 }), new nn.SiLU(), new nn.Conv2d(16, 16, 3)),
    ) as [nn.Sequential, nn.Sequential];
    mapped.loadStateDict(await loadTensors(path));
    copied.loadStateDict(await loadTensors(path, { copy: true }));
    const x = randn([1, 3, 8, 8]);
    const f = compile((x: Tensor) => mapped.forward(x));
    const [a, b, c] = [await (await f(x)).data(), await mapped.forward(x).data(), await copied.forward(x).data()];
    for (let i = 0; i < a.length; i++) {
      expect(Number(a[i])).toBeCloseTo(Number(c[i]), 5);
      expect(Number(b[i])).toBeCloseTo(Number(c[i]), 5);
    }
  });

  it("starts training from weights in a file", async () => {
    const path = join(folder, "start.safetensors");
    await saveTensors(path, { weight: tensor([[2]]) });
    const net = new nn.Linear(1, 1, { bias: false });
    net.loadStateDict(await loadTensors(path));
    const opt = new optim.SGD(net.parameters(), { lr: 0.5 });
    const step = compile((x: Tensor) => {
      opt.zeroGrad();
      net.forward(x).sum().backward();
      opt.step();
    });
    await step(tensor([[1]]));
    await step(tensor([[1]]));
    expect(await net.weight.item()).toBe(1);
  });

  it("says which file is damaged, and goes on", async () => {
    const path = join(folder, "cut.safetensors");
    await saveTensors(path, { x: randn([100]) });
    truncateSync(path, 200);
    await expect(loadTensors(path)).rejects.toThrow(/cut\.safetensors/);
    expect(await tensor([1]).add(1).item()).toBe(2);
  });
});

describe("ONNX", () => {
  const net = () => {
    manualSeed(1);
    return new nn.Sequential(
      new nn.Conv2d(1, 4, 3, { padding: 1 }),
      new nn.GroupNorm(2, 4),
      new nn.GELU(),
      new nn.Flatten(),
      new nn.Linear(4 * 16, 3),
    );
  };

  it("saves a function as a file that another session computes alike", async () => {
    const path = join(folder, "net.onnx");
    const model = net();
    const x = randn([2, 1, 4, 4]);
    await saveOnnx(path, (x: Tensor) => model.forward(x).softmax(-1), [x]);
    const session = await ort.InferenceSession.create(path);
    const data = (await x.data()) as Float32Array;
    const { y0 } = await session.run({ x0: new ort.Tensor("float32", data, [2, 1, 4, 4]) });
    const ours = await model.forward(x).softmax(-1).data();
    for (let i = 0; i < ours.length; i++) expect(Number(y0!.data[i])).toBeCloseTo(Number(ours[i]), 6);
  });

  it("names the inputs in the order of the arguments, also from the eleventh on", async () => {
    const path = join(folder, "many.onnx");
    const args = Array.from({ length: 12 }, (_, i) => tensor([i]));
    await saveOnnx(path, (...xs: Tensor[]) => xs.reduce((sum, x, i) => sum.add(x.mul(i))), args);
    const session = await ort.InferenceSession.create(path);
    expect(session.inputNames).toEqual(args.map((_, i) => `x${i}`));
  });

  it("leaves what was there where the function cannot be saved", async () => {
    const path = join(folder, "kept.onnx");
    await saveOnnx(path, (x: Tensor) => x.add(1), [tensor([1])]);
    const before = readFileSync(path);
    await expect(saveOnnx(path, (x: Tensor) => randn([2]).add(x), [tensor([1])])).rejects.toThrow();
    expect(readFileSync(path)).toEqual(before);
  });

  it("is accepted by ONNX's own checker in Python", async (context) => {
    try {
      execFileSync("python3", ["-c", "import onnx"], { stdio: "ignore" });
    } catch {
      context.skip("Python has no onnx package here");
    }
    const path = join(folder, "checked.onnx");
    const model = net();
    await saveOnnx(path, (x: Tensor) => model.forward(x), [randn([2, 1, 4, 4])]);
    execFileSync("python3", ["-c", `import onnx; onnx.checker.check_model("${path}", full_check=True)`]);
  });

  it("refuses a function that changes tensors", async () => {
    const weight = tensor([1]);
    await expect(toOnnx((x: Tensor) => weight.copy_(x), [tensor([2])])).rejects.toThrow(/changes tensors/);
  });
});
