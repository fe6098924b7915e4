import type { DType } from "../graph/dtype.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { readNow } from "../runtime/realize.ts";
import { type Nested, nested } from "./nested.ts";
import { tracing } from "./trace.ts";
import type { Values } from "./values.ts";

/** Any tensor. */
interface Printable extends Values<Printable> {}

/** Longer tensors are shown by the first and last elements of each dimension. */
const threshold = 1000;
const edge = 3;
/** Rows go on in the next line beyond this, as PyTorch's do. */
const lineWidth = 80;

/** `tensor([...], shape=[...], dtype=...)`, the values being known. */
export function format(data: ArrayLike<number | bigint>, shape: Shape, dtype: DType, notes = ""): string {
  const shorten = data.length > threshold;
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const shown: number[] = [];
  const visit = (dim: number, at: number, each: (at: number) => void): void => {
    if (dim === shape.length) each(at);
    else for (const i of visible(shape[dim]!, shorten)) if (i >= 0) visit(dim + 1, at + i * strides[dim]!, each);
  };
  visit(0, 0, (at) => shown.push(Number(data[at])));
  const write = writer(shown, dtype);
  const width = Math.max(0, ...shown.map((v) => write(v).length));
  const build = (dim: number, at: number, indent: number): string => {
    if (dim === shape.length) return write(Number(data[at])).padStart(width);
    const parts = visible(shape[dim]!, shorten).map((i) =>
      i < 0 ? "..." : build(dim + 1, at + i * strides[dim]!, indent + 1),
    );
    const last = dim === shape.length - 1;
    const gap = `,${"\n".repeat(Math.max(1, shape.length - 1 - dim))}${" ".repeat(indent + 1)}`;
    return `[${(last ? wrapped(parts, lineWidth - indent) : parts).join(gap)}]`;
  };
  return `tensor(${build(0, 0, 7)}, shape=[${shape.join(", ")}], dtype=${dtype}${notes})`;
}

/** Elements of one row, as many on a line as fit. */
function wrapped(parts: readonly string[], width: number): string[] {
  const each = Math.max(1, Math.floor(width / ((parts[0]?.length ?? 0) + 2)));
  return Array.from({ length: Math.ceil(parts.length / each) }, (_, i) =>
    parts.slice(i * each, (i + 1) * each).join(", "),
  );
}

function visible(n: number, shorten: boolean): number[] {
  if (!shorten || n <= 2 * edge) return Array.from({ length: n }, (_, i) => i);
  return [0, 1, 2, -1, n - 3, n - 2, n - 1];
}

/** One notation for all elements, so that columns line up: 4 digits, or an exponent where sizes differ too much. */
function writer(values: readonly number[], dtype: DType): (v: number) => string {
  if (dtype === "bool") return (v) => (v ? "true" : "false");
  if (dtype !== "float32" && dtype !== "float16") return (v) => String(v);
  const finite = values.filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const special = (v: number, text: (v: number) => string) =>
    Number.isNaN(v) ? "nan" : Number.isFinite(v) ? text(v) : v > 0 ? "inf" : "-inf";
  if (values.every((v) => !Number.isFinite(v) || Number.isInteger(v)) && !(most >= 1e6)) {
    return (v) => special(v, (w) => `${w}.`);
  }
  if (most / least > 1e4 || most >= 1e6 || least < 1e-4) return (v) => special(v, (w) => w.toExponential(4));
  return (v) => special(v, (w) => w.toFixed(4));
}

/** For a tensor that is not computed: its shape and how to see it. */
export function formatLazy(x: Printable): string {
  return `tensor(<not computed>, shape=[${x.shape.join(", ")}], dtype=${x.dtype}${notes(x)}) // await x.data() computes it`;
}

/** What `console.log` shows: the values, unless computing them would hold everything up. */
export function formatNow(x: Printable): string {
  if (x.numel() === 0) return format([], x.shape, x.dtype, notes(x));
  try {
    if (tracing.current === null) return format(valuesNow(x), x.shape, x.dtype, notes(x));
  } catch {
    // A tensor that cannot be read (disposed of, too large to wait for) still has a shape to show.
  }
  return formatLazy(x);
}

/** The elements in nested lists, computed while the program waits. */
export function listNow(x: Printable): Nested {
  return nested(x.numel() === 0 ? [] : valuesNow(x), x.shape, x.dtype);
}

function valuesNow(x: Printable): ArrayLike<number | bigint> {
  // Those of float16 are bits.
  return readNow((x.dtype === "float16" ? x.to("float32") : x).node);
}

function notes(x: Printable): string {
  return `${x.device === "cpu" ? "" : `, device=${x.device}`}${x.requiresGrad ? ", requiresGrad=true" : ""}`;
}

/** Text, and for matrices that fit a table as well. */
export async function mimeBundle(x: Printable): Promise<Record<string, unknown>> {
  const data = x.dtype === "int64" ? await x.bits() : await x.data();
  const text = format(data, x.shape, x.dtype, notes(x));
  return { "text/plain": text, "text/html": html(x, data, text) };
}

function html(x: Printable, data: ArrayLike<number | bigint>, text: string): string {
  const head = `<small>tensor <b>[${x.shape.join(", ")}]</b> ${x.dtype}${notes(x)}${summary(x, data)}</small>`;
  if (x.ndim === 0 || x.ndim > 2 || data.length === 0) return `${head}<pre style="margin:0">${text}</pre>`;
  const [rows, columns] = x.ndim === 1 ? [1, x.shape[0]!] : (x.shape as [number, number]);
  const shown = (n: number, limit: number) => visible(n, n > limit);
  const write = writer(
    shown(rows, 12).flatMap((r) => shown(columns, 12).map((c) => (r < 0 || c < 0 ? 0 : Number(data[r * columns + c])))),
    x.dtype,
  );
  const cell = (r: number, c: number) => (r < 0 || c < 0 ? "…" : write(Number(data[r * columns + c])));
  const body = shown(rows, 12)
    .map(
      (r) =>
        `<tr>${shown(columns, 12)
          .map((c) => `<td>${cell(r, c)}</td>`)
          .join("")}</tr>`,
    )
    .join("");
  return `${head}<table style="font-family:monospace;text-align:right">${body}</table>`;
}

function summary(x: Printable, data: ArrayLike<number | bigint>): string {
  if (data.length < 2 || (x.dtype !== "float32" && x.dtype !== "float16")) return "";
  let [sum, low, high] = [0, Infinity, -Infinity];
  for (const v of data as Float32Array) {
    sum += v;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const show = (v: number) => String(Number(v.toPrecision(4)));
  return ` mean ${show(sum / data.length)}, from ${show(low)} to ${show(high)}`;
}
