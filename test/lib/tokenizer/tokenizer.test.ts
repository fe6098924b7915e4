import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLIPTokenizer } from "../../../lib/tokenizer/index.ts";

interface Reference {
  texts: string[];
  merges: string[];
  small: number[][];
  smallDecoded: string[];
  smallDecodedPlain: string[];
  padded: { input_ids: number[]; attention_mask: number[] }[];
  exclamation: { pad: [string, number]; ids: number[][]; padded: number[] };
  added: { tokens: string[]; ids: number[][] };
  addedMore: [string, number[]][];
  clip: number[][];
}
const reference: Reference = JSON.parse(
  readFileSync(new URL("../../reference/clip-tokenizer.json", import.meta.url), "utf8"),
);

const BOS = "<|startoftext|>";
const EOS = "<|endoftext|>";

/** The printable stand-ins of the 256 bytes, in the order of CLIP's vocabulary. */
function byteSymbols(): string[] {
  const kept = [...range(33, 127), ...range(161, 173), ...range(174, 256)];
  const rest = range(0, 256).filter((b) => !kept.includes(b));
  return [...kept, ...rest.map((_, i) => 256 + i)].map((code) => String.fromCharCode(code));
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function vocabulary(merges: string[]): Record<string, number> {
  const symbols = byteSymbols();
  const tokens = [...symbols, ...symbols.map((s) => `${s}</w>`), ...merges.map((m) => m.replace(" ", "")), BOS, EOS];
  return Object.fromEntries(tokens.map((token, i) => [token, i]));
}

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "difflab-tokenizer-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A tokenizer's folder with the small vocabulary, and the files given. */
async function folderOf(files: Record<string, unknown> = {}): Promise<string> {
  const folder = join(root, String(count++));
  await mkdir(folder);
  const all: Record<string, unknown> = {
    "vocab.json": vocabulary(reference.merges),
    "merges.txt": `#version: 0.2\n${reference.merges.join("\n")}\n`,
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    if (content === undefined) continue;
    await writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return folder;
}
const small = async () => CLIPTokenizer.fromPretrained(await folderOf());

/** Fails with the texts whose ids differ. */
function expectIds(tokenizer: CLIPTokenizer, ids: number[][]) {
  const different = reference.texts.filter((text, i) => String(tokenizer.encode(text)) !== String(ids[i]));
  expect(different).toEqual([]);
}

describe("CLIPTokenizer", () => {
  test("gives the ids of Hugging Face's fast tokenizer, whatever the text", async () => {
    expect(reference.texts.length).toBeGreaterThan(120);
    expectIds(await small(), reference.small);
  });

  const merges = fileURLToPath(new URL("../../../../shared/data/clip/bpe_simple_vocab_16e6.txt.gz", import.meta.url));
  test.skipIf(!existsSync(merges))(
    "gives them with CLIP's own vocabulary (skipped where its merges are not at hand)",
    () => {
      const lines = gunzipSync(readFileSync(merges)).toString("utf8").split("\n").slice(1, 48895);
      const tokenizer = CLIPTokenizer.fromVocabulary(vocabulary(lines), lines);
      expect(tokenizer.vocabSize).toBe(49408);
      expect(tokenizer.encode("A picture of a puppy")).toEqual([49406, 320, 1674, 539, 320, 6829, 49407]);
      expectIds(tokenizer, reference.clip);
    },
  );

  test("reads tokenizer.json where there is no vocab.json", async () => {
    const vocab = vocabulary(reference.merges);
    const added_tokens = [BOS, EOS].map((content) => ({ id: vocab[content], content, special: true }));
    const model = { type: "BPE", end_of_word_suffix: "</w>", vocab, merges: reference.merges.map((m) => m.split(" ")) };
    const folder = await folderOf({
      "vocab.json": undefined,
      "merges.txt": undefined,
      "tokenizer.json": { added_tokens, model },
    });
    expectIds(await CLIPTokenizer.fromPretrained(folder), reference.small);
  });

  test("decodes to the text that Hugging Face's gives", async () => {
    const tokenizer = await small();
    expect(reference.small.map((ids) => tokenizer.decode(ids))).toEqual(reference.smallDecoded);
    expect(reference.small.map((ids) => tokenizer.decode(ids, { skipSpecialTokens: true }))).toEqual(
      reference.smallDecodedPlain,
    );
    expect(tokenizer.decode([])).toBe("");
    expect(() => tokenizer.decode([5, 802])).toThrow(
      "CLIPTokenizer.decode: there is no token with id 802; expected 0 to 801",
    );
  });

  test("cuts and pads to 77, and names what was cut off", async () => {
    const tokenizer = await small();
    const notices: string[] = [];
    const texts = ["a red three", "word ".repeat(80)];
    const batch = tokenizer.batch(texts, { onNotice: (message) => notices.push(message) });
    expect(batch.inputIds.shape).toEqual([2, 77]);
    expect(batch.inputIds.dtype).toBe("int64");
    expect([...(await batch.inputIds.data())].map(Number)).toEqual(reference.padded.flatMap((row) => row.input_ids));
    expect([...(await batch.attentionMask.data())].map(Number)).toEqual(
      reference.padded.flatMap((row) => row.attention_mask),
    );
    // "word" takes several tokens of the small vocabulary; what is kept and what is cut make the whole.
    const kept = tokenizer.decode(reference.padded[1]!.input_ids, { skipSpecialTokens: true });
    expect(batch.truncated[0]).toBe("");
    expect(`${kept} ${batch.truncated[1]}`.replaceAll(" ", "")).toBe("word".repeat(80));
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(
      /^CLIPTokenizer: the prompt has \d+ tokens including start and end, but only 77 fit; cut off: ".*word"$/,
    );
  });

  test("pads to the longest prompt when asked, and refuses what does not fit when cutting is off", async () => {
    const tokenizer = await small();
    const { inputIds } = tokenizer.batch(["a", "a red three"], { padding: "longest" });
    expect(inputIds.shape[1]).toBe(tokenizer.encode("a red three").length);
    expect(() => tokenizer.batch("word ".repeat(80), { truncation: false })).toThrow(/has \d+ tokens.*77 fit; shorten/);
    expect(() => tokenizer.batch("a", { maxLength: 1 })).toThrow("maxLength 1; expected a whole number from 2 up");
    expect(() => tokenizer.batch([])).toThrow("got no prompts");
    expect(() => tokenizer.batch([3 as unknown as string])).toThrow(
      "CLIPTokenizer.encode: got number, expected a string",
    );
  });

  test("pads Stable Diffusion 2's prompts with an exclamation mark, from special_tokens_map.json", async () => {
    const folder = await folderOf({
      "tokenizer_config.json": { model_max_length: 77, pad_token: EOS, bos_token: BOS, eos_token: EOS, unk_token: EOS },
      "special_tokens_map.json": { bos_token: BOS, eos_token: { content: EOS }, unk_token: EOS, pad_token: "!" },
    });
    const tokenizer = await CLIPTokenizer.fromPretrained(folder);
    expect([tokenizer.padToken, tokenizer.padTokenId]).toEqual(reference.exclamation.pad);
    expectIds(tokenizer, reference.exclamation.ids);
    const { inputIds } = tokenizer.batch("hello!", { maxLength: 12 });
    expect([...(await inputIds.data())].map(Number)).toEqual(reference.exclamation.padded);
  });

  test("takes new tokens, finds them in the text, and gives every vector of a concept", async () => {
    const tokenizer = await small();
    const size = tokenizer.vocabSize;
    expect(tokenizer.addTokens(reference.added.tokens)).toBe(4);
    expect(tokenizer.addTokens(["<cat-toy>", BOS])).toBe(0);
    expect(tokenizer.vocabSize).toBe(size + 4);
    expectIds(tokenizer, reference.added.ids);
    for (const [text, ids] of reference.addedMore) expect(tokenizer.encode(text), text).toEqual(ids);

    const other = await small();
    expect(other.addConcept("<bird>", 3)).toEqual([size, size + 1, size + 2]);
    expect(other.maybeConvertPrompt("a <bird>, on a <bird>")).toBe(
      "a <bird> <bird>_1 <bird>_2, on a <bird> <bird>_1 <bird>_2",
    );
    expect(other.maybeConvertPrompt("a red three")).toBe("a red three");
    const written = other.maybeConvertPrompt("a <bird>");
    expect(other.maybeConvertPrompt(written)).toBe(written);
    // Between commas, attached to other words, in any case, of several words, beside longer names: every vector is there.
    const ids = {
      EasyNegative: other.addConcept("EasyNegative", 8),
      "my style": other.addConcept("my style", 2),
      "<bird>s": other.addConcept("<bird>s", 12),
      "a-b": other.addConcept("a-b", 2),
    };
    const cases: [string, (keyof typeof ids)[]][] = [
      ["bad hands,EasyNegative,blurry", ["EasyNegative"]],
      ["(EasyNegative:1.2) a-b", ["EasyNegative", "a-b"]],
      ["xEasyNegativey, easynegative", ["EasyNegative", "EasyNegative"]],
      ["in my  style!my style", ["my style", "my style"]],
      ["<bird>s<bird>s1", ["<bird>s", "<bird>s"]],
    ];
    for (const [prompt, concepts] of cases) {
      const found = other.encode(other.maybeConvertPrompt(prompt)).filter((id) => id >= ids.EasyNegative[0]!);
      expect(found, prompt).toEqual(concepts.flatMap((name) => ids[name]));
    }
    expect(other.maybeConvertPrompt("<bird>s,<bird>")).toMatch(
      /^<bird>s <bird>s_1 .* <bird>s_11,<bird> <bird>_1 <bird>_2$/,
    );
    expect(() => other.addConcept("<bird>")).toThrow('"<bird>" is already in the vocabulary');
    expect(() => other.addTokens(" ")).toThrow("expected a word");
  });

  test("saves a folder that it reads again, with the tokens added", async () => {
    const tokenizer = await small();
    tokenizer.addConcept("<bird>", 2);
    const folder = join(root, "saved");
    await tokenizer.savePretrained(folder);
    const again = await CLIPTokenizer.fromPretrained(folder);
    expect(again.encode("a <bird>_1 red three")).toEqual(tokenizer.encode("a <bird>_1 red three"));
    expect(again.vocabSize).toBe(tokenizer.vocabSize);
    expect(again.padTokenId).toBe(tokenizer.padTokenId);
  });

  test("says what is wrong with a folder", async () => {
    const failing = async (files: Record<string, unknown>) => CLIPTokenizer.fromPretrained(await folderOf(files));
    await expect(failing({ "vocab.json": undefined, "merges.txt": undefined })).rejects.toThrow(
      /no tokenizer in this folder; expected vocab\.json and merges\.txt, or tokenizer\.json\. .*subfolder/,
    );
    await expect(failing({ "merges.txt": undefined })).rejects.toThrow("has vocab.json without merges.txt");
    await expect(failing({ "vocab.json": "{" })).rejects.toThrow(/vocab\.json: not JSON/);
    await expect(failing({ "vocab.json": "[]" })).rejects.toThrow("vocab.json: holds a list, expected an object");
    await expect(failing({ "vocab.json": { a: 1.5 } })).rejects.toThrow('token "a" has the id 1.5');
    await expect(failing({ "vocab.json": { a: 1, b: 1 } })).rejects.toThrow(
      'token "b" has the id 1, which belongs to another token',
    );
    await expect(failing({ "vocab.json": { a: 1 } })).rejects.toThrow(
      `special token "${BOS}" is not in the vocabulary`,
    );
    await expect(failing({ "merges.txt": "#version: 0.2\na b c\n" })).rejects.toThrow("merges.txt, line 2");
    await expect(failing({ "tokenizer_config.json": { model_max_length: 1 } })).rejects.toThrow("model_max_length 1");
    const model = { type: "WordPiece", vocab: {} };
    await expect(
      failing({ "vocab.json": undefined, "merges.txt": undefined, "tokenizer.json": { model } }),
    ).rejects.toThrow('contains a tokenizer of type "WordPiece"');
  });
});
