/** What the kernel's server and the process that runs the cells tell each other. */

import type { Segment } from "../../cells/edits.ts";

/** A MIME bundle as Jupyter's display messages hold it. */
export interface Bundle {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

/** How a cell failed, as Jupyter's error messages hold it. */
export interface CellFailure {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** Positions of a compiled cell in the student's text; see {@link ../../cells/compile.ts}. */
export interface CellSource {
  /** What traces call the cell: "In [3]". */
  label: string;
  source: string;
  map: string;
  prefixLines: number;
  segments: Segment[];
}

/** From the server to the evaluator. */
export type Command =
  | {
      type: "execute";
      /** Number of this run; outputs carry it, also those that come after its end. */
      run: number;
      code: string;
      isAsync: boolean;
      cell: CellSource;
      /** Names that the cell declares. */
      declared: string[];
      /** Whether the value of the last expression is shown: not in a silent run. */
      showsResult: boolean;
      /** Whether the value comes back with `done` instead, as `user_expressions` want it. */
      returnsResult: boolean;
      /** Grows when a source file of the user's changed; then imports load it anew. */
      sourceVersion: number;
    }
  | { type: "interrupt" }
  /** `null` if the front end takes no questions. */
  | { type: "input"; id: number; value: string | null }
  | { type: "comm"; run: number; kind: CommKind; content: Record<string, unknown>; metadata: Record<string, unknown> };

export type CommKind = "comm_open" | "comm_msg" | "comm_close";

/** From the evaluator to the server. Binary parts travel beside them; see {@link ./packets.ts}. */
export type Report =
  | { type: "ready" }
  | { type: "stream"; run: number; name: "stdout" | "stderr" }
  | { type: "display"; run: number; kind: "display_data" | "update_display_data" | "clear_output"; content: object }
  | { type: "result"; run: number; bundle: Bundle }
  | { type: "input"; run: number; id: number; prompt: string; password: boolean }
  | { type: "comm"; run: number; kind: CommKind; content: object; metadata: object }
  /** A comm message has been dealt with. */
  | { type: "handled"; run: number }
  | { type: "done"; run: number; failure?: CellFailure; present: string[]; bundle?: Bundle };

/** File descriptors of the evaluator beside the standard three. */
export const REPORT_FD = 3;
export const COMMAND_FD = 4;

/** Written to both output descriptors as a run ends: all raw output before it belongs to the run. */
export function endMark(nonce: string, run: number): string {
  return `\u0000${nonce}:${run}\n`;
}
