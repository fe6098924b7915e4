import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fromFile } from "../config/read.ts";
import { configText } from "../config/write.ts";
import { writeWhole } from "../files/write-whole.ts";
import { HUB_OPTIONS, type HubOptions, resolveFiles } from "../hub/index.ts";
import { withoutInit } from "../nn/init.ts";
import { Module } from "../nn/module.ts";
import { checkChoice, checkOptions, type Names } from "../options.ts";
import { saveCheckpoint } from "../safetensors/index.ts";
import { inFile } from "../tensor/trace.ts";
import { type Checkpointed, loadWeights, tensorsToSave } from "./checkpoint.ts";

export interface ModelOptions extends HubOptions {
  /** Folder inside the model's, such as "unet" in a pipeline's. */
  readonly subfolder?: string;
  /** Which of several sets of weights: "fp16" for `NAME.fp16.safetensors`. */
  readonly variant?: string;
}

const MODEL_OPTIONS: Names<ModelOptions> = { ...HUB_OPTIONS, subfolder: true, variant: true };

/** A network with a `config.json`, which is built from it and saved with it. */
export abstract class Model extends Module implements Checkpointed {
  /** The settings that the network was built from, in the file's own keys. */
  abstract readonly config: object;
  /** Name of the weights' file, without extension. */
  abstract readonly weightsName: string;

  /** Names of weights in old files that this network has no use for; null for none. */
  get unneeded(): RegExp | null {
    return null;
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
   * @param idOrFolder - a folder, or a repository on the Hugging Face hub; with `subfolder`, a pipeline's
   * @throws Error that lists every weight that is missing or has another shape; HubError where files cannot be had
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
    const files = await resolveFiles(idOrFolder, { ...options, where: this.name });
    const config = await files.json("config.json");
    const model = withoutInit(() => fromFile(() => new this(config as never)));
    // biome-ignore-end lint/complexity/noThisInStatic: see above
    await loadWeights(model, files.weights());
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

  /** Whether weights still lie in the file that they were loaded from. */
  get mapped(): boolean {
    return Object.values(this.stateDict()).some((tensor) => inFile(tensor.peek()));
  }

  protected configToSave(): object {
    return { _class_name: this.constructor.name, ...this.config };
  }
}
