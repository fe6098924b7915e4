import type { Module } from "../nn/module.ts";
import { TooFewValues } from "../nn/norm.ts";
import { plural } from "../printed.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";
import { pending } from "../tensor/trace.ts";

/** The loss, or the length of its gradient, is NaN or infinite. */
export class NotFinite extends Error {}

/** Says what to do where a batch is too small for a layer; other errors stay as they are. */
export function explainSmallBatch(
  error: unknown,
  { model, data }: { model: Module; data: { readonly batchSize: number } },
  batch: readonly Tensor[],
): unknown {
  if (!(error instanceof TooFewValues)) return error;
  const name = [...model.namedModules()].find(([, module]) => module === error.layer)?.[0] ?? "";
  const layer = `${error.layer.constructor.name}${name === "" ? "" : ` "${name}"`}`;
  const size = batch[0]?.shape[0] ?? 1;
  const isLast = size < data.batchSize;
  return new RangeError(
    `fit: ${isLast ? "the last batch of the epoch" : "a batch"} has ${plural(size, "example")}, and ${layer} needs at least two values per channel to train. ` +
      (isLast
        ? "Drop it with data.dropLast = true and call fit again, or choose another batchSize."
        : "Choose a larger batchSize."),
    { cause: error },
  );
}

/** Names the first tensor with NaN or infinite values: of the batch, the weights, or a module's output. */
export async function firstBadTensor(model: Module, batch: readonly Tensor[], run: () => unknown): Promise<string> {
  for (const [i, x] of batch.entries()) if (await bad(x)) return `argument ${i} of the batch`;
  for (const [name, x] of Object.entries(model.stateDict())) if (await bad(x)) return `the weight "${name}"`;
  for (const [name, x] of outputsOf(model, run)) {
    if (await bad(x)) return name === "" ? "the model's output" : `the output of "${name}"`;
  }
  return "the loss itself";
}

async function bad(x: Tensor): Promise<boolean> {
  if (x.dtype !== "float32" && x.dtype !== "float16") return false;
  return (await x.isfinite().logicalNot().any().item()) !== 0;
}

/** What each module returned in one run, in the order of their returning. */
function outputsOf(model: Module, run: () => unknown): [string, Tensor][] {
  type Forward = (...args: unknown[]) => unknown;
  const outputs: [string, Tensor][] = [];
  const watched: Module[] = [];
  const before = Object.values(model.stateDict()).map((x) => [x, x.peek()] as const);
  for (const [name, module] of model.namedModules()) {
    const forward = (module as { forward?: Forward }).forward;
    if (!forward) continue;
    const watch: Forward = (...args) => {
      const out = forward.apply(module, args);
      if (out instanceof Tensor) outputs.push([name, out]);
      return out;
    };
    Object.defineProperty(module, "forward", { value: watch, configurable: true, writable: true, enumerable: false });
    watched.push(module);
  }
  try {
    noGrad(run as () => void);
  } finally {
    for (const module of watched) Reflect.deleteProperty(module, "forward");
    // Looking must not change running means.
    for (const [x, node] of before) {
      if (x.peek() === node) continue;
      x.place(node);
      pending.delete(x);
    }
  }
  return outputs;
}
