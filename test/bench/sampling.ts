import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { type BenchResult, median, result } from "./bench.ts";
import { type Part, withRandomWeights } from "./sd15.ts";
import { Trainer, torchPython } from "./training.ts";

export interface Compared {
  readonly time: BenchResult;
  readonly memory: BenchResult;
}

const measured = new Map<Part, Promise<Compared>>();

/**
 * Calls of one of Stable Diffusion 1.5's networks, ours and PyTorch's in turns over the same random weights, with our
 * session prepared in full as for a run of many steps. Measured once, whoever asks.
 */
export function comparePart(part: Part, rounds: number, say: (line: string) => void): Promise<Compared> {
  const known =
    measured.get(part) ?? withRandomWeights([part], (folder) => measure(part, join(folder, part), rounds, say));
  measured.set(part, known);
  return known;
}

const names: Readonly<Record<Part, string>> = { unet: "sd15-unet", text_encoder: "sd15-text", vae: "sd15-decoder" };

async function measure(part: Part, folder: string, rounds: number, say: (line: string) => void): Promise<Compared> {
  const threads = String(Math.min(2, availableParallelism()));
  const python = await torchPython(["diffusers", "transformers", "accelerate"]);
  if ("missing" in python) say(python.missing);
  const own = await Trainer.start(process.execPath, [
    join(import.meta.dirname, "sampling-ours.js"),
    part,
    folder,
    threads,
  ]);
  const script = join(ROOT, "test/bench/sampling-peer.py");
  const peer = "python" in python ? await Trainer.start(python.python, [script, part, folder, threads]) : null;
  try {
    // The first call prepares: ours lays out the weights, PyTorch finds its kernels.
    let mine = await own.run(1, 100);
    let theirs = await peer?.run(1);
    if (theirs) compareNumbers(mine.check!, theirs.check!, say);
    const [a, b]: [number[], number[]] = [[], []];
    const [busyA, busyB]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      mine = await own.run(1, 100);
      theirs = await peer?.run(1);
      a.push(...mine.wall);
      busyA.push(...mine.cpu);
      if (theirs) b.push(...theirs.wall);
      if (theirs) busyB.push(...theirs.cpu);
      say(`${mine.wall[0]!.toFixed(0)} ms${theirs ? `, PyTorch ${theirs.wall[0]!.toFixed(0)} ms` : ""}`);
    }
    const name = peer ? `PyTorch ${peer.hello.torch}, ${peer.hello.package}` : "";
    const against = (value: number) => (peer ? { name, value } : { missing: (python as { missing: string }).missing });
    const cpu = `processor time ${(median(busyA) / 1e3).toFixed(2)} s${peer ? ` against ${(median(busyB) / 1e3).toFixed(2)}` : ""}`;
    return {
      time: result(names[part], "ms", median(a), against(median(b)), `${threads} threads each; ${cpu}`),
      memory: result(
        part === "unet" ? "sd15-memory" : `${names[part]}-memory`,
        "MB",
        mine.peak,
        against(theirs?.peak ?? 0),
        "peak of the process that called it, weights and preparation included",
      ),
    };
  } finally {
    await own.end();
    await peer?.end();
  }
}

/** Says how far two lists of numbers are apart. */
export function compareNumbers(
  ours: readonly number[],
  theirs: readonly number[],
  say: (line: string) => void,
  peer = "PyTorch",
): void {
  const off = Math.max(...ours.map((v, i) => Math.abs(v - theirs[i]!)));
  const size = Math.max(...theirs.map(Math.abs));
  say(`outputs differ by ${(off / size).toExponential(1)} of their size`);
  if (!(off / size < 1e-3)) throw new Error(`ours and ${peer} compute different things`);
}
