import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { type Bench, result } from "./bench.ts";
import { withRandomWeights } from "./sd15.ts";
import { type Steps, Trainer, torchPython } from "./training.ts";

/**
 * A whole picture of 512x512 with Stable Diffusion 1.5's networks (text encoder, three steps of guided U-Net, decoder) in
 * a process that has just loaded them: the seconds that it takes, and the most memory that the process has.
 */
const bench: Bench = {
  name: "sd15-pipeline",
  async run(say) {
    const threads = String(Math.min(2, availableParallelism()));
    const python = await torchPython(["diffusers", "transformers", "accelerate"]);
    return withRandomWeights(["unet", "text_encoder", "vae"], async (folder) => {
      // One after the other: two of them would not fit into the memory of many machines.
      const own = await paint(process.execPath, join(import.meta.dirname, "sampling-ours.js"), folder, threads);
      say(`${(own.wall[0]! / 1e3).toFixed(1)} s, ${own.peak.toFixed(0)} MB`);
      if ("missing" in python) {
        const { missing } = python;
        return [
          result("sd15-pipeline", "s", own.wall[0]! / 1e3, { missing }),
          result("sd15-pipeline-memory", "MB", own.peak, { missing }),
        ];
      }
      const peer = await paint(python.python, join(ROOT, "test/bench/sampling-peer.py"), folder, threads);
      say(`PyTorch ${(peer.wall[0]! / 1e3).toFixed(1)} s, ${peer.peak.toFixed(0)} MB`);
      const off = Math.max(...own.check!.map((v, i) => Math.abs(v - peer.check![i]!)));
      say(`the pictures differ by at most ${(off * 127.5).toFixed(1)} of 255 where they were compared`);
      const against = (value: number) => ({ name: peer.name, value });
      return [
        result(
          ...(["sd15-pipeline", "s", own.wall[0]! / 1e3, against(peer.wall[0]! / 1e3)] as const),
          `first picture of 512x512, three guided steps, ${threads} threads each`,
        ),
        result("sd15-pipeline-memory", "MB", own.peak, against(peer.peak), "peak of the process that painted it"),
      ];
    });
  },
};

async function paint(
  command: string,
  script: string,
  folder: string,
  threads: string,
): Promise<Steps & { name: string }> {
  const process = await Trainer.start(command, [script, "pipeline", folder, threads]);
  try {
    const { torch, package: library } = process.hello;
    return { ...(await process.run(1)), name: `PyTorch ${torch}, ${library}` };
  } finally {
    await process.end();
  }
}

export default bench;
