import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { show } from "../graph/shape.ts";
import { loadTensors } from "../io/tensors.ts";
import type { TensorToSave } from "../safetensors/index.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Model } from "./model.ts";

/** Reads `config.json` of a model's folder. */
export async function readModelConfig(folder: string, name: string): Promise<object> {
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const found = (await readdir(folder).catch(() => [])).slice(0, 8).join(", ");
    const hint = found ? `the folder holds ${found}` : "there is no such folder, or it is empty";
    throw new Error(`${name}: ${missing ? `no ${path}; ${hint}` : (error as Error).message}`, { cause: error });
  }
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config !== "object" || config === null || Array.isArray(config)) throw new Error("not an object");
    return config;
  } catch (error) {
    throw new Error(`${name}: ${path} is not a JSON object (${(error as Error).message})`);
  }
}

/** The weights in a model's folder: the path of one file, or of the index of several. */
export async function findWeights(folder: string, name: string, variant?: string): Promise<string> {
  const suffix = variant ? `.${variant}` : "";
  const candidates = [
    `${name}${suffix}.safetensors`,
    // transformers and diffusers disagree in where the variant stands.
    `${name}.safetensors.index${suffix}.json`,
    `${name}${suffix}.safetensors.index.json`,
    // A variant that a component does not have is replaced by the plain weights, as in diffusers.
    `${name}.safetensors`,
    `${name}.safetensors.index.json`,
  ];
  const found = candidates.find((file) => existsSync(join(folder, file)));
  if (found) return join(folder, found);
  const weights = /\.(bin|ckpt|pt|safetensors|msgpack)$/;
  const others = (await readdir(folder).catch(() => [])).filter((file) => weights.test(file));
  throw new Error(`${folder}: no ${candidates[0]}. ${hintFor(others)}`);
}

function hintFor(others: readonly string[]): string {
  if (others.length === 0) return "It has no weights.";
  if (others.every((file) => file.endsWith(".safetensors"))) {
    return `It has ${others.join(", ")}; choose one with the option variant.`;
  }
  return `It has ${others.join(", ")}: only safetensors are read. Convert it with diffusers' save_pretrained.`;
}

/**
 * Gives a model the weights of a checkpoint: all or, where anything is missing or misshapen, none.
 * They stay in the file, from which computations map them (and widen float16).
 *
 * @throws Error that lists every weight that is missing or has another shape
 */
export async function loadWeights(model: Model, path: string): Promise<void> {
  const own = Object.entries(model.stateDict());
  const stored = await loadTensors(path);
  const used = new Set<string>();
  const problems: string[] = [];
  const found: [Tensor, Tensor][] = [];
  for (const [name, tensor] of own) {
    const key = [name, ...oldAttentionName(name), ...model.otherNames(name)].find((k) => Object.hasOwn(stored, k));
    if (key === undefined) {
      problems.push(`${name} ${show(tensor.shape)} is missing`);
      continue;
    }
    used.add(key);
    const value = stored[key]!;
    if (fits(value.shape, tensor.shape)) found.push([tensor, value.reshape(tensor.shape)]);
    else problems.push(`${key} is ${show(value.shape)}, expected ${show(tensor.shape)}`);
  }
  if (problems.length > 0) {
    const shown = problems.length > 40 ? [...problems.slice(0, 40), `and ${problems.length - 40} more`] : problems;
    throw new Error(
      `${model.constructor.name}: ${path} does not fit the config, ${problems.length} of ${own.length} weights:\n  ${shown.join("\n  ")}`,
    );
  }
  warnOfSurplus(
    model,
    path,
    Object.keys(stored).filter((key) => !used.has(key)),
  );
  noGrad(() => {
    for (const [tensor, value] of found) tensor.assign(value.to(tensor.dtype).node, { lazy: true });
  });
}

function warnOfSurplus(model: Model, path: string, keys: readonly string[]): void {
  const surplus = keys.filter((key) => !model.unneeded?.test(key));
  if (surplus.length === 0) return;
  const more = surplus.length > 5 ? ` and ${surplus.length - 5} more` : "";
  const some = surplus.slice(0, 5).join(", ");
  console.warn(`${model.constructor.name}: ${path} holds weights that the model has no use for: ${some}${more}`);
}

/** Autoencoders from before diffusers 0.15 name their attention layers otherwise. */
function oldAttentionName(name: string): string[] {
  const old = name
    .replace(/\.to_q\./, ".query.")
    .replace(/\.to_k\./, ".key.")
    .replace(/\.to_v\./, ".value.")
    .replace(/\.to_out\.0\./, ".proj_attn.");
  return old === name ? [] : [old];
}

/** Equal shapes, or a matrix kept as a 1x1 convolution: the same numbers in the same order. */
function fits(shape: readonly number[], wanted: readonly number[]): boolean {
  const longer = shape.length > wanted.length ? shape : wanted;
  const shorter = longer === shape ? wanted : shape;
  return shorter.every((n, i) => n === longer[i]) && longer.slice(shorter.length).every((n) => n === 1);
}

/** Every weight of a model, as a file stores it. */
export async function tensorsToSave(model: Model, half: boolean): Promise<Map<string, TensorToSave>> {
  const tensors = new Map<string, TensorToSave>();
  for (const [name, tensor] of Object.entries(model.stateDict())) {
    const { shape } = tensor;
    tensors.set(
      name,
      half
        ? { dtype: "F16", shape, data: await tensor.half().bits() }
        : { dtype: "F32", shape, data: await tensor.float().data() },
    );
  }
  return tensors;
}
