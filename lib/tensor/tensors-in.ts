import { Tensor } from "./tensor.ts";

/** Whether a value is an object without a class of its own. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The tensors in the arguments of a call, in order: in lists, records, Maps and Sets of any depth, each once. */
export function tensorsIn(args: readonly unknown[]): Tensor[] {
  const found = new Set<Tensor>();
  const entered = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (value instanceof Tensor) found.add(value);
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
    const isList = Array.isArray(value) || value instanceof Set;
    if (!isList && !(value instanceof Map) && !isRecord(value)) return;
    if (entered.has(value)) return;
    entered.add(value);
    if (isList) for (const item of value) visit(item);
    else if (value instanceof Map) for (const pair of value) visit(pair);
    else for (const key in value) visit(value[key]);
  };
  visit(args);
  return [...found];
}
