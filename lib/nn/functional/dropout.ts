import { checkNumber, checkOptions } from "../../options.ts";
import { defaultGenerator, fillUniform, type Generator } from "../../random/index.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { live } from "../../tensor/trace.ts";

/** Refuses what is no probability. */
export function checkProbability(where: string, p: number): void {
  checkNumber(where, "p", p);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${where}: p is ${p}, expected a probability from 0 to 1`);
}

/** Each element zeroed with probability `p`, the others scaled by 1 / (1 - p) to keep the mean. */
export function dropout(x: Tensor, p = 0.5, options: { training?: boolean; generator?: Generator } = {}): Tensor {
  checkOptions("dropout", options, { training: true, generator: true });
  checkProbability("dropout", p);
  if (options.training === false || p === 0) return x;
  const size = x.numel();
  const generator = options.generator ? { generator: options.generator } : {};
  const mask = live(
    "float32",
    x.shape,
    () => {
      const draws = fillUniform(new Float32Array(size), generator);
      const kept = p < 1 ? 1 / (1 - p) : 0;
      for (let i = 0; i < size; i++) draws[i] = draws[i]! < p ? 0 : kept;
      return draws;
    },
    { device: x.device, generator: options.generator ?? defaultGenerator },
  );
  return x.mul(new Tensor(mask).to(x.dtype));
}
