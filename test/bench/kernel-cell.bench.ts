import type { Bench } from "./bench.ts";
import { cell, inTurns } from "./peers.ts";

const IMPORTS = ['import * as Plot from "@observablehq/plot";', 'import sharp from "sharp";'];
const LIBRARY = 'import * as difflab from "difflab";';

/** A new trivial cell, to its reply, in a kernel that has imported difflab, Plot and sharp. */
const bench: Bench = {
  name: "kernel-cell",
  run: (say) =>
    inTurns("kernel-cell", say, {
      async prepare(kernel, candidate) {
        for (const code of IMPORTS) await cell(kernel, code);
        // tslab cannot resolve a package by its "exports": it goes on without the library, which only makes it faster.
        if (!candidate.name.startsWith("tslab")) await cell(kernel, LIBRARY);
      },
      turn: (kernel, i) => cell(kernel, `const value${i}: number = ${i} + 1`),
    }),
};

export default bench;
