import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { type Bench, median, result } from "./bench.ts";
import { Trainer, torchPython } from "./training.ts";

/** Pictures of the tiny Stable Diffusion, ours and diffusers' in turns on the same weights, both loaded before. */
export function tinyBench(
  name: string,
  { steps, pictures, lora = false }: { steps: number; pictures: number; lora?: boolean },
): Bench {
  return {
    name,
    async run(say) {
      const threads = String(Math.min(2, availableParallelism()));
      const folder = (model: string) => join(ROOT, "data", model);
      const args = [String(steps), String(pictures), folder("tiny-sd"), lora ? folder("tiny-sd-lcm") : "", threads];
      if (lora && !existsSync(folder("tiny-sd-lcm"))) {
        throw new Error("no LCM weights in data/tiny-sd-lcm; npm run train -- few-steps makes them");
      }
      const python = await torchPython(["diffusers", "transformers", "accelerate", "peft"]);
      if ("missing" in python) say(python.missing);
      const own = await Trainer.start(process.execPath, [join(import.meta.dirname, "tiny-ours.js"), ...args]);
      const script = join(ROOT, "test/bench/tiny-peer.py");
      const peer = "python" in python ? await Trainer.start(python.python, [script, ...args]) : null;
      try {
        const [mine, theirs]: [number[], number[]] = [[], []];
        // The first picture prepares the sessions.
        const [a, b] = [await own.run(1), await peer?.run(1)];
        if (b) {
          const off = Math.max(...a.check!.map((v, i) => Math.abs(v - b.check![i]!)));
          say(`the pictures differ by at most ${off} of 255 where they were compared`);
        }
        for (let round = 0; round < 9; round++) {
          mine.push(...(await own.run(1)).wall);
          theirs.push(...((await peer?.run(1))?.wall ?? []));
        }
        const who = peer ? `PyTorch ${peer.hello.torch}, ${peer.hello.package}` : "";
        const against = peer
          ? { name: who, value: median(theirs) / 1e3 }
          : { missing: (python as { missing: string }).missing };
        const what = `${pictures === 1 ? "one picture" : `${pictures} pictures`}, ${steps} ${lora ? "LCM" : "guided"} steps`;
        return [result(name, "s", median(mine) / 1e3, against, `${what}, ${threads} threads each, after loading`)];
      } finally {
        await own.end();
        await peer?.end();
      }
    },
  };
}
