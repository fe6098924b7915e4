import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { plural } from "../printed.ts";

/** What a tokenizer's folder says. */
export interface TokenizerFiles {
  /** Ids by token. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs to join, the first ones first. */
  readonly merges: readonly (readonly [string, string])[];
  /** The tokens for start, end, unknown words and padding. */
  readonly specialTokens: SpecialTokens;
  /** Tokens beyond the vocabulary, or in it, that are found before the text is cut into words. */
  readonly added: readonly { content: string; id: number; special: boolean }[];
  /** Tokens in a row that the text encoder takes. */
  readonly modelMaxLength: number;
}

/** Tokens that stand for no word. */
export interface SpecialTokens {
  /** At the start of a text. */
  readonly bosToken: string;
  /** At the end of a text. */
  readonly eosToken: string;
  /** In place of what the vocabulary does not know. */
  readonly unkToken: string;
  /** What fills a text up to its full length. */
  readonly padToken: string;
}

/** What a folder may hold: `vocab.json` with `merges.txt`, or `tokenizer.json`; the others if there are any. */
export const TOKENIZER_FILES = [
  "vocab.json",
  "merges.txt",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
] as const;

const SPECIAL_KEYS = {
  bosToken: { key: "bos_token", usual: "<|startoftext|>" },
  eosToken: { key: "eos_token", usual: "<|endoftext|>" },
  unkToken: { key: "unk_token", usual: "<|endoftext|>" },
  padToken: { key: "pad_token", usual: "<|endoftext|>" },
} as const;

type Json = Record<string, unknown>;

/**
 * Reads a tokenizer's folder as transformers does: `vocab.json` and `merges.txt` first, else `tokenizer.json`; special
 * tokens from `special_tokens_map.json` before `tokenizer_config.json`. (Stable Diffusion 2's two files disagree on the
 * padding: "!" in the first, which is what it was trained with.)
 *
 * @throws Error if there is no vocabulary, or a file is no sound CLIP tokenizer
 */
export async function readTokenizerFolder(folder: string): Promise<TokenizerFiles> {
  const texts = new Map<string, string>();
  for (const name of TOKENIZER_FILES) {
    try {
      texts.set(name, await readFile(join(folder, name), "utf8"));
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
  return parseTokenizer((name) => texts.get(name), folder);
}

/** As `readTokenizerFolder`, from the files' text. `where` names them in errors. */
export function parseTokenizer(textOf: (name: string) => string | undefined, where: string): TokenizerFiles {
  const json = (name: string): Json | undefined => {
    const text = textOf(name);
    return text === undefined ? undefined : asObject(parseJson(text, `${where}/${name}`), `${where}/${name}`);
  };
  const config = json("tokenizer_config.json") ?? {};
  const { vocab, merges, added } = readVocabulary(textOf, json, where);
  const map = json("special_tokens_map.json") ?? {};
  const special = (name: keyof SpecialTokens): string => {
    const { key, usual } = SPECIAL_KEYS[name];
    // A configuration that lists the added tokens is a newer one, which the map does not overrule.
    const given = config.added_tokens_decoder ? (config[key] ?? map[key]) : (map[key] ?? config[key]);
    return contentOf(given) ?? usual;
  };
  const specialTokens: SpecialTokens = {
    bosToken: special("bosToken"),
    eosToken: special("eosToken"),
    unkToken: special("unkToken"),
    padToken: special("padToken"),
  };
  const tokens = new Map(added.map((token) => [token.content, token]));
  for (const [id, token] of Object.entries(asObject(config.added_tokens_decoder ?? {}, "added_tokens_decoder"))) {
    const content = contentOf(token);
    if (content !== undefined) tokens.set(content, { content, id: Number(id), special: isSpecial(token) });
  }
  for (const [content, id] of Object.entries(json("added_tokens.json") ?? {})) {
    if (!tokens.has(content)) tokens.set(content, { content, id: Number(id), special: false });
  }
  for (const content of Object.values(specialTokens)) {
    const id = vocab.get(content) ?? tokens.get(content)?.id;
    if (id === undefined) {
      throw new Error(
        `${where}: the special token ${JSON.stringify(content)} is not in the vocabulary of ${plural(vocab.size, "token")}`,
      );
    }
    tokens.set(content, { content, id, special: true });
  }
  for (const { content, id } of tokens.values()) checkId(id, content, where);
  return { vocab, merges, specialTokens, added: [...tokens.values()], modelMaxLength: maxLength(config, where) };
}

function readVocabulary(
  textOf: (name: string) => string | undefined,
  json: (name: string) => Json | undefined,
  where: string,
) {
  const mergesText = textOf("merges.txt");
  const vocab = json("vocab.json");
  if (vocab && mergesText !== undefined) {
    const lines = mergesText.split("\n").map((line) => line.replace(/\r$/, ""));
    const merges = lines
      .map((line, i) => ({ line, at: `${where}/merges.txt, line ${i + 1}` }))
      .filter(({ line }, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
    return {
      vocab: checkVocab(vocab, `${where}/vocab.json`),
      merges: merges.map(({ line, at }) => pair(line.split(" "), at)),
      added: [],
    };
  }
  const content = json("tokenizer.json");
  if (!content) {
    const half = vocab
      ? "vocab.json without merges.txt"
      : mergesText !== undefined
        ? "merges.txt without vocab.json"
        : "";
    throw new Error(
      `${where}: ${half ? `has ${half}` : "no tokenizer in this folder"}; expected vocab.json and merges.txt, or tokenizer.json. ` +
        'In a pipeline\'s folder it is in "tokenizer": give { subfolder: "tokenizer" }.',
    );
  }
  const at = `${where}/tokenizer.json`;
  const model = asObject(content.model ?? {}, at);
  if (model.type !== "BPE" || model.end_of_word_suffix !== "</w>") {
    throw new Error(
      `${at}: contains a tokenizer of type ${JSON.stringify(model.type)} with the word ending ${JSON.stringify(model.end_of_word_suffix)}; ` +
        'CLIP\'s is "BPE" with "</w>"',
    );
  }
  const merges = Array.isArray(model.merges) ? model.merges : [];
  const added = Array.isArray(content.added_tokens) ? content.added_tokens : [];
  return {
    vocab: checkVocab(asObject(model.vocab ?? {}, at), at),
    merges: merges.map((merge, i) => pair(typeof merge === "string" ? merge.split(" ") : merge, `${at}, merge ${i}`)),
    added: added.map((token) => ({
      content: contentOf(token) ?? "",
      id: Number((token as Json).id),
      special: isSpecial(token),
    })),
  };
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${where}: not JSON (${(error as Error).message})`);
  }
}

function asObject(value: unknown, where: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${where}: holds ${Array.isArray(value) ? "a list" : typeof value}, expected an object`);
  }
  return value as Json;
}

function checkVocab(vocab: Json, where: string): Map<string, number> {
  const ids = new Map<string, number>();
  const taken = new Set<number>();
  for (const [token, id] of Object.entries(vocab)) {
    checkId(id, token, where);
    if (taken.has(id))
      throw new Error(`${where}: token ${JSON.stringify(token)} has the id ${id}, which belongs to another token`);
    taken.add(id);
    ids.set(token, id);
  }
  if (ids.size === 0) throw new Error(`${where}: the vocabulary is empty`);
  return ids;
}

function checkId(id: unknown, token: string, where: string): asserts id is number {
  // The bound keeps a damaged file from asking for a table of a billion entries.
  if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 1e7) {
    throw new Error(
      `${where}: token ${JSON.stringify(token)} has the id ${String(id)}; expected a whole number from 0 up`,
    );
  }
}

function pair(parts: unknown, where: string): [string, string] {
  if (!Array.isArray(parts) || parts.length !== 2 || parts.some((p) => typeof p !== "string" || p === "")) {
    throw new Error(`${where}: ${JSON.stringify(parts)}; expected two symbols with a space between`);
  }
  return [parts[0], parts[1]];
}

/** Tokens are written as strings, or as objects that hold one. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === "string") return token;
  const content = (token as Json | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

function isSpecial(token: unknown): boolean {
  return (token as Json | null)?.special === true;
}

function maxLength(config: Json, where: string): number {
  const given = config.model_max_length;
  // transformers writes 1e30 for "no limit known"; CLIP's text encoders take 77.
  if (given === undefined || given === null || (typeof given === "number" && given > 1e6)) return 77;
  if (!Number.isInteger(given) || (given as number) < 3) {
    throw new Error(
      `${where}/tokenizer_config.json: model_max_length ${String(given)}; expected a whole number from 3 up`,
    );
  }
  return given as number;
}
