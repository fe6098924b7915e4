/**
 * Training steps of textual inversion or LoRA on request, as finetune-peer.py takes them: `node finetune-ours.js KIND FOLDER
 * THREADS`, a number of steps a line, an answer in JSON for each.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { PictureBatches } from "../../lib/finetune/batches.ts";
import { Frozen } from "../../lib/finetune/learnable.ts";
import { LowRankChanges, UNET_TARGETS } from "../../lib/finetune/lora.ts";
import { settingsOf } from "../../lib/finetune/options.ts";
import { newRows } from "../../lib/finetune/textual-inversion.ts";
import { learnerOf } from "../../lib/finetune/train.ts";
import { Generator, Image, LoraLayers, randint, StableDiffusionPipeline, setNumThreads } from "../../lib/index.ts";

const [kind, folder] = [process.argv[2]!, process.argv[3]!];
setNumThreads(Number(process.argv[4]));
const SIDE = 256;

const pipe = await StableDiffusionPipeline.fromPretrained(folder);
const { unet, textEncoder, vae, tokenizer } = pipe;
const bytes = await randint(0, 256, [3 * SIDE * SIDE], { generator: new Generator(0) }).data();
const image = Image.fromRaw(Array.from(bytes, Number), { width: SIDE, height: SIDE });
const learnable =
  kind === "finetune-ti"
    ? newRows(pipe, "<new>", 7, 1)
    : new LowRankChanges(pipe, "lora", new LoraLayers(unet, { rank: 4, targets: UNET_TARGETS }), null);
const defaults = { maxTrainSteps: 1000, learningRate: 1e-4, maxGradNorm: kind === "finetune-ti" ? null : 1 };
const options = { data: [image], trainBatchSize: 1, resolution: SIDE, quiet: true };
const settings = settingsOf(kind, options, {}, defaults, { size: SIDE, divisor: 8 });
const caption = () => (kind === "finetune-ti" ? "a <new>" : "a b");
const cropping = { resolution: SIDE, centerCrop: true, randomFlip: false, repeats: 1, seed: 0 };
const batches = new PictureBatches([{ images: [image], caption }], tokenizer, cropping);
const parts = { unet, textEncoder, vae };
await Frozen.all(parts, new Set(learnable.learnt));
const learner = learnerOf({ where: kind, pipe, learnable, batches, settings }, parts, learnable.learnt);

/** Largest memory that the process has had, MB, with what it maps from files. */
function peak(): number {
  const status = process.platform === "linux" ? readFileSync("/proc/self/status", "utf8") : "";
  const found = /VmHWM:\s*(\d+)/.exec(status);
  return found ? Number(found[1]) / 1024 : process.resourceUsage().maxRSS / 1024;
}

console.log(JSON.stringify({ parameters: learnable.learnt.reduce((sum, p) => sum + p.numel(), 0) }));
for await (const line of createInterface({ input: process.stdin })) {
  const [wall, cpu]: [number[], number[]] = [[], []];
  for (let i = 0; i < Number(line.split(" ")[0]); i++) {
    const [before, used] = [performance.now(), process.cpuUsage()];
    await learner.fit(Number.POSITIVE_INFINITY, { steps: learner.step + 1 });
    const { user, system } = process.cpuUsage(used);
    wall.push(performance.now() - before);
    cpu.push((user + system) / 1e3);
  }
  const loss = learner.losses.at(-1) ?? 0;
  console.log(JSON.stringify({ wall, cpu, loss, peak: peak(), rss: process.memoryUsage.rss() / 2 ** 20 }));
}
process.exit(0);
