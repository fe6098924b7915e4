import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { fillNormal, Generator } from "../../../lib/random/index.ts";
import { saveSafetensors } from "../../../lib/safetensors/index.ts";
import { fromArray } from "../../../lib/tensor/create.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";

/** A tensor as the reference scripts write it. */
export interface Shown {
  readonly shape: number[];
  readonly data: number[];
}

export type Keys = Readonly<Record<string, number[]>>;

/** `torch.manual_seed(seed); torch.randn(shape)` */
export function draw(seed: number, ...shape: number[]): Tensor {
  return fromArray("float32", shape, numbers(seed, shape));
}

function numbers(seed: number, shape: readonly number[]): Float32Array {
  const size = shape.reduce((n, d) => n * d, 1);
  return fillNormal(new Float32Array(size), { generator: new Generator(seed) });
}

/** The weights that the reference scripts' `fill` draws. */
export function weights(keys: Keys): Map<string, { shape: number[]; data: Float32Array }> {
  const drawn = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [i, name] of Object.keys(keys).sort().entries()) {
    const shape = keys[name]!;
    const r = numbers(i, shape);
    const f = Math.fround;
    if (shape.length === 0) r[0] = 2.6592;
    else if (shape.length === 1) {
      const at = name.endsWith("weight") ? 1 : 0;
      for (let j = 0; j < r.length; j++) r[j] = at + f(f(0.1) * r[j]!);
    } else {
      const scale = f(1 / Math.sqrt(shape.slice(1).reduce((n, d) => n * d, 1)));
      for (let j = 0; j < r.length; j++) r[j] = r[j]! * scale;
    }
    drawn.set(name, { shape, data: r });
  }
  return drawn;
}

/** Writes a model's folder as diffusers or transformers would. */
export async function writeModel(
  folder: string,
  config: object,
  tensors: ReadonlyMap<string, { shape: number[]; data: Float32Array | Uint16Array }>,
  name = "diffusion_pytorch_model.safetensors",
): Promise<string> {
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const list = [...tensors].map(([key, { shape, data }]) => {
    return [key, { dtype: data instanceof Uint16Array ? "F16" : "F32", shape, data }] as const;
  });
  await saveSafetensors(join(folder, name), new Map(list));
  return folder;
}

/** Calls `use` with a new folder, and removes it. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "difflab-models-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Same shape, and no number further off than `within`. */
export async function expectClose(x: Tensor, reference: Shown, within = 1e-4): Promise<void> {
  expect(x.shape).toEqual(reference.shape);
  const data = await x.data();
  let worst = 0;
  for (const [i, v] of reference.data.entries()) {
    const off = Math.abs(Number(data[i]) - v);
    if (!(off <= worst)) worst = off;
  }
  expect(worst).toBeLessThanOrEqual(within);
}
