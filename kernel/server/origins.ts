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

/** The requests that runs stem from, so that their outputs find the way back. */
export class Origins {
  readonly #origins = new Map<number, Origin>();

  remember(run: number, { header, identities, content }: Message, count: number): void {
    this.#origins.set(run, {
      header,
      identities,
      subshell: subshellOf(header),
      isSilent: content.silent === true,
      allowsQuestions: content.allow_stdin === true,
      count,
    });
    this.#origins.delete(run - REMEMBERED_RUNS);
  }

  get(run: number): Origin | undefined {
    return this.#origins.get(run);
  }
}

/** The subshell that a message is for; "" if it is for the shell itself. */
export function subshellOf(header: Header): string {
  return textOf((header as { subshell_id?: unknown }).subshell_id);
}
