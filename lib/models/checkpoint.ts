import { isFloat } from "../graph/dtype.ts";
import { show } from "../graph/shape.ts";
import { loadTensors } from "../io/tensors.ts";
import { notice } from "../page/notice.ts";
import type { TensorToSave } from "../safetensors/index.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { bitsOf } from "../tensor/values.ts";

/** What a model says of its weights' names. */
export interface Checkpointed {
  stateDict(): Readonly<Record<string, Tensor>>;
  /** A weight's name in the files of other versions of the libraries, where it differs. */
  otherNames(name: string): readonly string[];
  /** Names of weights that old checkpoints hold and no model needs. */
  readonly unneeded: RegExp | null;
}

/**
 * Gives a model the weights of a checkpoint: all or, if anything is missing or misshapen, none.
 * They stay in the file, from which computations map them (and widen float16).
 *
 * @throws Error that lists every weight that is missing or has another shape
 */
export async function loadWeights(model: Checkpointed, path: string): Promise<void> {
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
    if (isFloat(tensor.dtype) && !isFloat(value.dtype)) {
      problems.push(
        `${key} holds whole numbers (${value.dtype}): is it quantised already? Use weights in float16 or float32`,
      );
    } else if (fits(value.shape, tensor.shape)) found.push([tensor, value.reshape(tensor.shape)]);
    else problems.push(`${key} is ${show(value.shape)}, expected ${show(tensor.shape)}`);
  }
  if (problems.length > 0) {
    const shown = problems.length > 40 ? [...problems.slice(0, 40), `and ${problems.length - 40} more`] : problems;
    throw new Error(
      `${model.constructor.name}: ${path} does not match the config in ${problems.length} of ${own.length} weights:\n  ${shown.join("\n  ")}`,
    );
  }
  noticeSurplus(
    model,
    path,
    Object.keys(stored).filter((key) => !used.has(key)),
  );
  noGrad(() => {
    for (const [tensor, value] of found) tensor.assign(value.to(tensor.dtype).node, { lazy: true });
  });
}

function noticeSurplus(model: Checkpointed, path: string, keys: readonly string[]): void {
  const surplus = keys.filter((key) => !model.unneeded?.test(key));
  if (surplus.length === 0) return;
  const more = surplus.length > 5 ? ` and ${surplus.length - 5} more` : "";
  const some = surplus.slice(0, 5).join(", ");
  notice(`${model.constructor.name}: ${path} contains weights that the model does not use: ${some}${more}`);
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
export async function tensorsToSave(model: Checkpointed, half: boolean): Promise<Map<string, TensorToSave>> {
  const state = Object.entries(model.stateDict());
  const converted: Tensor[] = [];
  for (const [, tensor] of state) {
    // On the CPU, since not every graphics card has float16.
    const weight = await tensor.to("cpu");
    converted.push(half ? weight.half() : weight.float());
  }
  const data = await bitsOf(converted);
  const dtype = half ? "F16" : "F32";
  return new Map(state.map(([name, { shape }], i) => [name, { dtype, shape, data: data[i]! }]));
}
