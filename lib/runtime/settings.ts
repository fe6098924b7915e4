import { availableParallelism } from "node:os";

/** What all sessions opened from now on share. */
export const settings = {
  /** Where tensors are created and computed unless they say otherwise. */
  device: "cpu",
  /** Threads of one session on the CPU. */
  threads: availableParallelism(),
  /** Whether idle threads of a session spin for as long as it runs, instead of only briefly: much slower on a shared machine. */
  spinning: false,
  /** Use the formulations tuned for onnxruntime's CPU provider; the standard ones are slower and give the same. */
  tuned: true,
  /**
   * If gradients pass through weights in files that together exceed this many bytes, the weights are read in place: copies for
   * both directions would take 3.7 GB more for Stable Diffusion.
   */
  inPlaceFrom: 512 * 2 ** 20,
  /** Path prefix of onnxruntime's own profiles of compiled functions; they are written when a session closes. */
  profile: undefined as string | undefined,
  /** Channels of a block of the CPU's image layout, asked once from the machine. */
  block: undefined as 0 | 8 | 16 | undefined,
  /**
   * Which whole numbers weights in 8 bits are, asked once from the machine: "signed" where products of both kinds add up exactly (with
   * VNNI, fast), else "unsigned", which do everywhere.
   */
  eightBit: undefined as "signed" | "unsigned" | undefined,
};

/**
 * How many threads a computation on the CPU may use; the default is the number of cores.
 * @throws RangeError if `n` is not an integer above 0
 */
export function setNumThreads(n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`setNumThreads: got ${n}, expected an integer above 0`);
  settings.threads = n;
}

/** How many threads a computation on the CPU may use. */
export function getNumThreads(): number {
  return settings.threads;
}
