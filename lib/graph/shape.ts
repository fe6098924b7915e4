import { totalmem } from "node:os";
import { counted, plural } from "../printed.ts";

/** Shape arithmetic: what every operation needs to say which shape comes out, or why none can. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function show(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Refuses a shape that no tensor can have. */
export function checkShape(where: string, shape: Shape): void {
  if (!Array.isArray(shape) || shape.some((d) => !Number.isInteger(d) || d < 0)) {
    throw new RangeError(`${where}: got the shape ${format(shape)}; expected a list of integers, each 0 or more`);
  }
  // Four bytes for each element; half of that in float16, twice in int64: no matter for what is far too large.
  const bytes = 4 * sizeOf(shape);
  if (bytes > totalmem()) {
    throw new RangeError(
      `${where}: ${show(shape)} is ${counted(sizeOf(shape))} numbers, ${gib(bytes)} in float32; this computer has ${gib(totalmem())}. Make it smaller, or process it in parts.`,
    );
  }
}

/** Bytes as people read them: 37 GiB. */
export function gib(bytes: number): string {
  return `${counted(Number((bytes / 2 ** 30).toPrecision(2)))} GiB`;
}

function format(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(String).join(", ")}]` : String(value);
}

/** Shape of an elementwise result: trailing dimensions must agree or be 1. */
export function broadcast(where: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const p = a[a.length - rank + i] ?? 1;
    const q = b[b.length - rank + i] ?? 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw new RangeError(
        `${where}: shapes ${show(a)} and ${show(b)} do not match: dimension ${i - rank} is ${p} in one and ${q} in the other; expected equal sizes, or 1 in one of them`,
      );
    }
    out.push(p === 1 ? q : p);
  }
  return out;
}

/** Whether a tensor of `shape` may be repeated to `target`. */
export function broadcastsTo(shape: Shape, target: Shape): boolean {
  if (shape.length > target.length) return false;
  return shape.every((d, i) => d === 1 || d === target[target.length - shape.length + i]);
}

/** `dim` counted from the front; negative numbers count from the end. */
export function axis(where: string, dim: number, rank: number): number {
  if (!Number.isInteger(dim) || dim < -rank || dim >= rank) {
    throw new RangeError(
      rank === 0
        ? `${where}: dim ${dim} of a scalar; a scalar has no dimensions`
        : `${where}: dim ${dim} is out of range; a tensor of ${plural(rank, "dimension")} takes ${-rank} to ${rank - 1}`,
    );
  }
  return dim < 0 ? dim + rank : dim;
}

function shownDims(dims: unknown): string {
  if (typeof dims === "object" && dims !== null) return `{ ${Object.keys(dims).slice(0, 3).join(", ")} }`;
  return typeof dims === "string" ? JSON.stringify(dims) : String(dims);
}

/** Several dims, counted from the front, ascending, each once. `undefined` means all of them. */
export function axes(where: string, dims: number | readonly number[] | undefined, rank: number): number[] {
  if (dims === undefined) return Array.from({ length: rank }, (_, i) => i);
  if (typeof dims !== "number" && !Array.isArray(dims)) {
    throw new TypeError(
      `${where}: dims are ${shownDims(dims)}; expected a number or a list of numbers, such as ${where}(0)`,
    );
  }
  const list = (typeof dims === "number" ? [dims] : dims).map((d) => axis(where, d, rank));
  const unique = [...new Set(list)].sort((a, b) => a - b);
  if (unique.length !== list.length) throw new RangeError(`${where}: dims ${show(list)} name a dimension twice`);
  return unique;
}

/** Shape after reducing `dims` (ascending). */
export function reduced(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  if (keepdim) return shape.map((d, i) => (dims.includes(i) ? 1 : d));
  return shape.filter((_, i) => !dims.includes(i));
}

/** A requested shape with at most one -1, filled in so that it holds as many elements as `from`. */
export function inferShape(where: string, from: Shape, to: Shape): number[] {
  const unknown = to.indexOf(-1);
  const rest = to.reduce((n, d, i) => (i === unknown ? n : n * d), 1);
  const size = sizeOf(from);
  const out = [...to];
  if (unknown >= 0) {
    if (to.indexOf(-1, unknown + 1) >= 0) {
      throw new RangeError(`${where}: ${show(to)} leaves more than one dimension open; expected at most one -1`);
    }
    out[unknown] = rest === 0 ? 0 : size / rest;
  }
  if (out.some((d) => !Number.isInteger(d) || d < 0) || sizeOf(out) !== size) {
    throw new RangeError(
      `${where}: ${show(from)} has ${plural(size, "element")}, which cannot be reshaped to ${show(to)}`,
    );
  }
  return out;
}
