import { join } from "node:path";
import { writeWhole } from "../files/write-whole.ts";
import { HUB_OPTIONS, type HubOptions, resolveFiles } from "../hub/index.ts";
import { checkOptions } from "../options.ts";
import { notice } from "../page/notice.ts";
import { counted, PRINTED, plural } from "../printed.ts";
import { fromArray } from "../tensor/create.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { type AddedToken, type Bpe, createTokenizer, normalize } from "./definition.ts";
import { parseTokenizer, readTokenizerFolder, TOKENIZER_FILES, type TokenizerFiles } from "./files.ts";
import { learnVocabulary } from "./learn.ts";

/** How a list of prompts becomes a rectangle. */
export interface BatchOptions {
  /** "max_length" fills every row up to `maxLength` (default), "longest" up to the longest row. */
  padding?: "max_length" | "longest";
  /** Cut what is longer than `maxLength`; default true. With false a longer prompt is an error. */
  truncation?: boolean;
  /** Tokens in a row, with the one at the start and the one at the end; default the tokenizer's own, 77. */
  maxLength?: number;
  /** Told in a sentence what was cut off; default a line on standard output. */
  onNotice?: (message: string) => void;
}

/** Prompts as the text encoder takes them. */
export interface TokenBatch {
  /** int64 `[prompts, length]` */
  readonly inputIds: Tensor;
  /** int64 `[prompts, length]`: 1 where there is a token, 0 where there is padding */
  readonly attentionMask: Tensor;
  /** Each prompt's text that did not fit; "" if all did. */
  readonly truncated: readonly string[];
}

/**
 * CLIP's tokenizer: lower case, then byte-pair encoding of each word, between a token for the start and one for the end.
 * The ids are those of Hugging Face's fast CLIP tokenizer.
 *
 * @see Sennrich et al. 2016 (byte-pair encoding): https://arxiv.org/abs/1508.07909
 */
export class CLIPTokenizer {
  /** The token at the start of every prompt. */
  readonly bosToken: string;
  /** The token at the end of every prompt. */
  readonly eosToken: string;
  /** The token that fills a prompt up to 77. */
  readonly padToken: string;
  /** The token for what the vocabulary does not know. */
  readonly unkToken: string;
  /** Id of the token at the start: 49406. */
  readonly bosTokenId: number;
  /** Id of the token at the end: 49407. */
  readonly eosTokenId: number;
  /** Id of the token that fills up. */
  readonly padTokenId: number;
  /** Tokens in a row that the text encoder takes: 77. */
  readonly modelMaxLength: number;
  readonly #files: TokenizerFiles;
  #added: readonly AddedToken[];
  #tokenizer: Bpe;

  constructor(files: TokenizerFiles) {
    this.#files = files;
    this.#added = files.added;
    this.#tokenizer = createTokenizer(files, this.#added);
    ({
      bosToken: this.bosToken,
      eosToken: this.eosToken,
      padToken: this.padToken,
      unkToken: this.unkToken,
    } = files.specialTokens);
    this.bosTokenId = this.tokenToId(this.bosToken)!;
    this.eosTokenId = this.tokenToId(this.eosToken)!;
    this.padTokenId = this.tokenToId(this.padToken)!;
    this.modelMaxLength = files.modelMaxLength;
  }

  /**
   * Reads `vocab.json` and `merges.txt` (or `tokenizer.json`) from a folder or a repository on the Hugging Face hub:
   * `CLIPTokenizer.fromPretrained("stable-diffusion-v1-5/stable-diffusion-v1-5", { subfolder: "tokenizer" })`.
   *
   * @throws Error if they are missing or damaged, HubError where the hub cannot give them
   */
  static async fromPretrained(
    idOrFolder: string,
    options: HubOptions & { subfolder?: string } = {},
  ): Promise<CLIPTokenizer> {
    checkOptions("CLIPTokenizer.fromPretrained", options, [...Object.keys(HUB_OPTIONS), "subfolder"]);
    const { folder } = await resolveFiles(idOrFolder, {
      ...options,
      where: "CLIPTokenizer",
      patterns: TOKENIZER_FILES,
    });
    return new CLIPTokenizer(await readTokenizerFolder(folder));
  }

  /**
   * A tokenizer of its parts: ids by token, and the pairs to join in their order, such as `["a b</w>", "ab c"]`.
   *
   * @param options.padToken - default `<|endoftext|>`
   */
  static fromVocabulary(
    vocab: Readonly<Record<string, number>>,
    merges: readonly string[],
    options: { padToken?: string; modelMaxLength?: number } = {},
  ): CLIPTokenizer {
    return CLIPTokenizer.#of("CLIPTokenizer.fromVocabulary", vocab, merges, options);
  }

  static #of(
    where: string,
    vocab: Readonly<Record<string, number>>,
    merges: readonly string[],
    options: { padToken?: string; modelMaxLength?: number },
  ): CLIPTokenizer {
    const texts: Record<string, string> = {
      "vocab.json": JSON.stringify(vocab),
      "merges.txt": merges.join("\n"),
      "tokenizer_config.json": JSON.stringify({
        pad_token: options.padToken,
        model_max_length: options.modelMaxLength,
      }),
    };
    return new CLIPTokenizer(parseTokenizer((name) => texts[name], where));
  }

  /**
   * Learns a tokenizer from texts, such as the captions of a data set.
   *
   * @param options.vocabSize - tokens at most, with those for start and end; default 1,000, at least 514
   * @param options.modelMaxLength - tokens in a row that the text encoder will take; default 77
   */
  static learn(texts: Iterable<string>, options: { vocabSize?: number; modelMaxLength?: number } = {}): CLIPTokenizer {
    const { vocabSize = 1000, modelMaxLength = 77 } = options;
    const { vocab, merges } = learnVocabulary(texts, vocabSize);
    return CLIPTokenizer.#of("CLIPTokenizer.learn", vocab, merges, { modelMaxLength });
  }

  [PRINTED](): string {
    return `CLIPTokenizer: ${counted(this.vocabSize)} tokens, prompts of up to ${this.modelMaxLength}`;
  }

  /** Number of tokens, with those added. Ids are below it. */
  get vocabSize(): number {
    let largest = -1;
    for (const id of this.#files.vocab.values()) largest = Math.max(largest, id);
    for (const { id } of this.#added) largest = Math.max(largest, id);
    return largest + 1;
  }

  /** A token's id; undefined if there is no such token. */
  tokenToId(token: string): number | undefined {
    return this.#added.find((t) => t.content === token)?.id ?? this.#files.vocab.get(token);
  }

  /** The token of an id, as the vocabulary spells it (`horse</w>`); undefined if there is none. */
  idToToken(id: number): string | undefined {
    return this.#tokenizer.id_to_token(id);
  }

  /** The text's tokens as the vocabulary spells them, without those for start and end. */
  tokenize(text: string): string[] {
    return this.#tokenizer.tokenize(checkText("tokenize", text));
  }

  /**
   * The text's ids.
   *
   * @param options.addSpecialTokens - put the tokens for start and end around them; default true
   * @returns as many as it takes: see `batch` for cutting and padding
   */
  encode(text: string, options: { addSpecialTokens?: boolean } = {}): number[] {
    const { addSpecialTokens = true } = options;
    return this.#tokenizer.encode(checkText("encode", text), { add_special_tokens: addSpecialTokens }).ids;
  }

  /**
   * Prompts as one rectangle of ids, each row cut and padded to the same length.
   *
   * @throws RangeError if `maxLength` leaves no room for start and end, or a prompt is too long and `truncation` is off
   */
  batch(texts: string | readonly string[], options: BatchOptions = {}): TokenBatch {
    const { padding = "max_length", truncation = true, maxLength = this.modelMaxLength, onNotice = notice } = options;
    const list = typeof texts === "string" ? [texts] : texts;
    if (!Array.isArray(list) || list.length === 0) {
      throw new TypeError("CLIPTokenizer.batch: got no prompts, expected a string or a list of strings");
    }
    if (padding !== "max_length" && padding !== "longest") {
      throw new RangeError(
        `CLIPTokenizer.batch: unknown padding ${JSON.stringify(padding)}; expected "max_length" or "longest"`,
      );
    }
    if (!Number.isInteger(maxLength) || maxLength < 2) {
      throw new RangeError(
        `CLIPTokenizer.batch: maxLength ${maxLength}; expected a whole number from 2 up (each row begins and ends with a special token)`,
      );
    }
    const truncated: string[] = [];
    const rows = list.map((text) => {
      const ids = this.encode(text);
      const room = maxLength - 2;
      const cut = ids.slice(1 + room, -1);
      truncated.push(this.decode(cut));
      if (cut.length === 0) return ids;
      const count = `the prompt has ${plural(ids.length, "token")} including start and end, but only ${maxLength} fit`;
      if (!truncation) throw new RangeError(`CLIPTokenizer.batch: ${count}; shorten it, or turn truncation on`);
      onNotice(`CLIPTokenizer: ${count}; cut off: ${JSON.stringify(truncated.at(-1))}`);
      return [...ids.slice(0, 1 + room), this.eosTokenId];
    });
    const length = padding === "max_length" ? maxLength : Math.max(...rows.map((row) => row.length));
    const ids = new BigInt64Array(rows.length * length).fill(BigInt(this.padTokenId));
    const mask = new BigInt64Array(ids.length);
    for (const [i, row] of rows.entries()) {
      ids.set(row.map(BigInt), i * length);
      mask.fill(1n, i * length, i * length + row.length);
    }
    const shape = [rows.length, length];
    return { inputIds: fromArray("int64", shape, ids), attentionMask: fromArray("int64", shape, mask), truncated };
  }

  /**
   * The text of ids: lower case, a space behind every word.
   *
   * @param options.skipSpecialTokens - leave out those for start, end and padding; default false
   * @throws RangeError if an id is not in the vocabulary
   */
  decode(ids: Iterable<number | bigint>, options: { skipSpecialTokens?: boolean } = {}): string {
    const list = Array.from(ids, Number);
    for (const id of list) {
      if (this.idToToken(id) === undefined) {
        throw new RangeError(
          `CLIPTokenizer.decode: there is no token with id ${id}; expected 0 to ${this.vocabSize - 1}`,
        );
      }
    }
    if (list.length === 0) return "";
    return this.#tokenizer.decode(list, { skip_special_tokens: options.skipSpecialTokens ?? false }).trim();
  }

  /**
   * Adds tokens, such as the placeholder of a learned concept. Each gets the next free id: the text encoder's table of
   * embeddings needs a row for it.
   *
   * @returns how many were new
   */
  addTokens(tokens: string | readonly string[], options: { special?: boolean } = {}): number {
    const { special = false } = options;
    const fresh: AddedToken[] = [];
    let id = this.vocabSize;
    for (const content of typeof tokens === "string" ? [tokens] : tokens) {
      if (typeof content !== "string" || content.trim() === "") {
        throw new TypeError(
          `CLIPTokenizer.addTokens: got ${JSON.stringify(content)}, expected a word such as "<cat-toy>"`,
        );
      }
      if (this.tokenToId(content) !== undefined || fresh.some((t) => t.content === content)) continue;
      fresh.push({ content, id: id++, special });
    }
    if (fresh.length > 0) {
      this.#added = [...this.#added, ...fresh];
      this.#tokenizer = createTokenizer(this.#files, this.#added);
    }
    return fresh.length;
  }

  /**
   * Adds a concept that was learned as several vectors: `<cat-toy>`, `<cat-toy>_1`, `<cat-toy>_2` and so on.
   * `maybeConvertPrompt` writes them all where a prompt names the first.
   *
   * @returns their ids, in the vectors' order
   * @throws Error if one of the tokens is there already
   */
  addConcept(token: string, vectors = 1): number[] {
    if (!Number.isInteger(vectors) || vectors < 1) {
      throw new RangeError(`CLIPTokenizer.addConcept: ${plural(vectors, "vector")}; expected a whole number from 1 up`);
    }
    const tokens = Array.from({ length: vectors }, (_, i) => (i === 0 ? token : `${token}_${i}`));
    const taken = tokens.find((t) => this.tokenToId(t) !== undefined);
    if (taken !== undefined) {
      throw new Error(
        `CLIPTokenizer.addConcept: the token ${JSON.stringify(taken)} is already in the vocabulary; choose another name`,
      );
    }
    this.addTokens(tokens);
    return tokens.map((t) => this.tokenToId(t)!);
  }

  /**
   * The prompt with every concept of several vectors written out: `a <toy>` becomes `a <toy> <toy>_1 <toy>_2`. A concept is
   * found where the tokenizer finds its token: between commas, attached to other words, in any case, the longest name first.
   */
  maybeConvertPrompt(prompt: string): string {
    const text = checkText("maybeConvertPrompt", prompt);
    const names = this.#added.filter(({ special }) => !special).map(({ content }) => content);
    const known = new Map(names.map((name) => [normalize(name), name]));
    const pattern = [...known.keys()].sort((a, b) => b.length - a.length).map(asPattern);
    if (pattern.length === 0) return text;
    const found = new RegExp(pattern.join("|"), "giu");
    return text.normalize("NFC").replace(found, (match: string, at: number, normalized: string) => {
      const name = known.get(normalize(match));
      if (name === undefined) return match;
      const more: string[] = [];
      while (known.has(normalize(`${name}_${more.length + 1}`))) more.push(`${name}_${more.length + 1}`);
      const rest = normalized.slice(at + match.length);
      // Written out already, by hand or by an earlier call.
      if (more.length === 0 || normalize(rest).startsWith(normalize(` ${more[0]}`))) return match;
      // A digit right behind would make another token's name of the last.
      return [match, ...more].join(" ") + (/^\d/.test(rest) ? " " : "");
    });
  }

  /**
   * Writes the tokenizer's folder: `vocab.json`, `merges.txt`, `tokenizer_config.json`, `special_tokens_map.json`, and
   * `added_tokens.json` where tokens were added. transformers reads it.
   */
  async savePretrained(folder: string): Promise<void> {
    const { vocab, merges, specialTokens } = this.#files;
    const special = {
      bos_token: specialTokens.bosToken,
      eos_token: specialTokens.eosToken,
      unk_token: specialTokens.unkToken,
      pad_token: specialTokens.padToken,
    };
    const beyond = this.#added.filter((token) => !vocab.has(token.content));
    const files: Record<string, string> = {
      "vocab.json": JSON.stringify(Object.fromEntries(vocab)),
      "merges.txt": `#version: 0.2\n${merges.map((merge) => merge.join(" ")).join("\n")}\n`,
      "special_tokens_map.json": JSON.stringify(special, null, 2),
      "tokenizer_config.json": JSON.stringify(
        { tokenizer_class: "CLIPTokenizer", model_max_length: this.modelMaxLength, ...special },
        null,
        2,
      ),
    };
    if (beyond.length > 0) {
      files["added_tokens.json"] = JSON.stringify(Object.fromEntries(beyond.map((t) => [t.content, t.id])), null, 2);
    }
    for (const [name, text] of Object.entries(files)) {
      await writeWhole(join(folder, name), (write) => write(Buffer.from(text)));
    }
  }
}

function checkText(method: string, text: unknown): string {
  if (typeof text !== "string") {
    throw new TypeError(`CLIPTokenizer.${method}: got ${text === null ? "null" : typeof text}, expected a string`);
  }
  return text;
}

/** A regular expression for a token's text, in which any white space stands for a space. */
function asPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/\p{White_Space}+/gu, "\\p{White_Space}+");
}
