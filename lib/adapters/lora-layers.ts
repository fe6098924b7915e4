import { join } from "node:path";
import { saveTensors } from "../io/tensors.ts";
import * as init from "../nn/init.ts";
import { Conv2d, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { checkChoice, checkOptions } from "../options.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** How low-rank changes of a network are made. */
export interface LoraOptions {
  /** Width of the bottleneck: a change of a weight `[out, in]` is `[out, rank]` times `[rank, in]`; default 8. */
  readonly rank?: number;
  /** Which layers, by name; default all linear layers and convolutions. */
  readonly targets?: RegExp;
}

/** One change: `up` times `down`. It is nothing at first, for `up` is zero. */
class LowRank extends Module {
  /** `[rank, in, ...]` */
  readonly down: Tensor;
  /** `[out, rank]`, for a convolution `[out, rank, 1, 1]` */
  readonly up: Tensor;

  constructor([outputs, ...inputs]: readonly number[], rank: number) {
    super();
    const fanIn = inputs.reduce((a, b) => a * b, 1);
    this.down = init.kaimingUniform([rank, ...inputs], fanIn);
    this.up = init.filled([outputs!, rank, ...inputs.slice(1).map(() => 1)], 0);
  }

  delta(shape: readonly number[]): Tensor {
    const rank = this.down.shape[0]!;
    return this.up
      .reshape([-1, rank])
      .matmul(this.down.reshape([rank, -1]))
      .reshape(shape);
  }
}

/**
 * Low-rank changes of a network's layers (LoRA), to be trained while the network's own weights rest:
 *
 * ```ts
 * unet.requiresGrad_(false);
 * const lora = new LoraLayers(unet, { rank: 8, targets: /attn/ });
 * const optimizer = new optim.AdamW(lora.parameters());
 * const noisePred = lora.apply(() => unet.forward(latents, t, text).sample);
 * ```
 * `save` writes what `pipe.loadLoraWeights` reads, here and in diffusers.
 * @see Hu et al. 2021: https://arxiv.org/abs/2106.09685
 */
export class LoraLayers extends Module {
  /** The changes, in the order of `names`. */
  readonly changes: readonly LowRank[];
  readonly #layers: readonly (readonly [name: string, layer: Linear | Conv2d])[];

  /** @throws RangeError where no layer is meant, or the rank is no whole number from 1 up */
  constructor(model: Module, options: LoraOptions = {}) {
    super();
    checkOptions("LoraLayers", options, ["rank", "targets"]);
    const { rank = 8, targets = /./ } = options;
    if (!Number.isInteger(rank) || rank < 1) {
      throw new RangeError(`LoraLayers: rank is ${rank}; expected a whole number from 1 up`);
    }
    this.#layers = [...model.namedModules()].filter(
      (entry): entry is [string, Linear | Conv2d] =>
        (entry[1] instanceof Linear || entry[1] instanceof Conv2d) && targets.test(entry[0]),
    );
    if (this.#layers.length === 0) {
      throw new RangeError(`LoraLayers: no linear layer or convolution of ${model.constructor.name} fits ${targets}`);
    }
    this.changes = this.#layers.map(([, layer]) => new LowRank(layer.weight.shape, rank));
  }

  /** Names of the layers that are changed. */
  get names(): string[] {
    return this.#layers.map(([name]) => name);
  }

  /** What `f` returns where the network's weights are the changed ones. Outside of it they are their own. */
  apply<T>(f: () => T): T {
    const before = this.#layers.map(([, layer]) => layer.weight);
    try {
      for (const [i, [, layer]] of this.#layers.entries()) {
        layer.weight = before[i]!.add(this.changes[i]!.delta(before[i]!.shape));
      }
      return f();
    } finally {
      for (const [i, [, layer]] of this.#layers.entries()) layer.weight = before[i]!;
    }
  }

  /**
   * Writes `pytorch_lora_weights.safetensors` into a folder, with diffusers' names.
   *
   * @param options.component - the part of the pipeline that is changed; default "unet"
   */
  async save(
    folder: string,
    options: { component?: "unet" | "text_encoder"; dtype?: "float32" | "float16" } = {},
  ): Promise<void> {
    checkOptions("LoraLayers.save", options, ["component", "dtype"]);
    const { component = "unet", dtype = "float32" } = options;
    checkChoice("LoraLayers.save", "component", component, ["unet", "text_encoder"]);
    checkChoice("LoraLayers.save", "dtype", dtype, ["float32", "float16"]);
    const tensors = this.#layers.flatMap(([name], i) => [
      [`${component}.${name}.lora_A.weight`, this.changes[i]!.down] as const,
      [`${component}.${name}.lora_B.weight`, this.changes[i]!.up] as const,
    ]);
    const path = join(folder, "pytorch_lora_weights.safetensors");
    await saveTensors(path, Object.fromEntries(tensors), { dtype, metadata: { format: "pt" } });
  }
}
