import { join } from "node:path";
import type { Module } from "../nn/module.ts";
import type { StableDiffusionPipeline } from "../pipelines/index.ts";
import { counted, plural } from "../printed.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type Learnable, Together } from "./learnable.ts";

/** The U-Net's own weights, all or some, and those of the text encoder if wanted. */
export class FullModel implements Learnable {
  readonly model: Module;
  readonly learnt: readonly Tensor[];
  readonly #pipe: StableDiffusionPipeline;
  readonly #parts: readonly (readonly [name: string, all: readonly Tensor[], learnt: readonly Tensor[]])[];

  /**
   * @param options.targets - names of the U-Net's weights that are learnt; default all
   * @throws RangeError where none fits
   */
  constructor(
    where: string,
    pipe: StableDiffusionPipeline,
    options: { targets?: RegExp | undefined; trainTextEncoder: boolean },
  ) {
    const { targets, trainTextEncoder } = options;
    const { unet, textEncoder } = pipe;
    const chosen = [...unet.namedParameters()].filter(([name]) => targets?.test(name) ?? true).map(([, p]) => p);
    if (chosen.length === 0) throw new RangeError(`${where}: no weight of the U-Net matches ${targets}`);
    const text = textEncoder.parameters();
    this.#pipe = pipe;
    this.#parts = [
      ["U-Net", unet.parameters(), chosen],
      ...(trainTextEncoder ? [["text encoder", text, text] as const] : []),
    ];
    this.model = trainTextEncoder ? new Together(unet, textEncoder) : unet;
    this.learnt = this.#parts.flatMap(([, , own]) => own);
  }

  apply<T>(f: () => T): T {
    return f();
  }

  // The weights are the pipeline's own.
  async install(): Promise<void> {}
  uninstall(): void {}

  describe(): string {
    const numbers = (list: readonly Tensor[]) => list.reduce((sum, p) => sum + p.numel(), 0);
    return this.#parts
      .map(([name, all, own]) => {
        const which =
          own.length === all.length ? `all ${plural(all.length, "tensor")}` : `${own.length} of ${all.length} tensors`;
        return `${which} of the ${name} (${counted(numbers(own))}${own.length === all.length ? "" : ` of ${counted(numbers(all))}`} numbers)`;
      })
      .join(" and ");
  }

  async save(folder: string): Promise<string> {
    const path = join(folder, "pipeline");
    await this.#pipe.savePretrained(path);
    return path;
  }
}
