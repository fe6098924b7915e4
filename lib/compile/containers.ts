import { show } from "../graph/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { isRecord } from "../tensor/tensors-in.ts";

/** What a compiled function may return: tensors in lists and records of any depth, with plain values beside them. */
export type Results =
  | Tensor
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Results[]
  | { readonly [name: string]: Results };

/** Refuses arguments without elements: there is nothing to compute with. */
export function checkNotEmpty(name: string, given: readonly Tensor[]): void {
  for (const tensor of given) {
    if (tensor.numel() > 0) continue;
    throw new RangeError(
      `${name}: an argument of shape ${show(tensor.shape)} is empty; a compiled function needs at least one element. Leave out empty batches.`,
    );
  }
}

/** Takes a result apart: its tensors, and how others are put in their places. */
export function takeApart<R>(name: string, result: R): { tensors: Tensor[]; assemble: (tensors: Tensor[]) => R } {
  const tensors: Tensor[] = [];
  const isPlain = (value: unknown) =>
    value === null || ["string", "number", "boolean", "undefined"].includes(typeof value);
  const refuse = (): never => {
    throw new TypeError(
      `${name}: a compiled function returns tensors, lists or records of them (which may also contain plain values), or nothing`,
    );
  };
  const visit = (value: unknown): ((all: Tensor[]) => unknown) => {
    if (value instanceof Tensor) {
      const at = tensors.push(value) - 1;
      return (all) => all[at];
    }
    if (Array.isArray(value)) {
      const parts = value.map(visit);
      return (all) => parts.map((part) => part(all));
    }
    if (isRecord(value)) {
      const parts = Object.entries(value).map(([key, item]) => [key, visit(item)] as const);
      return (all) => Object.fromEntries(parts.map(([key, part]) => [key, part(all)]));
    }
    return isPlain(value) ? () => value : refuse();
  };
  const assemble = visit(result) as (tensors: Tensor[]) => R;
  if (result !== undefined && tensors.length === 0) refuse();
  return { tensors, assemble };
}
