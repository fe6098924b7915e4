import { join } from "node:path";
import { saveTensors } from "../io/tensors.ts";
import * as F from "../nn/functional/index.ts";
import * as init from "../nn/init.ts";
import { Conv2d, Linear } from "../nn/layers.ts";
import { Module } from "../nn/module.ts";
import { checkChoice, checkOptions, type Names } from "../options.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { LoraLayer } from "./lora.ts";
import { LORA_COMPONENTS, type LoraComponent } from "./lora-scales.ts";

/** How low-rank changes of a network are made. */
export interface LoraOptions {
  /** Width of the bottleneck: a change of a weight `[out, in]` is `[out, rank]` times `[rank, in]`; default 8. */
  readonly rank?: number;
  /** Which layers, by name; default all linear layers and convolutions. */
  readonly targets?: RegExp;
  /** What `down` starts with: PEFT's default "kaiming" (here too), or "gaussian", as in diffusers' scripts. */
  readonly initLoraWeights?: (typeof INITIAL)[number];
}

const INITIAL = ["kaiming", "gaussian"] as const;
const LORA_OPTIONS: Names<LoraOptions> = { rank: true, targets: true, initLoraWeights: true };

/** One change: `up` times `down`. It is nothing at first, for `up` is zero. */
class LowRank extends Module {
  /** `[rank, in, ...]` */
  readonly down: Tensor;
  /** `[out, rank]`, for a convolution `[out, rank, 1, 1]` */
  readonly up: Tensor;

  constructor([outputs, ...inputs]: readonly number[], rank: number, initial: (typeof INITIAL)[number]) {
    super();
    const fanIn = inputs.reduce((a, b) => a * b, 1);
    const shape = [rank, ...inputs];
    this.down = initial === "gaussian" ? init.normal(shape, 1 / rank) : init.kaimingUniform(shape, fanIn);
    this.up = init.filled([outputs!, rank, ...inputs.slice(1).map(() => 1)], 0);
  }

  /** What the change adds to the layer's output for the input `x`, without making a matrix of the weight's size. */
  added(layer: Linear | Conv2d, x: Tensor): Tensor {
    if (layer instanceof Linear) return F.linear(F.linear(x, this.down), this.up);
    return F.conv2d(F.conv2d(x, this.down, null, layer.options), this.up);
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

  /** @throws RangeError where no layer is meant, or the rank is no whole number from 1 up, or larger than a layer */
  constructor(model: Module, options: LoraOptions = {}) {
    super();
    checkOptions("LoraLayers", options, LORA_OPTIONS);
    const { rank = 8, targets = /./, initLoraWeights = "kaiming" } = options;
    checkChoice("LoraLayers", "initLoraWeights", initLoraWeights, INITIAL);
    if (!Number.isInteger(rank) || rank < 1) {
      throw new RangeError(`LoraLayers: rank is ${rank}; expected a whole number from 1 up`);
    }
    this.#layers = [...model.namedModules()].filter(
      (entry): entry is [string, Linear | Conv2d] =>
        (entry[1] instanceof Linear || entry[1] instanceof Conv2d) && targets.test(entry[0]),
    );
    if (this.#layers.length === 0) {
      throw new RangeError(
        `LoraLayers: no linear layer or convolution of ${model.constructor.name} matches ${targets}`,
      );
    }
    for (const [name, { weight }] of this.#layers) {
      const [outputs, inputs] = [weight.shape[0]!, weight.numel() / weight.shape[0]!];
      if (rank <= Math.min(outputs, inputs)) continue;
      throw new RangeError(
        `LoraLayers: rank ${rank} is larger than the layer ${name}, whose weight [${weight.shape}] has rank ${Math.min(outputs, inputs)} at most; use a smaller rank, or exclude the layer with targets`,
      );
    }
    this.changes = this.#layers.map(([, layer]) => new LowRank(layer.weight.shape, rank, initLoraWeights));
  }

  /** Names of the layers that are changed. */
  get names(): string[] {
    return this.#layers.map(([name]) => name);
  }

  /**
   * What `f` returns where the network is the changed one. Outside of it it is itself.
   *
   * A layer that is called adds `up (down x)` to its output, which is less work than to change its weight; where another
   * layer reads the weight, it reads the changed one.
   */
  apply<T>(f: () => T): T {
    const before = this.#layers.map(([, layer]) => layer.weight);
    const forwards = this.#layers.map(([, layer]) => Object.getOwnPropertyDescriptor(layer, "forward"));
    try {
      for (const [i, [, layer]] of this.#layers.entries()) {
        const [weight, change] = [before[i]!, this.changes[i]!];
        const changed = weight.add(change.delta(weight.shape));
        layer.weight = changed;
        if (layer instanceof Conv2d && ((layer.options.groups ?? 1) > 1 || layer.paddingMode !== "zeros")) continue;
        const own = layer.forward;
        layer.forward = (x: Tensor) => {
          layer.weight = weight;
          const out = own.call(layer, x).add(change.added(layer, x));
          layer.weight = changed;
          return out;
        };
      }
      return f();
    } finally {
      for (const [i, [, layer]] of this.#layers.entries()) {
        layer.weight = before[i]!;
        if (forwards[i]) Object.defineProperty(layer, "forward", forwards[i]);
        else Reflect.deleteProperty(layer, "forward");
      }
    }
  }

  /** The matrices by the names that diffusers gives them in a file. */
  namedMatrices(component: LoraComponent): Record<string, Tensor> {
    return Object.fromEntries(
      this.#layers.flatMap(([name], i) => [
        [`${component}.${name}.lora_A.weight`, this.changes[i]!.down],
        [`${component}.${name}.lora_B.weight`, this.changes[i]!.up],
      ]),
    );
  }

  /** The changes as they are now, as `readLora` reads them from a file. */
  async layers(component: LoraComponent): Promise<LoraLayer[]> {
    const numbers = async (x: Tensor) => ({ data: Float32Array.from(await x.data()), shape: x.shape });
    const made: LoraLayer[] = [];
    for (const [i, target] of this.names.entries()) {
      const { down, up } = this.changes[i]!;
      made.push({
        ...{ component, target, rank: down.shape[0]!, scale: 1 },
        down: await numbers(down),
        up: await numbers(up),
      });
    }
    return made;
  }

  /**
   * Writes `pytorch_lora_weights.safetensors` into a folder, with diffusers' names.
   *
   * @param options.component - the part of the pipeline that is changed; default "unet"
   */
  async save(
    folder: string,
    options: { component?: LoraComponent; dtype?: "float32" | "float16" } = {},
  ): Promise<void> {
    checkOptions("LoraLayers.save", options, ["component", "dtype"]);
    const { component = "unet", dtype = "float32" } = options;
    checkChoice("LoraLayers.save", "component", component, LORA_COMPONENTS);
    checkChoice("LoraLayers.save", "dtype", dtype, ["float32", "float16"]);
    await saveLoraWeights(folder, this.namedMatrices(component), dtype);
  }
}

/** Writes matrices under diffusers' names as `pytorch_lora_weights.safetensors`. @returns the file's path */
export async function saveLoraWeights(
  folder: string,
  matrices: Readonly<Record<string, Tensor>>,
  dtype: "float32" | "float16" = "float32",
): Promise<string> {
  const path = join(folder, "pytorch_lora_weights.safetensors");
  await saveTensors(path, matrices, { dtype, metadata: { format: "pt" } });
  return path;
}
