import { type Bench, result } from "./bench.ts";
import { measure } from "./training.ts";

/**
 * A training step (forward, backward, AdamW) of the 3.1-million-parameter U-Net, batch 64 and 16; how long the first
 * call takes, and how much memory it needs.
 */
const bench: Bench = {
  name: "train-unet",
  async run(say) {
    const large = await measure("train-unet", "unet", 64, 7, 1, say);
    const small = await measure("train-unet-16", "unet", 16, 9, 2, say);
    const peer = large.last.peer
      ? { name: large.peerName!, value: large.last.peer.peak }
      : { missing: large.times.note ?? "no PyTorch" };
    return [
      large.times,
      small.times,
      result("train-unet-memory", "MB", large.last.ours.peak, peer, "largest memory of the process, batch 64"),
      result("train-unet-first", "s", small.first / 1000, {
        missing: "first call with tracing, batch 16; PyTorch has none",
      }),
    ];
  },
};

export default bench;
