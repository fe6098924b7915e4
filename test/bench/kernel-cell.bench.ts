import type { KernelClient } from "../../kernel/client/client.ts";
import type { Bench } from "./bench.ts";
import { type Candidate, cell, compare, kernels, start } from "./peers.ts";

const IMPORTS = ['import * as Plot from "@observablehq/plot";', 'import sharp from "sharp";'];
const LIBRARY = 'import * as difflab from "difflab";';

/** A new trivial cell, to its reply, in a kernel that has imported difflab, Plot and sharp. */
const bench: Bench = {
  name: "kernel-cell",
  async run(say) {
    const { ours, tslab, deno } = await kernels();
    const peers = [tslab, deno];
    const present = [ours, ...peers].filter((candidate): candidate is Candidate => "spec" in candidate);
    const running: [Candidate, KernelClient][] = [];
    try {
      for (const candidate of present) {
        const kernel = await start(candidate);
        running.push([candidate, kernel]);
        for (const code of IMPORTS) await cell(kernel, code);
        // tslab cannot resolve a package by its "exports": it goes on without the library, which only makes it faster.
        if (candidate !== tslab) await cell(kernel, LIBRARY);
      }
      const times = new Map<string, number[]>();
      for (let i = 0; i < 25; i++) {
        for (const [candidate, kernel] of running) {
          const took = await cell(kernel, `const value${i}: number = ${i} + 1`);
          if (i < 5) continue; // warming up
          times.set(candidate.name, [...(times.get(candidate.name) ?? []), took]);
        }
      }
      for (const [name, values] of times) say(`${name}: ${values.map((value) => value.toFixed(1)).join(" ")}`);
      return compare("kernel-cell", ours, peers, times);
    } finally {
      for (const [, kernel] of running) await kernel.shutdown();
    }
  },
};

export default bench;
