import type { Node, Storage } from "../../graph/node.ts";
import { sizeOf } from "../../graph/shape.ts";
import type { ExternalData } from "../../onnx/model.ts";

/** Where the numbers of a weight are: whole rows (output channels) of a tensor that exists. */
export interface WeightRows {
  readonly storage: Storage;
  /** The first row, and how many. */
  readonly start: number;
  readonly rows: number;
}

/**
 * The place of an output pixel in its block of four, `[y, x]`, and so which places of a 3x3 kernel see the same pixel of an image
 * that is enlarged by repeating pixels: the last two rows at y = 0, the first two at y = 1, and columns likewise.
 */
export type Corner = readonly [0 | 1, 0 | 1];

/** A weight to be written in 8 bits. */
export interface EightBitPart extends WeightRows {
  /** Input channels. */
  readonly channels: number;
  /** Places of the kernel: 9 for 3x3, 1 for a matrix. */
  readonly places: number;
  /** Of a 3x3 kernel behind nearest upsampling: which of its four 2x2 kernels. */
  readonly corner?: Corner | undefined;
  /** Where its bytes go, `[places, channels, rows]`. */
  readonly offset: number;
  /** Where its scales go, a float32 for each row. */
  readonly scales: number;
}

/** Where a weight's numbers and its scales are in the file. */
interface Place {
  readonly data: ExternalData;
  readonly scales: ExternalData;
}

/**
 * The weights that a graph reads in 8 bits, and where each lies in a file that is written before the session opens:
 * whole numbers from -127 to 127, and for each output channel a scale, its largest weight / 127. And the inputs of layers
 * that are rounded beside them, one after the other as the graph writes them.
 */
export class EightBitWeights {
  /**
   * int8, which processors with instructions for it (VNNI) multiply exactly and fast; others would cut off sums, so there
   * the numbers are uint8, shifted by 128: exact, too, and a little faster than float32.
   */
  readonly signed: boolean;
  /** The file, relative to the folder that the session is told. */
  readonly location: string;
  readonly parts: EightBitPart[] = [];
  /** For each input that is rounded: its number, and the ONNX value that says how coarse that is; above 1 is too coarse. */
  readonly rounded: { readonly input: number; readonly coarseness: string }[] = [];
  readonly #exact: ReadonlySet<number>;
  readonly #known = new Map<Storage, Map<string, Place>>();
  #inputs = 0;
  #end = 0;

  /** @param exact - numbers of the inputs that are not to be rounded */
  constructor(signed: boolean, location: string, exact: ReadonlySet<number> = new Set()) {
    this.signed = signed;
    this.location = location;
    this.#exact = exact;
  }

  /** Counts an input of layers; `round` writes how it is rounded, if it is, and returns its coarseness. */
  input(round: () => string): void {
    const input = this.#inputs++;
    if (!this.#exact.has(input)) this.rounded.push({ input, coarseness: round() });
  }

  /** Takes a weight in, unless it is there already; returns where its numbers and its scales will be. */
  add(weight: WeightRows, channels: number, places: number, corner?: Corner): Place {
    const { storage, start, rows } = weight;
    const ofStorage = this.#known.get(storage) ?? new Map<string, Place>();
    this.#known.set(storage, ofStorage);
    const key = `${start} ${rows} ${channels} ${places} ${corner}`;
    const known = ofStorage.get(key);
    if (known) return known;
    const place = { data: this.#take(rows * channels * places), scales: this.#take(4 * rows) };
    ofStorage.set(key, place);
    this.parts.push({ ...weight, channels, places, corner, offset: place.data.offset, scales: place.scales.offset });
    return place;
  }

  #take(length: number): ExternalData {
    const offset = this.#end;
    this.#end = Math.ceil((offset + length) / 64) * 64;
    return { location: this.location, offset, length };
  }
}

/** How many numbers each row of a weight has where it comes from. */
export function sourceWidth({
  channels,
  places,
  corner,
}: Pick<EightBitPart, "channels" | "places" | "corner">): number {
  return channels * (corner ? 9 : places);
}

/** The rows of a frozen weight that `node` stands for; null if it is anything else. */
export function frozenRows(node: Node): WeightRows | null {
  const rows = node.shape[0]!;
  let [at, start] = [node, 0];
  while (!at.storage) {
    const input = at.inputs[0];
    if (at.is("slice")) {
      const { start: from, step } = at.attrs;
      const whole = at.shape.every((size, i) => i === 0 || size === input!.shape[i]);
      if (!whole || step[0] !== 1) return null;
      start += from[0]!;
    } else if (at.is("reshape")) {
      if (at.shape[0] !== input!.shape[0]) return null;
    } else if (!at.is("detach") && !at.is("cast")) return null;
    at = input!;
  }
  const { storage } = at;
  const floats = storage.dtype === "float32" || storage.dtype === "float16";
  if (!storage.eightBit || !floats || sizeOf(storage.shape) === 0) return null;
  return { storage, start, rows };
}
