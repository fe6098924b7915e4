import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onGpu, softwareDriver } from "../lib/runtime/gpu.ts";
import { ROOT } from "../root.ts";
import { type Bench, type BenchResult, median, result } from "./bench.ts";
import { compareNumbers } from "./sampling.ts";
import { withRandomWeights } from "./sd15.ts";
import { Trainer } from "./training.ts";

const execute = promisify(execFile);
const threads = String(availableParallelism());
const sampler = join(import.meta.dirname, "sampling-ours.js");

/**
 * Sampling on a graphics card through WebGPU: a call of the U-Net and a picture in 20 guided steps, with random weights of Stable
 * Diffusion 1.5's size, beside diffusers in float16 on CUDA; and whether the numbers are those of the CPU. Where there is no card but
 * a driver in software, the tiny model's picture instead, beside our own on the CPU.
 *
 * Ours computes in float32 there: onnxruntime's WebGPU provider takes float16, but the networks do not offer it yet.
 */
const bench: Bench = {
  name: "gpu",
  run: async (say) => {
    const own = await works({});
    if (own) return withRandomWeights(["unet", "text_encoder", "vae"], (folder) => inFull(folder, say));
    if (softwareDriver && (await works(softwareDriver))) {
      say("no graphics card: the tiny model on a driver in software");
      return inSmall(softwareDriver, say);
    }
    throw new Error(
      "no graphics card, and no driver in software: install the card's Vulkan driver, or Debian's chromium",
    );
  },
};

/** Whether webgpu computes here, with such an environment. */
async function works(env: NodeJS.ProcessEnv): Promise<boolean> {
  return (await onGpu('console.log(JSON.stringify((await d.availableDevices()).includes("webgpu")))', env)) === true;
}

async function inFull(folder: string, say: (line: string) => void): Promise<BenchResult[]> {
  const python = await cudaPython();
  if ("missing" in python) say(python.missing);
  const results: BenchResult[] = [];
  for (const [part, name, unit, rounds] of [
    ["unet", "gpu", "ms", 10],
    ["picture-20", "gpu-picture-20", "s", 3],
  ] as const) {
    const from = part === "unet" ? join(folder, "unet") : folder;
    const own = await Trainer.start(process.execPath, [sampler, part, from, threads, "float32", "webgpu"]);
    const script = join(ROOT, "test/bench/sampling-peer.py");
    const args = [script, part, from, threads, "float16", "cuda"];
    const peer = "python" in python ? await Trainer.start(python.python, args) : null;
    const scale = unit === "s" ? 1e-3 : 1;
    try {
      const first = await own.run(2, 100);
      if (part === "unet") {
        const cpu = await Trainer.start(process.execPath, [sampler, part, from, threads]);
        compareNumbers(first.check!, (await cpu.run(1, 1)).check!, say, "the CPU");
        await cpu.end();
      }
      await peer?.run(2);
      const [a, b]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        a.push(...(await own.run(1, 100)).wall);
        if (peer) b.push(...(await peer.run(1)).wall);
      }
      const against = peer
        ? { name: `diffusers float16 on CUDA: ${peer.hello.torch}, ${peer.hello.package}`, value: median(b) * scale }
        : { missing: (python as { missing: string }).missing };
      results.push(result(name, unit, median(a) * scale, against, await card()));
    } finally {
      await own.end();
      await peer?.end();
    }
  }
  return results;
}

async function inSmall(driver: NodeJS.ProcessEnv, say: (line: string) => void): Promise<BenchResult[]> {
  const [cpu, gpu, most] = (await onGpu(
    `
    const pipe = await d.StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
    const run = { prompt: "a red seven", numInferenceSteps: 4, seed: 1, progress: false };
    const paint = async () => {
      await pipe.generate(run);
      const start = performance.now();
      const { images } = await pipe.generate(run);
      return [performance.now() - start, images[0].toRaw().data];
    };
    const [cpu, one] = await paint();
    await pipe.to("webgpu");
    const [gpu, other] = await paint();
    console.log(JSON.stringify([cpu, gpu, one.reduce((most, v, i) => Math.max(most, Math.abs(v - other[i])), 0)]));
    process.exit(0);`,
    driver,
  )) as [number, number, number];
  say(`the pictures differ by ${most} of 255 at most`);
  if (most > 2) throw new Error(`the picture on webgpu differs from that on the CPU by ${most} of 255`);
  const note = `no graphics card: a driver in software; the pictures differ by ${most} of 255 at most`;
  return [result("gpu", "s", gpu / 1e3, { name: "ours on the CPU", value: cpu / 1e3 }, note)];
}

/** A Python whose PyTorch computes on the card, with diffusers: that of `TORCH_PYTHON`, or the system's. */
async function cudaPython(): Promise<{ python: string } | { missing: string }> {
  for (const python of [process.env.TORCH_PYTHON, "python3"]) {
    if (!python) continue;
    try {
      await execute(python, [
        "-c",
        "import torch, diffusers, transformers, accelerate; assert torch.cuda.is_available()",
      ]);
      return { python };
    } catch {}
  }
  return { missing: "no Python with diffusers and a PyTorch for CUDA: name one in TORCH_PYTHON" };
}

/** The card and the memory that is taken, where NVIDIA's tool is there to ask. */
async function card(): Promise<string> {
  try {
    const { stdout } = await execute("nvidia-smi", ["--query-gpu=name,memory.used", "--format=csv,noheader"]);
    return stdout.trim();
  } catch {
    return "";
  }
}

export default bench;
