import type { DType, TypedArray } from "../graph/dtype.ts";
import type { Shape } from "../graph/shape.ts";

/**
 * What the engine's thread is asked and answers. It works through the requests in the order they are sent, so a buffer
 * may be named before it exists and freed while it is still being read.
 */
export type Request =
  | {
      readonly type: "open";
      readonly session: number;
      readonly model: Uint8Array;
      readonly options: SessionOptions;
      readonly weights?: EightBitFile;
    }
  | {
      readonly type: "run";
      readonly session: number;
      readonly feeds: readonly Feed[];
      readonly fetches: readonly Fetch[];
    }
  | {
      readonly type: "put";
      readonly buffer: number;
      readonly dtype: DType;
      readonly shape: Shape;
      readonly data: TypedArray;
    }
  | { readonly type: "read"; readonly buffer: number; readonly device: string }
  | { readonly type: "free"; readonly buffers: readonly number[]; readonly sessions: readonly number[] }
  | { readonly type: "stop" }
  | { readonly type: "block" }
  | { readonly type: "eightBit" }
  | { readonly type: "backends" };

/** An input of one run: a buffer of the thread, or numbers sent along. */
export interface Feed {
  readonly name: string;
  readonly buffer?: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data?: TypedArray;
}

/** An output of one run: kept in a buffer of the thread (written in place where it exists), or sent back. */
export interface Fetch {
  readonly name: string;
  readonly buffer?: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly read?: boolean;
}

/** A file of weights in 8 bits, which is written before a session opens and gone when it is open. */
export interface EightBitFile {
  readonly path: string;
  /** int8 rather than uint8 shifted by 128. */
  readonly signed: boolean;
  readonly parts: readonly EightBitSource[];
}

/** One weight: rows of `channels * places` numbers each, and where in the file they go. */
export interface EightBitSource {
  /** Where they are: bytes of a file, or elements of a buffer. */
  readonly from:
    | { readonly path: string; readonly offset: number }
    | { readonly buffer: number; readonly offset: number };
  /** Whether they are float16. */
  readonly half: boolean;
  readonly rows: number;
  readonly channels: number;
  readonly places: number;
  /** Of a 3x3 kernel: which 2x2 kernel of its neighbours' sums is meant, as `EightBitPart` says. */
  readonly corner?: readonly [0 | 1, 0 | 1] | undefined;
  /** Where the numbers go, `[places, channels, rows]`. */
  readonly offset: number;
  /** Where the scales go, `[rows]`. */
  readonly scales: number;
}

/** How a session of onnxruntime is opened. */
export interface SessionOptions {
  /**
   * Whether it runs in a separate thread, so that others can run while it opens; its inputs and outputs are then copied at
   * each run. Default false.
   */
  readonly aside?: boolean;
  /** Where it computes. */
  readonly device: string;
  /** Threads on the CPU. */
  readonly threads: number;
  /** Whether memory is kept for the next run; faster, at the price of a higher peak. */
  readonly arena: boolean;
  /** Folder in which external data lies. */
  readonly folder?: string;
  /** Whether memory is planned ahead from the first run. */
  readonly memPattern?: boolean;
  /** How far onnxruntime rewrites the graph. */
  readonly level?: "disabled" | "basic" | "extended" | "layout" | "all";
  /** Whether weights are rearranged when the session opens: slower to start, faster to run. */
  readonly prepacking?: boolean;
  /** Path prefix of a profile to write. */
  readonly profile?: string;
  /** Outputs that stay on the device. */
  readonly keep?: readonly string[];
  /** Whether idle threads spin for as long as it runs, instead of only briefly. */
  readonly spinning?: boolean;
}

export interface Envelope {
  readonly id: number;
  readonly request: Request;
  /** Present where the other side sleeps until the answer is there. */
  readonly wake?: Int32Array;
}

export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
