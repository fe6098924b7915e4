import type { KernelClient } from "../../kernel/client/client.ts";
import { type Bench, timed } from "./bench.ts";
import { type Candidate, cell, compare, kernels, start } from "./peers.ts";

/** Completion of a member of an imported package: `Plot.ba`, with another word before it each time. */
const bench: Bench = {
  name: "kernel-completion",
  async run(say) {
    const { ours, tslab, deno } = await kernels();
    const peers = [tslab, deno];
    const present = [ours, ...peers].filter((candidate): candidate is Candidate => "spec" in candidate);
    const running: [Candidate, KernelClient][] = [];
    try {
      for (const candidate of present) {
        const kernel = await start(candidate);
        running.push([candidate, kernel]);
        await cell(kernel, 'import * as Plot from "@observablehq/plot"');
      }
      const times = new Map<string, number[]>();
      for (let i = 0; i < 25; i++) {
        for (const [candidate, kernel] of running) {
          let matches: string[] = [];
          const took = await timed(async () => {
            matches = (await kernel.complete(`const mark${i} = Plot.ba`)).content.matches;
          });
          if (!matches.some((match) => match.endsWith("barX")))
            throw new Error(`${candidate.name}: no barX in ${matches}`);
          if (i >= 5) times.set(candidate.name, [...(times.get(candidate.name) ?? []), took]);
        }
      }
      for (const [name, values] of times) say(`${name}: ${values.map((value) => value.toFixed(1)).join(" ")}`);
      return compare("kernel-completion", ours, peers, times);
    } finally {
      for (const [, kernel] of running) await kernel.shutdown();
    }
  },
};

export default bench;
