import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fromFile } from "../config/read.ts";
import { configText } from "../config/write.ts";
import { writeWhole } from "../files/write-whole.ts";
import { inFile } from "../graph/node.ts";
import { show } from "../graph/shape.ts";
import { HUB_OPTIONS, type HubOptions, resolveFiles } from "../hub/index.ts";
import { withoutInit } from "../nn/init.ts";
import { Module } from "../nn/module.ts";
import { checkChoice, checkOptions, type Names } from "../options.ts";
import { notice } from "../page/notice.ts";
import { saveCheckpoint } from "../safetensors/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { bitsOf, realize } from "../tensor/values.ts";
import { type Checkpointed, loadWeights, tensorsToSave } from "./checkpoint.ts";
import { type ChosenPrecision, choosePrecision, isEightBit, markEightBit, type Precision } from "./precision.ts";

export interface ModelOptions extends HubOptions {
  /** Folder inside the model's, such as "unet" in a pipeline's. */
  readonly subfolder?: string;
  /** Which of several sets of weights: "fp16" for `NAME.fp16.safetensors`. */
  readonly variant?: string;
  /** What it computes in; default "float32". "int8" is faster on processors with VNNI, and within a few percent. */
  readonly precision?: Precision;
}

const MODEL_OPTIONS: Names<ModelOptions> = { ...HUB_OPTIONS, subfolder: true, variant: true, precision: true };

// Larger weights that stay in float32 write to the residual stream, which reaches the end in float32, where the pipeline checks it.
const SMALL = 2 ** 22;

/** A network with a `config.json`, which is built from it and saved with it. */
export abstract class Model extends Module implements Checkpointed {
  /** The settings that the network was built from, in the file's own keys. */
  abstract readonly config: object;
  /** Name of the weights' file, without extension. */
  abstract readonly weightsName: string;
  #precision: ChosenPrecision = "float32";
  #isFinite = false;

  /** What it computes in where no gradient is asked for, chosen when it was loaded. */
  get precision(): ChosenPrecision {
    return this.#precision;
  }

  /** Names of weights in old files that this network has no use for; null for none. */
  get unneeded(): RegExp | null {
    return null;
  }

  /** Whether the weight of this name tolerates 8 bits. */
  protected isRobust(name: string): boolean {
    return name.endsWith("weight");
  }

  /** Names that older files use for a weight. */
  otherNames(_name: string): readonly string[] {
    return [];
  }

  /**
   * Builds the network from a config, with fresh weights.
   *
   * @param config - an unmodified `config.json`, or settings in camelCase
   * @throws RangeError that lists every value that the model does not know; unknown keys are reported
   */
  static fromConfig<M>(this: new (config: never) => M, config: object): M {
    return fromFile(() => new this(config as never));
  }

  /**
   * Builds the network from its `config.json`, with the weights of its safetensors files. They are not read:
   * computations map them where they lie, so the files have to stay.
   *
   * With `precision: "int8"`, linear layers and convolutions that tolerate it compute in 8 bits, and so do the scores of
   * attention over thousands of keys: weights rounded by output channel, inputs by the range that they have when they come.
   * Small layers, and the first and the last one, stay in float32. The weights are frozen: gradients pass through them, in
   * float32, but not into them.
   *
   * @param idOrFolder - a model's folder, or a repository on the Hugging Face hub; a pipeline's with `subfolder`
   * @param options.precision - "float32" (default), "int8", or "auto": 8 bits where the processor has instructions for them
   * @throws Error that lists every weight that is missing or has another shape; HubError where files cannot be had, or are a
   *   whole pipeline's: it names the subfolder
   */
  static async fromPretrained<M extends Model>(
    this: new (
      config: never,
    ) => M,
    idOrFolder: string,
    options: ModelOptions = {},
  ): Promise<M> {
    // biome-ignore-start lint/complexity/noThisInStatic: the subclass that fromPretrained is called on
    checkOptions(`${this.name}.fromPretrained`, options, MODEL_OPTIONS);
    const { precision: wanted = "float32", ...rest } = options;
    const precision = await choosePrecision(this.name, wanted);
    const files = await resolveFiles(idOrFolder, { ...rest, where: this.name, model: this.name });
    const config = await files.json("config.json");
    const model = withoutInit(() => fromFile(() => new this(config as never)));
    // biome-ignore-end lint/complexity/noThisInStatic: see above
    await loadWeights(model, files.weights());
    if (precision === "int8") model.roundToEightBit();
    return model.eval();
  }

  /**
   * Writes `config.json` and the weights, in the layout that diffusers and transformers read.
   *
   * @param options.dtype - float16 takes half the space; default float32
   * @param options.maxShardBytes - beyond it the weights are split into several files; default 10 GB
   */
  async savePretrained(
    folder: string,
    options: { dtype?: "float32" | "float16"; maxShardBytes?: number } = {},
  ): Promise<void> {
    const where = `${this.constructor.name}.savePretrained`;
    checkOptions(where, options, ["dtype", "maxShardBytes"]);
    const { dtype = "float32", maxShardBytes } = options;
    checkChoice(where, "dtype", dtype, ["float32", "float16"]);
    await mkdir(folder, { recursive: true });
    const tensors = await tensorsToSave(this, dtype === "float16");
    await saveCheckpoint(folder, tensors, {
      name: this.weightsName,
      ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
    });
    const config = Buffer.from(configText(this.configToSave()));
    await writeWhole(join(folder, "config.json"), (write) => write(config));
  }

  /** Where it computes: the device of its weights. */
  get device(): string {
    return this.parameters()[0]!.device;
  }

  /** @internal Lets layers that tolerate it compute in 8 bits from now on. */
  roundToEightBit(): void {
    this.#precision = "int8";
    this.requiresGrad_(false);
    for (const weight of this.#robustWeights()) markEightBit(weight);
  }

  /**
   * @internal Rounds weights to 8 bits that were changed since, by adapters or by loading others. Trained ones stay in float32.
   * @returns whether there were any
   */
  async settleWeights(): Promise<boolean> {
    if (this.#precision === "float32") return false;
    await this.#checkFinite();
    const changed = this.#robustWeights().filter((weight) => !weight.requiresGrad && !isEightBit(weight));
    if (changed.some((weight) => weight.window !== null)) {
      this.#inFloat32(
        `its weights have been trained; computing in float32. Save it, and load it with precision: "int8"`,
      );
      return true;
    }
    // A few at a time: a session for each would take long to open, and one for all much memory.
    for (let i = 0; i < changed.length; i += 16) {
      const some = changed.slice(i, i + 16);
      await realize(...some.filter((weight) => !inFile(weight.peek())));
      for (const weight of some) markEightBit(weight);
    }
    return changed.length > 0;
  }

  /**
   * What is no number vanishes in the next layer in 8 bits, and nobody would notice. Weights in 8 bits are checked as they are
   * rounded; these are those of norms, biases and the like.
   *
   * @throws Error that names the weight
   */
  async #checkFinite(): Promise<void> {
    if (this.#isFinite) return;
    const kept = Object.entries(this.stateDict()).filter(([, w]) => !isEightBit(w) && w.numel() <= SMALL);
    // A few at a time: sessions for each would close those of whatever else is computed, which are kept up to a limit.
    for (let i = 0; i < kept.length; i += 16) {
      const some = kept.slice(i, i + 16);
      const numbers = await bitsOf(some.map(([, weight]) => weight.float()));
      for (const [k, [name, { shape }]] of some.entries()) {
        const strange = (numbers[k] as Float32Array).find((v) => !Number.isFinite(v));
        if (strange === undefined) continue;
        throw new Error(`${this.constructor.name}: ${name} ${show(shape)} holds ${strange}: the checkpoint is damaged`);
      }
    }
    this.#isFinite = true;
  }

  #inFloat32(why: string): void {
    this.#precision = "float32";
    for (const weight of this.#robustWeights()) markEightBit(weight, false);
    notice(`${this.constructor.name}: ${why}`);
  }

  #robustWeights(): Tensor[] {
    const all = Object.entries(this.stateDict()).filter(([name, { ndim }]) => ndim > 1 && this.isRobust(name));
    return all.map(([, weight]) => weight);
  }

  override async to(device: string): Promise<this> {
    if (device !== "cpu" && this.#precision === "int8") {
      this.#inFloat32(`"${device}" has no products in 8 bits; computing in float32 there`);
    }
    return super.to(device);
  }

  /** Whether weights still lie in the file that they were loaded from. */
  get mapped(): boolean {
    return Object.values(this.stateDict()).some((tensor) => inFile(tensor.peek()));
  }

  protected configToSave(): object {
    // Whatever class the config was read from, it is saved as that of this one.
    const { _class_name: _, ...config } = this.config as { readonly _class_name?: string };
    return { _class_name: this.constructor.name, ...config };
  }
}
