import { plural } from "../../printed.ts";
import { promote } from "../dtype.ts";
import { Node } from "../node.ts";
import { axis, inferShape, type Shape, sameShape, show } from "../shape.ts";
import { cast, inFloat32 } from "./elementwise.ts";

export function reshape(x: Node, to: Shape): Node {
  const shape = inferShape("reshape", x.shape, to);
  if (sameShape(shape, x.shape)) return x;
  // Of two reshapes in a row the second alone is enough.
  const input = x.is("reshape") && !x.storage && x.inputs[0]!.requiresGrad === x.requiresGrad ? x.inputs[0]! : x;
  return sameShape(input.shape, shape) ? input : new Node("reshape", [input], {}, shape, x.dtype);
}

export function permute(x: Node, dims: readonly number[]): Node {
  const perm = dims.map((d) => axis("permute", d, x.shape.length));
  if (perm.length !== x.shape.length || new Set(perm).size !== perm.length) {
    throw new RangeError(
      `permute: dims ${show(dims)} must name each of the ${plural(x.shape.length, "dimension")} once`,
    );
  }
  if (perm.every((d, i) => d === i)) return x;
  return new Node(
    "permute",
    [x],
    { perm },
    perm.map((d) => x.shape[d]!),
    x.dtype,
  );
}

export function transpose(x: Node, a: number, b: number): Node {
  const perm = x.shape.map((_, i) => i);
  const p = axis("transpose", a, perm.length);
  const q = axis("transpose", b, perm.length);
  perm[p] = q;
  perm[q] = p;
  return permute(x, perm);
}

/** `size` elements from `start` on, every `step`th, in each dimension. The caller has checked the range. */
export function slice(x: Node, start: readonly number[], size: Shape, step: readonly number[], free = false): Node {
  if (sameShape(size, x.shape) && start.every((s) => s === 0) && step.every((s) => s === 1)) return x;
  return new Node("slice", [x], free ? { start, step, free } : { start, step }, size, x.dtype);
}

/** Elements `from` to `to` (not included) along `dim`; negative positions count from the end. */
export function narrow(x: Node, dim: number, from: number, to: number, step = 1, free = false): Node {
  const d = axis("slice", dim, x.shape.length);
  const size = x.shape[d]!;
  if (!Number.isInteger(step) || step < 1) throw new RangeError(`slice: step is ${step}; expected an integer above 0`);
  const clip = (p: number) => Math.min(Math.max(p < 0 ? p + size : p, 0), size);
  const [a, b] = [clip(from), clip(to)];
  const start = x.shape.map((_, i) => (i === d ? a : 0));
  const shape = x.shape.map((n, i) => (i === d ? Math.max(0, Math.ceil((b - a) / step)) : n));
  return slice(
    x,
    start,
    shape,
    x.shape.map((_, i) => (i === d ? step : 1)),
    free,
  );
}

/** `x` in reverse order along `dims`. */
export function flip(x: Node, dims: readonly number[]): Node {
  const flipped = dims.map((d) => axis("flip", d, x.shape.length));
  return slice(
    x,
    x.shape.map((n, i) => (flipped.includes(i) ? n - 1 : 0)),
    x.shape,
    x.shape.map((_, i) => (flipped.includes(i) ? -1 : 1)),
  );
}

/** `before` and `after` elements of `value` around each dimension; negative numbers cut off. */
export function pad(x: Node, before: readonly number[], after: readonly number[], value = 0): Node {
  if (before.every((n) => n === 0) && after.every((n) => n === 0)) return x;
  const shape = x.shape.map((n, i) => n + before[i]! + after[i]!);
  if (shape.some((n) => n < 0)) {
    throw new RangeError(`pad: cutting ${show(before)} and ${show(after)} off ${show(x.shape)} leaves nothing`);
  }
  return inFloat32(x, (wide) => new Node("pad", [wide], { before, after, value }, shape, wide.dtype));
}

export function cat(list: readonly Node[], dim: number): Node {
  const first = list[0];
  if (!first) throw new RangeError("cat: got an empty list; expected at least one tensor");
  const d = axis("cat", dim, first.shape.length);
  for (const x of list) {
    if (x.shape.length !== first.shape.length || x.shape.some((n, i) => i !== d && n !== first.shape[i])) {
      throw new RangeError(
        `cat: ${show(first.shape)} and ${show(x.shape)} differ in more than dim ${dim}, along which they are joined`,
      );
    }
  }
  if (list.length === 1) return first;
  const dtype = list.reduce((t, x) => promote(t, x.dtype), first.dtype);
  const shape = first.shape.map((n, i) => (i === d ? list.reduce((s, x) => s + x.shape[d]!, 0) : n));
  return new Node(
    "cat",
    list.map((x) => cast(x, dtype)),
    { dim: d },
    shape,
    dtype,
  );
}
