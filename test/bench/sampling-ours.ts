/**
 * Calls of one of Stable Diffusion's networks, or of the whole pipeline, on request, as sampling-peer.py does them: `node
 * sampling-ours.js PART FOLDER THREADS [PRECISION [DEVICE]]`, a number of calls a line, an answer in JSON for each.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import {
  AutoencoderKL,
  CLIPTextModel,
  type Device,
  Generator,
  LCMScheduler,
  type Precision,
  randn,
  StableDiffusionPipeline,
  setNumThreads,
  type Tensor,
  tensor,
  UNet2DConditionModel,
} from "../../lib/index.ts";
import { LatentCodec } from "../../lib/pipelines/latent-codec.ts";
import { Runner } from "../../lib/pipelines/runner.ts";
import type { Part } from "./sd15.ts";

const [part, folder] = [process.argv[2] as Part | "pipeline" | "picture-4" | "picture-20", process.argv[3]!];
setNumThreads(Number(process.argv[4]));
const precision = (process.argv[5] ?? "float32") as Precision;
const device = (process.argv[6] ?? "cpu") as Device;
// What is said beside the answers would not be read.
console.log = console.error;
const draw = (seed: number, ...shape: number[]) => randn(shape, { generator: new Generator(seed) });

async function task(): Promise<(calls: number) => Promise<Tensor>> {
  if (part === "unet") {
    const unet = await UNet2DConditionModel.fromPretrained(folder, { precision });
    const runner = new Runner("U-Net", (x: Tensor, t: Tensor, y: Tensor) => unet.forward(x, t, y).sample, {
      model: unet,
      quick: unet,
    });
    await unet.to(device);
    const inputs = [draw(1, 2, 4, 64, 64), unet.timeProj([601, 601]), draw(2, 2, 77, 768)];
    const [x, t, y] = await Promise.all(inputs.map((input) => input.to(device)));
    return (calls) => runner.call({ calls, made: calls - 1 }, x!, t!, y!);
  }
  if (part === "vae") {
    const vae = await AutoencoderKL.fromPretrained(folder, { precision });
    const codec = new LatentCodec(vae);
    const latents = draw(1, 1, 4, 64, 64).mul(vae.config.scaling_factor);
    return () => codec.decode(latents);
  }
  if (part.startsWith("picture")) {
    const pipe = await StableDiffusionPipeline.fromPretrained(folder, { precision });
    await pipe.to(device);
    const few = part === "picture-4";
    if (few) pipe.scheduler = LCMScheduler.fromConfig(pipe.scheduler.config);
    const options = { prompt: "a horse on the moon", latents: draw(1, 1, 4, 64, 64), seed: 1, progress: false };
    const steps = few ? { numInferenceSteps: 4, guidanceScale: 1 } : { numInferenceSteps: 20, guidanceScale: 7.5 };
    return async () => (await pipe.generate({ ...options, ...steps })).images[0]!.toTensor();
  }
  if (part === "pipeline") {
    const pipe = await StableDiffusionPipeline.fromPretrained(folder);
    const latents = draw(1, 1, 4, 64, 64);
    const options = { prompt: "a horse on the moon", numInferenceSteps: 3, guidanceScale: 7.5, latents };
    return async () => (await pipe.generate(options)).images[0]!.toTensor();
  }
  const text = await CLIPTextModel.fromPretrained(folder);
  const runner = new Runner("text", (ids: Tensor) => text.forward(ids).lastHiddenState, { model: text, quick: text });
  const ids = tensor([Array.from({ length: 77 }, (_, i) => (i * 631) % 49406)]).long();
  return (calls) => runner.call({ calls, made: calls - 1 }, ids);
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Largest memory that the process has had, MB, with what it maps from files. */
function peak(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const found = /VmHWM:\s*(\d+)/.exec(status);
  return found ? Number(found[1]) / 1024 : process.resourceUsage().maxRSS / 1024;
}

const call = await task();
answer({ parameters: 0 });
for await (const line of createInterface({ input: process.stdin })) {
  const [count, toCome] = line.split(" ").map(Number) as [number, number];
  const [wall, cpu]: [number[], number[]] = [[], []];
  let check: number[] = [];
  for (let i = 0; i < count; i++) {
    const [before, used] = [performance.now(), process.cpuUsage()];
    const out = await call(toCome);
    const data = await out.data();
    const { user, system } = process.cpuUsage(used);
    wall.push(performance.now() - before);
    cpu.push((user + system) / 1e3);
    check = Array.from(data.subarray(0, 64), Number);
  }
  answer({ wall, cpu, loss: 0, check, peak: peak(), rss: process.memoryUsage.rss() / 2 ** 20 });
}
process.exit(0);
