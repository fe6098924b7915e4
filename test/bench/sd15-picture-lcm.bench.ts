import type { Bench } from "./bench.ts";
import { compareEightBit } from "./eight-bit.ts";
import { withRandomWeights } from "./sd15.ts";

/**
 * A picture of 512x512 from a loaded pipeline of Stable Diffusion 1.5's size, in 8 bits: four steps as distilled weights (LCM) take
 * them, without guidance, and twenty guided ones.
 */
const bench: Bench = {
  name: "sd15-picture-lcm",
  run: (say) =>
    withRandomWeights(["unet", "text_encoder", "vae"], async (folder) => {
      const peers = [{ name: "diffusers bf16", dtype: "bfloat16", engine: "torch" }] as const;
      const common = { folder, unit: "s", peers } as const;
      return [
        ...(await compareEightBit({ ...common, name: "sd15-picture-lcm", part: "picture-4", rounds: 2 }, say)),
        ...(await compareEightBit({ ...common, name: "sd15-picture-20", part: "picture-20", rounds: 1 }, say)),
      ];
    }),
};

export default bench;
