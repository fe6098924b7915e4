import { Tokenizer } from "@huggingface/tokenizers";
import type { TokenizerFiles } from "./files.ts";

/** A token with a number of its own, found in the text before it is cut into words. */
export interface AddedToken {
  readonly content: string;
  readonly id: number;
  /** Left out by `decode` where special tokens are, and never changed to lower case. */
  readonly special: boolean;
}

/**
 * CLIP's words: contractions, runs of letters, single digits, runs of anything else that is no white space.
 *
 * @see https://github.com/openai/CLIP/blob/main/clip/simple_tokenizer.py
 */
export const WORDS = String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

const WHITE_SPACE = /\p{White_Space}+/gu;
const CODE_POINT = /[\s\S]/gu;

/**
 * CLIP's clean-up. The library's own differs at the end of a word in Greek: `toLowerCase` on a whole text makes the last
 * sigma a final one, where Hugging Face's tokenizers go letter by letter.
 */
export function normalize(text: string): string {
  return text
    .normalize("NFC")
    .replace(WHITE_SPACE, " ")
    .replace(CODE_POINT, (letter) => letter.toLowerCase());
}

/** What we use of the library's tokenizer. (Its type declarations leave out the file endings that Node's resolution needs.) */
export interface Bpe {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  tokenize(text: string): string[];
  decode(ids: number[], options: { skip_special_tokens: boolean }): string;
  id_to_token(id: number): string | undefined;
  normalizer: (text: string) => string;
}

/** The byte-level BPE of `@huggingface/tokenizers`, set up as transformers sets up its fast CLIP tokenizer. */
export function createTokenizer(files: TokenizerFiles, added: readonly AddedToken[]): Bpe {
  const { bosToken, eosToken, unkToken } = files.specialTokens;
  const idOf = (token: string) => added.find((t) => t.content === token)!.id;
  const tokenizer: Bpe = new Tokenizer(
    {
      version: "1.0",
      added_tokens: added.map((token) => ({ ...token, normalized: !token.special })),
      // Any will do: it says that added tokens are cleaned up too, and ours takes its place.
      normalizer: { type: "Lowercase" },
      pre_tokenizer: {
        type: "Sequence",
        pretokenizers: [
          { type: "Split", pattern: { Regex: WORDS }, behavior: "Removed", invert: true },
          // Its own regular expression would only split words again, and takes a byte order mark for white space.
          { type: "ByteLevel", add_prefix_space: false, use_regex: false },
        ],
      },
      post_processor: { type: "RobertaProcessing", cls: [bosToken, idOf(bosToken)], sep: [eosToken, idOf(eosToken)] },
      decoder: { type: "ByteLevel" },
      model: {
        type: "BPE",
        unk_token: unkToken,
        end_of_word_suffix: "</w>",
        vocab: Object.fromEntries(files.vocab),
        merges: files.merges,
      },
    },
    { clean_up_tokenization_spaces: false },
  );
  tokenizer.normalizer = normalize;
  return tokenizer;
}
