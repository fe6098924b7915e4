import { type DType, type TypedArray, viewBytes } from "../graph/dtype.ts";
import type { Shape } from "../graph/shape.ts";
import { Writer } from "./writer.ts";

/** ONNX's numbers for element types. @see https://onnx.ai/onnx/api/classes.html#tensorproto */
const elementType: Readonly<Record<DType | "int8", number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

export type Attribute = number | string | readonly number[] | { readonly float: number } | OnnxGraph;

/** Where an initializer lies in another file. */
export interface ExternalData {
  /** Relative to the folder that the session is told. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export const opset = 21;

/** Where onnxruntime's own operators are. */
export const microsoft = { domain: "com.microsoft" };

interface Operation {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly domain: string;
}

/** An ONNX graph under construction: operations are added in an order in which inputs come first. */
export class OnnxGraph {
  readonly #nodes: Operation[] = [];
  readonly #made = new Set<string>();
  readonly #renamed = new Map<string, string>();
  readonly #initializers: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];
  readonly #constants = new Map<string, string>();
  readonly #domains = new Set<string>();
  readonly #prefix: string;
  readonly #around: OnnxGraph | null;
  #count = 0;

  /**
   * @param prefix - of all names that are made here
   * @param around - the graph that this one is inside of
   */
  constructor(prefix = "", around: OnnxGraph | null = null) {
    this.#prefix = prefix;
    this.#around = around;
  }

  /** A graph inside this one, such as the body of a loop. It may read all values of this one. */
  body(): OnnxGraph {
    return new OnnxGraph(`${this.fresh()}_`, this);
  }

  input(name: string, dtype: DType | "int8", shape: Shape): string {
    this.#inputs.push(valueInfo(name, dtype, shape));
    return name;
  }

  output(name: string, dtype: DType, shape: Shape): void {
    this.#outputs.push(valueInfo(name, dtype, shape));
  }

  initializer(
    dtype: DType | "int8",
    shape: Shape,
    data: TypedArray | ExternalData,
    name = `${this.#prefix}c${this.#count++}`,
  ): string {
    const w = new Writer(128);
    for (const d of shape) w.int(1, d);
    w.int(2, elementType[dtype]);
    w.string(8, name);
    if (ArrayBuffer.isView(data)) {
      w.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } else {
      for (const [key, value] of Object.entries(data)) {
        w.message(13, (entry) => {
          entry.string(1, key);
          entry.string(2, String(value));
        });
      }
      w.int(14, 1); // data_location: external
    }
    this.#initializers.push(w.finish());
    return name;
  }

  /** The numbers `values` as a one-dimensional int64 constant; equal ones are written once. */
  ints(values: readonly number[]): string {
    return this.#shared(`i${values}`, () =>
      this.initializer(
        "int64",
        [values.length],
        BigInt64Array.from(values, (v) => BigInt(v)),
      ),
    );
  }

  /** `value` as a constant filling `shape`. */
  scalar(value: number, dtype: DType = "float32", shape: Shape = []): string {
    return this.#shared(`s${Object.is(value, -0) ? "-0" : value}${dtype}${shape}`, () =>
      this.initializer(dtype, shape, filled(value, dtype, shape)),
    );
  }

  /** A constant made once per `key`. */
  #shared(key: string, make: () => string): string {
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = make();
      this.#constants.set(key, name);
    }
    return name;
  }

  constant(key: string, dtype: DType, shape: Shape, make: () => TypedArray): string {
    return this.#shared(key, () => this.initializer(dtype, shape, make()));
  }

  /** Adds an operation with one output and returns that output's name. An empty input name leaves it out. */
  add(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: { domain?: string; output?: string } = {},
  ): string {
    const output = options.output ?? this.fresh();
    this.addMany(type, inputs, [output], attributes, options.domain);
    return output;
  }

  addMany(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
  ): void {
    if (domain) this.#domains.add(domain);
    for (const value of Object.values(attributes)) {
      if (value instanceof OnnxGraph) for (const inner of value.#domains) this.#domains.add(inner);
    }
    for (const name of outputs) this.#made.add(name);
    this.#nodes.push({ type, inputs, outputs, attributes, domain });
  }

  /** Makes the value `name` an output of the graph. */
  result(name: string, output: string, dtype: DType, shape: Shape): void {
    // What an operation made is renamed; what is an input, or an output already, is copied.
    if (this.#made.has(name) && !this.#renamed.has(name)) this.#renamed.set(name, output);
    else this.add("Identity", [name], {}, { output });
    this.output(output, dtype, shape);
  }

  fresh(): string {
    return `${this.#prefix}t${this.#count++}`;
  }

  /** The name of a value in the file. */
  #nameOf(name: string): string {
    const renamed = this.#renamed.get(name);
    if (renamed !== undefined || !this.#around) return renamed ?? name;
    return this.#around.#nameOf(name);
  }

  #write(w: Writer, { type, inputs, outputs, attributes, domain }: Operation): void {
    for (const name of inputs) w.string(1, this.#nameOf(name));
    for (const name of outputs) w.string(2, this.#nameOf(name));
    w.string(3, outputs[0] ?? "");
    w.string(4, type);
    for (const [name, value] of Object.entries(attributes)) {
      w.message(5, (a) => {
        if (value instanceof OnnxGraph) value.#writeAttribute(a, name);
        else writeAttribute(a, name, value);
      });
    }
    if (domain) w.string(7, domain);
  }

  #writeAttribute(w: Writer, name: string): void {
    w.string(1, name);
    w.message(6, (g) => this.#writeGraph(g));
    w.int(20, 5);
  }

  #writeGraph(g: Writer): void {
    for (const node of this.#nodes) g.message(1, (w) => this.#write(w, node));
    g.string(2, "difflab");
    for (const tensor of this.#initializers) g.bytes(5, tensor);
    for (const info of this.#inputs) g.bytes(11, info);
    for (const info of this.#outputs) g.bytes(12, info);
  }

  get nodeCount(): number {
    return this.#nodes.length;
  }

  /** The whole model as the bytes of an `.onnx` file. */
  encode(): Uint8Array {
    const w = new Writer();
    w.int(1, 10); // ir_version
    w.string(2, "difflab");
    w.message(7, (g) => this.#writeGraph(g));
    w.message(8, (o) => {
      o.string(1, "");
      o.int(2, opset);
    });
    for (const domain of this.#domains) {
      w.message(8, (o) => {
        o.string(1, domain);
        o.int(2, 1);
      });
    }
    return w.finish();
  }
}

function filled(value: number, dtype: DType, shape: Shape): TypedArray {
  const size = shape.reduce((n, d) => n * d, 1);
  if (dtype === "int64") return new BigInt64Array(size).fill(BigInt(Math.trunc(value)));
  if (dtype === "float32") return new Float32Array(size).fill(value);
  if (dtype === "int32") return new Int32Array(size).fill(value);
  if (dtype === "float16") throw new TypeError("a float16 constant is written as float32 and cast");
  return (viewBytes(dtype, new ArrayBuffer(size)) as Uint8Array).fill(dtype === "bool" ? Number(value !== 0) : value);
}

function valueInfo(name: string, dtype: DType | "int8", shape: Shape): Uint8Array {
  const w = new Writer(128);
  w.string(1, name);
  w.message(2, (type) => {
    type.message(1, (tensor) => {
      tensor.int(1, elementType[dtype]);
      tensor.message(2, (dims) => {
        for (const d of shape) dims.message(1, (dim) => dim.int(1, d));
      });
    });
  });
  return w.finish();
}

function writeAttribute(w: Writer, name: string, value: Exclude<Attribute, OnnxGraph>): void {
  w.string(1, name);
  if (typeof value === "number") {
    w.int(3, value);
    w.int(20, 2);
  } else if (typeof value === "string") {
    w.bytes(4, new TextEncoder().encode(value));
    w.int(20, 3);
  } else if ("float" in value) {
    w.float(2, value.float);
    w.int(20, 1);
  } else {
    for (const v of value) w.int(8, v);
    w.int(20, 7);
  }
}
