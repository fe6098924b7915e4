"""Token ids of Hugging Face's fast CLIP tokenizer: of a small vocabulary trained here, and of CLIP's own.

    pip install transformers==5.23.0 tokenizers==0.23.3
    python clip-tokenizer.py [bpe_simple_vocab_16e6.txt.gz] > clip-tokenizer.json

With CLIP's merges at hand (github openai/CLIP) the ids of its own vocabulary are recorded too: the ids alone.
"""

import gzip
import json
import os
import sys
import tempfile

import tokenizers
import transformers
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

BOS, EOS = "<|startoftext|>", "<|endoftext|>"


def byte_symbols():
    """The printable stand-ins of the 256 bytes, in the order of CLIP's vocabulary."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    codes = {b: b for b in kept}
    for b in range(256):
        if b not in codes:
            codes[b] = 256 + len(codes) - len(kept)
    return [chr(c) for c in codes.values()]


def vocabulary(merges):
    symbols = byte_symbols()
    tokens = [*symbols, *(s + "</w>" for s in symbols), *("".join(m) for m in merges), BOS, EOS]
    return {t: i for i, t in enumerate(tokens)}


CORPUS = """
a photograph of an astronaut riding a horse, a picture of a puppy, a red three, a blue seven, a green zero on a white page,
the quick brown fox jumps over the lazy dog, it's a dog's life and they're happy, we've seen what he'd do, i'm sure you'll like it,
a labrador in the style of vermeer, an oil painting of snowy mountains at dawn, highly detailed, trending on artstation, 4k 8k 2024,
a watercolor of a lighthouse, the number five drawn in thick ink, a small purple nine, two yellow digits side by side,
un château près de la rivière, eine schöne straße in münchen, привет мир, γειά σου κόσμε, 写真 猫 犬, una montaña roja
""".strip().splitlines()


def small_merges():
    tok = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=EOS))
    tok.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    trainer = trainers.BpeTrainer(vocab_size=900, end_of_word_suffix="</w>", show_progress=False, min_frequency=1,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(CORPUS * 2, trainer)
    return [tuple(m) for m in json.loads(tok.to_str())["model"]["merges"]]


TEXTS = [
    "", " ", "   \n\t ", "a", "A picture of a puppy", "a photograph of an astronaut riding a horse",
    "Labrador in the style of Vermeer", "HELLO World", "hello   world\n\nnew\tline\r\nend ", "  leading and trailing  ",
    "it's they're we've i'm you'll he'd don't", "IT'S THEY'RE WE'VE I'M", "rock'n'roll 's 't '' ' ''s", "it’s a curly ’quote’",
    "0", "1234567890", "3.14159, 2,718 and 1e-5", "a1b2c3", "½ ² ³ ① Ⅷ ٣ ५ 五 〇", "100% of $5.00 = £3 or €4 or ¥500",
    "!", "!!", "hello!", "hello !", "?!?!...", "... --- ...", "(a:1.2), [b], {c}", "a_b-c/d\\e|f", "#hash @at ~tilde `tick` ^caret", "<html> & </html> &amp; &lt;",
    "http://example.com/a?b=c&d=e#f", "user.name+tag@mail.example.org", "C:\\Users\\x", "😀", "a 😀 b", "👩‍👩‍👧‍👦 family 👍🏽 🇩🇪 ❤️", "🐶🐱🐭",
    "café", "cafe\u0301", "naïve façade", "ÀÉÎÕÜ àéîõü", "ÅNGSTRÖM Å", "ﬁ ligature ﬀ", "straße STRASSE ẞ", "İstanbul ISTANBUL ıstanbul",
    "ΣΊΣΥΦΟΣ σίσυφος ΟΔΟΣ", "ПРИВЕТ Мир ёлка", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは世界", "カタカナ ｶﾀｶﾅ", "你好，世界。", "안녕하세요", "한글 \u1112\u1161\u11ab",
    "Ǆ ǅ ǆ", "ŉ ǰ ΐ", "ꭰ Ꭰ", "𝐇𝐞𝐥𝐥𝐨 𝒲𝑜𝓇𝓁𝒹", "𐐀𐐨 deseret", "zero\u200bwidth\u200djoin\u2060er", "bom\ufeffhere \ufeff!x", "nbsp\u00a0here\u2003em\u3000wide", "line\u2028sep\u2029par", "nel\u0085here", "\u0000nul\u0001ctrl\u007f",
    "soft\u00adhyphen", "combining: e\u0301\u0302 n\u0303 \u0301alone", "Ω Ω K Å", "\u0344 \u0958 \u2adc", "x\u0338= y\u20dd",
    "<|startoftext|>", "<|endoftext|>", "a <|endoftext|> b", "a<|startoftext|>b", "<|STARTOFTEXT|> and <|EndOfText|>", "<|endoftext|><|endoftext|>", "<|endoftext", "< |endoftext| >", "<|startoftext|>a photo<|endoftext|>",
    "<cat-toy> on a table", "a <CAT-TOY>", "photo of <cat-toy>.", "x<cat-toy>y", "sks dog", "emb_style_1 emb_style",
    "supercalifragilisticexpialidocious", "pneumonoultramicroscopicsilicovolcanoconiosis", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababababab", "zzzzzqqqqqxxxxx jjjjkkkk",
    "word " * 80, "a very long prompt, " * 30, "🐙" * 50, "!" * 100, "7" * 90, "éèê" * 40,
    "highly detailed, digital painting, artstation, concept art, sharp focus, illustration, art by greg rutkowski and alphonse mucha, 8k",
    "</w>", "a</w> b</w>", "Ġ Ċ ĠĠ", "''", '"quoted" “double” «guillemets» „low“', "a—b–c‐d−e", "…", "™ ® © ° §", "♥♦♣♠ →←↑↓ ∑∫√∞≠≤", "١٢٣", "１２３ ＡＢＣ ａｂｃ", "H₂O x² E=mc²", "\U0001f1e6", "\ud7ff\ue000\uffff", "\U0010ffff",
    "The Quick Brown Fox's 3 LAZY dogs — they'd've run!", "mixedCASEwordsLikeTHIS", "tabs\t\ttabs", "a\u0300\u0301\u0302\u0303", "각 각 ᄀ", "߀߁ ߊ", "ᏸ Ᏸ ᲀ", "Ⴀ ⴀ ა Ა", "ⓐⒶ", "ʼn", "ﬃ", "ſ K Å",
]


def record(tok):
    return [tok(t)["input_ids"] for t in TEXTS]


def folder_of(merges, directory, **config):
    os.makedirs(directory)
    with open(os.path.join(directory, "vocab.json"), "w") as f:
        json.dump(vocabulary(merges), f)
    with open(os.path.join(directory, "merges.txt"), "w") as f:
        f.write("#version: 0.2\n" + "\n".join(" ".join(m) for m in merges) + "\n")
    for name, content in config.items():
        with open(os.path.join(directory, f"{name}.json"), "w") as f:
            json.dump(content, f)
    return directory


SD1 = {"tokenizer_config": {"model_max_length": 77, "pad_token": EOS, "bos_token": BOS, "eos_token": EOS, "unk_token": EOS}}
# As Stable Diffusion 2.x has it: the two files disagree on the padding.
SD2 = {
    "tokenizer_config": {"model_max_length": 77, "pad_token": EOS, "bos_token": BOS, "eos_token": EOS, "unk_token": EOS,
                         "tokenizer_class": "CLIPTokenizer"},
    "special_tokens_map": {"bos_token": BOS, "eos_token": EOS, "unk_token": EOS, "pad_token": "!"},
}


def main():
    root = tempfile.mkdtemp()
    merges = small_merges()
    sd1 = CLIPTokenizer.from_pretrained(folder_of(merges, f"{root}/1", **SD1))
    sd2 = CLIPTokenizer.from_pretrained(folder_of(merges, f"{root}/2", **SD2))
    out = {
        "versions": {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        "texts": TEXTS,
        "merges": [" ".join(m) for m in merges],
        "small": record(sd1),
        "smallDecoded": [sd1.decode(i) for i in record(sd1)],
        "smallDecodedPlain": [sd1.decode(i, skip_special_tokens=True) for i in record(sd1)],
        "padded": [sd1(t, padding="max_length", truncation=True, max_length=77) for t in ("a red three", "word " * 80)],
        "exclamation": {"pad": [sd2.pad_token, sd2.pad_token_id], "ids": record(sd2),
                        "padded": sd2("hello!", padding="max_length", max_length=12)["input_ids"]},
    }
    out["padded"] = [{k: v for k, v in p.items()} for p in out["padded"]]
    sd1.add_tokens(["<cat-toy>", "<cat-toy>_1", "emb_style", "emb_style_1"])
    out["added"] = {"tokens": ["<cat-toy>", "<cat-toy>_1", "emb_style", "emb_style_1"], "ids": record(sd1)}
    out["addedMore"] = [[t, sd1(t)["input_ids"]] for t in ("a <cat-toy> <cat-toy>_1 x", "<cat-toy>_1<cat-toy>", "EMB_STYLE emb_style_1", "a  <cat-toy>  b", "<cat-toy>s")]
    if len(sys.argv) > 1:
        lines = gzip.open(sys.argv[1]).read().decode("utf-8").split("\n")[1 : 49152 - 256 - 2 + 1]
        clip = CLIPTokenizer.from_pretrained(folder_of([tuple(l.split()) for l in lines], f"{root}/3", **SD1))
        out["clip"] = record(clip)
    json.dump(out, sys.stdout, ensure_ascii=True)
    print()


main()
