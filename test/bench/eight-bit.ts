import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { type BenchResult, median, result } from "./bench.ts";
import { Trainer, torchPython } from "./training.ts";

/** Somebody else's way to compute the same. */
export interface Peer {
  readonly name: string;
  readonly dtype: "float32" | "bfloat16";
  readonly engine: "torch" | "openvino";
}

/** What is measured, in 8 bits, against which peers; the first one gives the figure its name. */
export interface Measurement {
  readonly name: string;
  readonly part: "unet" | "picture-4" | "picture-20";
  readonly folder: string;
  readonly unit: "ms" | "s";
  readonly rounds: number;
  readonly peers: readonly Peer[];
}

/**
 * Ours in 8 bits, in turn with each peer. Only one peer is there at a time: many machines do not have the memory for all. The notes
 * say how far the outputs differ.
 */
export async function compareEightBit(what: Measurement, say: (line: string) => void): Promise<BenchResult[]> {
  const { name, part, folder, unit, rounds, peers } = what;
  const threads = String(Math.min(2, availableParallelism()));
  const script = join(import.meta.dirname, "sampling-ours.js");
  const own = await Trainer.start(process.execPath, [script, part, folder, threads, "int8"]);
  const results: BenchResult[] = [];
  const scale = unit === "s" ? 1e-3 : 1;
  try {
    const prepared = await own.run(1, 100);
    say(`prepared in ${(prepared.wall[0]! / 1e3).toFixed(1)} s, ${prepared.rss.toFixed(0)} MB`);
    for (const peer of peers) {
      const key = results.length === 0 ? name : `${name}-${peer.name.toLowerCase().replaceAll(" ", "-")}`;
      const other = await startPeer(what, peer, threads);
      if ("missing" in other) {
        say(`${peer.name}: ${other.missing}`);
        results.push(result(key, unit, median((await own.run(rounds, 100)).wall) * scale, other));
        continue;
      }
      try {
        const first = await other.run(1);
        const apart = distance(prepared.check!, first.check!);
        const [a, b]: [number[], number[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          a.push(...(await own.run(1, 100)).wall);
          b.push(...(await other.run(1)).wall);
          say(`${a.at(-1)!.toFixed(0)} ms, ${peer.name} ${b.at(-1)!.toFixed(0)} ms`);
        }
        const { torch, package: library } = other.hello;
        const who = `${peer.name}: ${peer.engine === "torch" ? `PyTorch ${torch}, ` : ""}${library}`;
        const note = `${threads} threads each; outputs ${(100 * apart).toFixed(1)} % apart`;
        results.push(result(key, unit, median(a) * scale, { name: who, value: median(b) * scale }, note));
      } finally {
        await other.end();
      }
    }
    return results;
  } finally {
    await own.end();
  }
}

async function startPeer(
  { part, folder }: Measurement,
  { dtype, engine }: Peer,
  threads: string,
): Promise<Trainer | { missing: string }> {
  if (dtype === "bfloat16" && !hasBfloat16()) {
    return { missing: "this processor has no instructions for bfloat16: it would take ten times as long as float32" };
  }
  const more = ["diffusers", "transformers", "accelerate", ...(engine === "openvino" ? ["openvino"] : [])];
  const python = await torchPython(more);
  if ("missing" in python) return python;
  const script = join(ROOT, "test/bench/sampling-peer.py");
  return Trainer.start(python.python, [script, part, folder, threads, dtype, engine]);
}

/** Whether the processor multiplies bfloat16; assumed where it cannot be looked up. */
function hasBfloat16(): boolean {
  try {
    return /avx512_bf16|amx_bf16|\bbf16\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
  } catch {
    return true;
  }
}

/** How far two lists are apart, as a share of their size. */
function distance(ours: readonly number[], theirs: readonly number[]): number {
  const size = Math.hypot(...theirs);
  return Math.hypot(...ours.map((value, i) => value - theirs[i]!)) / size;
}
