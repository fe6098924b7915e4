import type { Generator } from "../random/index.ts";
import { cat } from "../tensor/create.ts";
import { randn } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * Standard normal numbers `[B, ...]`, as diffusers' `randn_tensor` draws them: all from one generator, or each sample from
 * its own, so that a sample of a batch is the one that its generator gives alone.
 *
 * @param generators - one, or a list of one or of B; default the shared generator of `manualSeed`
 * @throws RangeError if the list has another length
 */
export function randnTensor(
  shape: readonly number[],
  generators: Generator | readonly Generator[] | undefined,
  device: string,
): Tensor {
  const list = generators === undefined ? [] : [generators].flat();
  if (list.length <= 1) return randn(shape, { device, ...(list[0] ? { generator: list[0] } : {}) });
  if (list.length !== shape[0]) {
    throw new RangeError(`${list.length} generators for a batch of ${shape[0]}; expected one, or the same number`);
  }
  return cat(list.map((generator) => randn([1, ...shape.slice(1)], { device, generator })));
}
