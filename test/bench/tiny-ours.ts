/**
 * Pictures of the tiny Stable Diffusion on request, as tiny-peer.py paints them: `node tiny-ours.js STEPS PICTURES FOLDER
 * LORA THREADS` (LORA "" for none), a number of runs a line, an answer in JSON for each.
 */
import { createInterface } from "node:readline";
import { Generator, LCMScheduler, StableDiffusionPipeline, setNumThreads } from "../../lib/index.ts";

const [steps, pictures, folder, lora, threads] = process.argv.slice(2) as [string, string, string, string, string];
setNumThreads(Number(threads));
const pipe = await StableDiffusionPipeline.fromPretrained(folder);
if (lora) {
  await pipe.loadLoraWeights(lora);
  pipe.scheduler = LCMScheduler.fromConfig(pipe.scheduler.config);
}
const prompt = new Array<string>(Number(pictures)).fill("a red seven in chalk, at night");

async function paint(): Promise<number[]> {
  const { images } = await pipe.generate({
    prompt,
    ...{ numInferenceSteps: Number(steps), guidanceScale: lora ? 1 : 3, progress: false },
    generator: new Generator(1),
  });
  return Array.from(images[0]!.toRaw().data.subarray(0, 192), Number);
}

console.log(JSON.stringify({ parameters: 0 }));
for await (const line of createInterface({ input: process.stdin })) {
  const [wall, cpu]: [number[], number[]] = [[], []];
  let check: number[] = [];
  for (let i = 0; i < Number(line.split(" ")[0]); i++) {
    const [before, used] = [performance.now(), process.cpuUsage()];
    check = await paint();
    const { user, system } = process.cpuUsage(used);
    wall.push(performance.now() - before);
    cpu.push((user + system) / 1e3);
  }
  console.log(JSON.stringify({ wall, cpu, loss: 0, check, peak: 0, rss: 0 }));
}
process.exit(0);
