import { type Bench, timed } from "./bench.ts";
import { cell, inTurns } from "./peers.ts";

/** Completion of a member of an imported package: `Plot.ba`, with another word before it each time. */
const bench: Bench = {
  name: "kernel-completion",
  run: (say) =>
    inTurns("kernel-completion", say, {
      prepare: (kernel) => cell(kernel, 'import * as Plot from "@observablehq/plot"'),
      async turn(kernel, i, { name }) {
        let matches: string[] = [];
        const took = await timed(async () => {
          matches = (await kernel.complete(`const mark${i} = Plot.ba`)).content.matches;
        });
        if (!matches.some((match) => match.endsWith("barX"))) throw new Error(`${name}: no barX in ${matches}`);
        return took;
      },
    }),
};

export default bench;
