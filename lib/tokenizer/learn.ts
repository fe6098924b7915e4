import { normalize, WORDS } from "./definition.ts";

/** A byte-pair vocabulary: ids by token, and the pairs to join in their order. */
export interface Vocabulary {
  readonly vocab: Record<string, number>;
  readonly merges: string[];
}

/** Ends the last symbol of a word. */
const END = "</w>";

/**
 * Learns a byte-pair vocabulary from texts: each pair of neighbouring symbols that is the most frequent becomes a
 * symbol of its own, until there are `size` or no pair is left that occurs twice. Of equally frequent pairs the first
 * in the alphabet is taken. All single bytes are in it, so that any text has tokens.
 *
 * @param size - tokens in all, with CLIP's two for start and end; at least 514 (256 bytes, in a word and at its end)
 * @throws RangeError if `size` is too small
 * @see Sennrich et al. 2016: https://arxiv.org/abs/1508.07909
 */
export function learnVocabulary(texts: Iterable<string>, size: number): Vocabulary {
  const letters = byteLetters();
  const tokens = [...letters, ...letters.map((letter) => letter + END)];
  if (!Number.isInteger(size) || size < tokens.length + 2) {
    throw new RangeError(`CLIPTokenizer: a vocabulary of ${size}; expected at least ${tokens.length + 2} tokens`);
  }
  const words = countWords(texts, letters);
  const merges: string[] = [];
  while (tokens.length + 2 < size) {
    const best = mostFrequentPair(words);
    if (!best) break;
    merges.push(best.join(" "));
    tokens.push(best.join(""));
    for (const word of words) join(word.symbols, best);
  }
  tokens.push("<|startoftext|>", "<|endoftext|>");
  return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

interface Word {
  readonly symbols: string[];
  readonly count: number;
}

function countWords(texts: Iterable<string>, letters: readonly string[]): Word[] {
  const counts = new Map<string, number>();
  const pattern = new RegExp(WORDS, "gu");
  for (const text of texts) {
    for (const word of normalize(text).match(pattern) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => {
    const symbols = [...Buffer.from(word)].map((byte) => letters[byte]!);
    symbols.push(symbols.pop()! + END);
    return { symbols, count };
  });
}

function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 0; i + 1 < symbols.length; i++) {
      const pair = `${symbols[i]} ${symbols[i + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let most = 1;
  for (const [pair, count] of counts) {
    if (count > most || (count === most && best !== undefined && pair < best)) [best, most] = [pair, count];
  }
  return best?.split(" ") as [string, string] | undefined;
}

function join(symbols: string[], [left, right]: readonly [string, string]): void {
  for (let i = 0; i + 1 < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) symbols.splice(i, 2, left + right);
  }
}

/**
 * A visible letter for each byte: those of Latin-1 that show stand for themselves, the others for letters from 256 up.
 *
 * @see https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */
function byteLetters(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const shows = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(shows ? byte : next++);
  });
}
