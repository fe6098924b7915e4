import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { compareEightBit } from "./eight-bit.ts";
import { withRandomWeights } from "./sd15.ts";

/**
 * One call of Stable Diffusion 1.5's U-Net in 8 bits, 64x64 latents, a batch of 2, 77 tokens, beside what else computes it on a CPU.
 * Takes 3.4 GB of disk.
 */
const bench: Bench = {
  name: "sd15-unet-int8",
  run: (say) =>
    withRandomWeights(["unet"], (folder) =>
      compareEightBit(
        {
          ...{ name: "sd15-unet-int8", part: "unet", folder: join(folder, "unet"), unit: "ms", rounds: 3 },
          peers: [
            { name: "OpenVINO bf16", dtype: "bfloat16", engine: "openvino" },
            { name: "OpenVINO float32", dtype: "float32", engine: "openvino" },
            { name: "PyTorch bf16", dtype: "bfloat16", engine: "torch" },
            { name: "PyTorch float32", dtype: "float32", engine: "torch" },
          ],
        },
        say,
      ),
    ),
};

export default bench;
