import type { Header, Message } from "../wire/index.ts";
import { textOf } from "./fields.ts";

/** As many runs keep the request that they stem from; older ones print below the latest cell. */
const REMEMBERED_RUNS = 10_000;

/** What is kept of a request while its run can still print: not its content, which may be large. */
export interface Origin {
  header: Header;
  identities: Buffer[];
  /** The subshell that the request came to; "" is the shell itself. */
  subshell: string;
  isSilent: boolean;
  /** Whether the client that sent the cell can be asked. */
  allowsQuestions: boolean;
  /** Number of the cell. */
  count: number;
}

/**
 * Numbers the runs (cells, expressions of a request, messages of a comm), and keeps the requests that they stem from, so that
 * their outputs find the way back.
 */
export class Runs {
  readonly #origins = new Map<number, Origin>();
  #last = 0;
  #latestCell = 0;

  /**
   * Begins a run.
   *
   * @param count - number of the cell, as front ends show it
   * @returns its number
   */
  begin(kind: "cell" | "comm", { header, identities, content }: Message, count: number): number {
    const run = ++this.#last;
    if (kind === "cell") this.#latestCell = run;
    this.#origins.set(run, {
      header,
      identities,
      subshell: subshellOf(header),
      isSilent: content.silent === true,
      allowsQuestions: content.allow_stdin === true,
      count,
    });
    this.#origins.delete(run - REMEMBERED_RUNS);
    return run;
  }

  /** The request that a run stems from; undefined if that is too long ago. */
  originOf(run: number): Origin | undefined {
    return this.#origins.get(run);
  }

  /** The request of the latest cell: what nobody else prints appears below it. */
  get latestOrigin(): Origin | undefined {
    return this.originOf(this.#latestCell);
  }
}

/** The subshell that a message is for; "" if it is for the shell itself. */
export function subshellOf(header: Header): string {
  return textOf((header as { subshell_id?: unknown }).subshell_id);
}
