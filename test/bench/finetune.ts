import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { type BenchResult, median, result } from "./bench.ts";
import { withRandomWeights } from "./sd15.ts";
import { Trainer, torchPython } from "./training.ts";

/** Words of Stable Diffusion 1.5's vocabulary, those for start and end included. */
const WORDS = 49408;

/**
 * Training steps (batch 1, 256x256, float32) of networks of Stable Diffusion 1.5's size with random weights, ours and those of
 * diffusers' scripts in turns: their time, and the peak of memory of each process.
 */
export function compareSteps(
  kind: "finetune-ti" | "finetune-lora",
  rounds: number,
  say: (line: string) => void,
): Promise<BenchResult[]> {
  return withRandomWeights(["unet", "text_encoder", "vae"], async (folder) => {
    await completeVocabulary(folder);
    const threads = String(Math.min(2, availableParallelism()));
    const python = await torchPython(["diffusers", "transformers", "accelerate", "peft"]);
    if ("missing" in python) say(python.missing);
    const own = await Trainer.start(process.execPath, [
      join(import.meta.dirname, "finetune-ours.js"),
      kind,
      folder,
      threads,
    ]);
    const script = join(ROOT, "test/bench/finetune-peer.py");
    const peer = "python" in python ? await Trainer.start(python.python, [script, kind, folder, threads]) : null;
    try {
      if (peer && peer.hello.parameters !== own.hello.parameters) {
        throw new Error(`${own.hello.parameters} numbers are learnt here, ${peer.hello.parameters} in diffusers`);
      }
      // The first step prepares.
      let mine = await own.run(1);
      let theirs = await peer?.run(1);
      const [a, b]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        mine = await own.run(1);
        theirs = await peer?.run(1);
        a.push(...mine.wall);
        b.push(...(theirs?.wall ?? []));
        say(`${mine.wall[0]!.toFixed(0)} ms${theirs ? `, diffusers ${theirs.wall[0]!.toFixed(0)} ms` : ""}`);
      }
      const name = peer ? `PyTorch ${peer.hello.torch}, ${peer.hello.package}` : "";
      const against = (value: number) =>
        peer ? { name, value } : { missing: (python as { missing: string }).missing };
      return [
        result(kind, "ms", median(a), against(median(b)), `${threads} threads each, batch 1, 256x256`),
        result(`${kind}-memory`, "MB", mine.peak, against(theirs?.peak ?? 0), "peak of the process that trains"),
      ];
    } finally {
      await own.end();
      await peer?.end();
    }
  });
}

/** The random checkpoint's tokenizer knows letters; its table has the rows of a whole vocabulary. */
async function completeVocabulary(folder: string): Promise<void> {
  const path = join(folder, "tokenizer", "vocab.json");
  const [start, end] = ["<|startoftext|>", "<|endoftext|>"];
  const vocabulary = JSON.parse(await readFile(path, "utf8")) as Record<string, number>;
  const words = Object.keys(vocabulary).filter((word) => word !== start && word !== end);
  const filler = Array.from({ length: WORDS - 2 - words.length }, (_, i) => `word${i}</w>`);
  const all = [...words, ...filler, start, end];
  await writeFile(path, JSON.stringify(Object.fromEntries(all.map((word, i) => [word, i]))));
}
