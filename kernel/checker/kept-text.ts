import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Texts that are longer are kept packed: a cell may hold megabytes of data. */
const LONG = 1 << 16;

/** A text that is kept for long and seldom needed. */
export class KeptText {
  readonly #text: string | Buffer;

  constructor(text: string) {
    this.#text = text.length > LONG ? deflateRawSync(text, { level: 1 }) : text;
  }

  get value(): string {
    return typeof this.#text === "string" ? this.#text : inflateRawSync(this.#text).toString("utf8");
  }
}
