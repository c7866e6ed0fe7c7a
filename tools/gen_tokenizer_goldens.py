#!/usr/bin/env python3
"""Writes tests/tokenizers/data: difficult strings, small trained tokenizers of every kind, and what the reference makes of them.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3 gguf==0.19.0 protobuf==7.36.2
    python tools/gen_tokenizer_goldens.py tests/tokenizers/data --corpus TEXT [--vocabularies FOLDER]

Run it in the tree: data/stories260k/tok512.bin is read there.

strings.bin   u32 length and bytes of each string; not all are UTF-8 (the reference gets them with errors="replace").
NAME.json     a tokenizer.json trained here on the strings and the corpus; NAME.model one of SentencePiece.
NAME.crc      for each string a CRC-32, u32, over the reference's results: ids of the text without special tokens, with them,
              with what the post-processor adds; then the texts that the second gives, with and without special tokens. Ids
              are i32; each of the five parts is followed by the byte 0xFF.
              gemma4.gguf holds what gemma4.json does; t5.gguf is a SentencePiece model with the map of T5's.
Goldens of vocabularies in FOLDER (llama.cpp's ggml-vocab-*.gguf) are computed by a tokenizer built here from their contents.
The same versions write the same bytes, but for the three vocabularies with a suffix of words: their trainer numbers the
alphabet in the order of a hash that differs from run to run. Goldens are always of the vocabulary written beside them.
"""
import argparse
import collections
import io
import itertools
import json
import os
import random
import re
import struct
import tempfile
import unicodedata
import zlib

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CI = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CI + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES
QWEN2 = CI + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + SPACES
QWEN35 = CI + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + SPACES
UP, LOW = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def cased(end):
    return r"[^\r\n\p{L}\p{N}]?" + UP + "*" + LOW + "+" + end + r"|[^\r\n\p{L}\p{N}]?" + UP + "+" + LOW + "*" + end + "|"


GPT4O = cased(CI + "?") + r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES
TEKKEN = cased("") + r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + SPACES
DEEPSEEK3 = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"""
             r""" ?[\p{P}\p{S}]+[\r\n]*|""" + SPACES)
LETTERS = (
    "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373"
    "\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F"
    "\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77"
    "\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-"
    "\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC"
    "\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-"
    "\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3"
    "\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17"
    "\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-"
    "\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+")
PUNCTUATION = "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+"
CJK = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"
SPECIALS = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_start|>user"]


# ---- strings ----------------------------------------------------------------------------------------------------------

def strings():
    r = random.Random(20261121)
    scripts = [(0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x52F), (0x590, 0x5FF), (0x600, 0x6FF),
               (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x21FF),
               (0x2200, 0x23FF), (0x2460, 0x25FF), (0x2600, 0x27BF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
               (0xFB00, 0xFDFF), (0xFE00, 0xFFEF), (0x10000, 0x107FF), (0x1D400, 0x1D7FF), (0x1F1E6, 0x1F6FF),
               (0x20000, 0x2A6DF)]
    marks = [0x300, 0x301, 0x308, 0x323, 0x327, 0x345, 0x5B0, 0x64B, 0x93C, 0x94D, 0x1AB0, 0x20DD, 0x3099, 0xFE0F, 0x200D]
    spaces = [" ", " ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\v", "\f", "\u0085", "\u00a0", "\u1680",
              "\u2003", "\u2028", "\u2029", "\u202f", "\u3000", "\u200b", "\ufeff", "\u180e", "\u2581"]
    words = """the of and in to model Hello WORLD HTTPServer camelCase it's I'LL don't we'Ve they'RE 'tis 's 'S '\u017f 'd 'M
        naïve café cafe\u0301 Straße İstanbul ÅNGSTRÖM Å Å ﬁne ǅ ΑΒΓ Привет мир שלום مرحبا नमस्ते สวัสดี こんにちは 世界 中文字符
        한국어 안녕 각 각 👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 👍🏽 ½ ² ③ Ⅷ ٣٤ १२ 123 4567 1234567890 3.14 1,000,000 0x1F -42 1e-9 int main(void) {
        } return x->y[0]; def f(x): #include <stdio.h> /* */ // http://a.b/c?d=e&f=%20 user@example.com C:\\dir\\x ... !!! ??
        `code` **bold** $x^2$ <b> </s> <s> <unk> <pad> <0x0A> <0xFF> <|bos|> <|eos|> <|im_start|> <|im_start|>user <|im_end|>
        <|endoftext|> <|bos |> <|bo ▁ ▁▁a \u0120 \u010a Ä \u00ad \u0000 \u0001 \u007f \ufffd \ue000 \U0010ffff \u0378""".split()

    def char():
        lo, hi = r.choice(scripts)
        return chr(r.randint(lo, hi))

    def soup():
        return "".join(char() + ("".join(chr(r.choice(marks)) for _ in range(r.randint(1, 3))) if r.random() < .15 else "")
                       for _ in range(r.randint(1, 24)))

    def any_char():
        while True:
            c = r.randint(0, 0x10FFFF)
            if not 0xD800 <= c <= 0xDFFF:
                return chr(c)

    def text():
        return "".join(r.choice(words) + (r.choice(spaces) if r.random() < .85 else "") for _ in range(r.randint(1, 14)))

    def digits():
        return "".join(r.choice("0123456789" * 4 + " .,-²٣५x") for _ in range(r.randint(1, 20)))

    def blank():
        return "".join(r.choice(spaces) for _ in range(r.randint(1, 9))) + r.choice(["", "", "a", "1", "!"])

    def code():
        lines = ["if (a%d == b[%d]) {", "    x%d += y%d;", "\treturn 'it''s %d' + \"%d\";", "}  // %d%d", "# %d: %d"]
        return "".join(r.choice(lines) % (r.randint(0, 9999), r.randint(0, 9)) + r.choice(["\n", "\r\n", "\n\n"])
                       for _ in range(r.randint(1, 5)))

    def long_word():
        unit = r.choice(["a", "ab", "e", "x1", "é", "世", "-", "=", "ha", "\u0301", "🙂", "Aa"])
        return r.choice(["", " ", "I "]) + unit * r.randint(20, 220)

    def controls():
        return "".join(chr(r.choice(list(range(32)) + [127, 0x80, 0x9F, 0x85, 65, 97])) for _ in range(r.randint(1, 12)))

    def damaged():
        b = bytearray(r.choice([text, soup])().encode())
        for _ in range(r.randint(1, 4)):
            at = r.randint(0, len(b))
            if r.random() < .5 and at < len(b):
                del b[at]
            else:
                b[at:at] = r.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xed\xb2\xa9", b"\xf4\x90\x80\x80", b"\xe4\xb8",
                                     b"\x80", b"\xf0\x9f\x99", b"\xe0\x80\xaf", b"\xc3"])
        return bytes(b)

    kinds = [(text, 1800), (soup, 1000), (lambda: "".join(any_char() for _ in range(r.randint(1, 12))), 500), (digits, 300),
             (blank, 400), (code, 300), (long_word, 150), (controls, 150), (damaged, 500)]
    out = ["", " ", "\n", "\0", "a", "é", "\u0301", "<|bos|>", "<|bos|><|eos|> a", "x" * 5000, " " * 3000, "ab " * 400,
           "\n" * 300, "世界" * 600, "\u0315\u0301" * 200]
    for make, n in kinds:
        out += [make() for _ in range(n)]
    return [s if isinstance(s, bytes) else s.encode() for s in out]


# ---- results ----------------------------------------------------------------------------------------------------------

def crc(parts):
    value = 0
    for part in parts:
        if not isinstance(part, str):
            part = struct.pack("<%di" % len(part), *part)
        else:
            part = part.encode()
        value = zlib.crc32(part + b"\xff", value)
    return value


def results(tok, text):
    tok.encode_special_tokens = True
    plain = tok.encode(text, add_special_tokens=False).ids
    tok.encode_special_tokens = False
    special = tok.encode(text, add_special_tokens=False).ids
    return [plain, special, tok.encode(text, add_special_tokens=True).ids,
            tok.decode(special, skip_special_tokens=False), tok.decode(special, skip_special_tokens=True)]


def write_crc(path, texts, of):
    with open(path, "wb") as f:
        f.write(b"".join(struct.pack("<I", crc(of(t))) for t in texts))


# ---- tokenizers -------------------------------------------------------------------------------------------------------

def split(*patterns):
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns]


def byte_level(*before):
    return pre_tokenizers.Sequence(list(before) + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def trained(texts, pre=None, norm=None, model=None, trainer=None, decoder=None, size=520, added=()):
    tok = Tokenizer(model or models.BPE())
    if norm:
        tok.normalizer = norm
    if pre:
        tok.pre_tokenizer = pre
    tok.decoder = decoder or decoders.ByteLevel()
    tok.train_from_iterator(texts, trainer or trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIALS, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tok.add_special_tokens(SPECIALS)
    for token in added:
        (tok.add_special_tokens if token.special else tok.add_tokens)([token])
    tok.post_processor = processors.TemplateProcessing(
        single="<|bos|> $A <|eos|>", special_tokens=[("<|bos|>", tok.token_to_id("<|bos|>")), ("<|eos|>", tok.token_to_id("<|eos|>"))])
    return tok


def alphabet(texts):
    """Given outright: which of equally frequent characters the trainer itself would keep changes from run to run."""
    count = collections.Counter(c for t in texts for c in t)
    return {"initial_alphabet": sorted(sorted(count), key=count.get, reverse=True)[:300], "limit_alphabet": 300}


def fallback_bpe(texts, norm, pre, decoder, ignore_merges=False):
    """A Llama-2-like vocabulary: characters, merges, <0xXX>."""
    trainer = trainers.BpeTrainer(vocab_size=900, show_progress=False, **alphabet(texts),
                                  special_tokens=["<unk>"] + SPECIALS + ["<0x%02X>" % b for b in range(256)])
    return trained(texts, pre=pre, norm=norm, decoder=decoder, trainer=trainer,
                   model=models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True, ignore_merges=ignore_merges))


def gemma4(texts):
    """As Gemma 4: merges over the whole text, spaces as ▁, bytes, runs of newlines and spaces as added tokens."""
    byte_texts = ["<0x%02X>" % b for b in range(256)]
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|turn>", "<turn|>"]
    added = ["\n" * n for n in range(2, 6)] + ["▁" * n for n in range(2, 6)] + ["<table>", "</table>"]
    first = Tokenizer(models.BPE(unk_token="<unk>"))
    first.normalizer = normalizers.Replace(" ", "▁")
    first.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")  # as trained there, no piece holds two words
    first.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=1000, show_progress=False, **alphabet(texts),
                                                         special_tokens=specials + added + byte_texts))
    model = json.loads(first.to_str())["model"]
    tok = Tokenizer(models.BPE(model["vocab"], [tuple(m) for m in model["merges"]], unk_token="<unk>", fuse_unk=True,
                               byte_fallback=True))
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tok.add_special_tokens([AddedToken(t, normalized=False) for t in specials])
    tok.add_tokens([AddedToken(t, normalized=False) for t in added])
    tok.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", tok.token_to_id("<bos>"))])
    return tok


def write_gguf(path, model, texts, types, scores=None, **more):
    import gguf
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model(model)
    w.add_token_list(texts)
    w.add_token_types(types)
    if scores is not None:
        w.add_token_scores(scores)
    for name, value in more.items():
        getattr(w, "add_" + name)(value)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def write_gemma4_gguf(tok, path):
    saved = json.loads(tok.to_str())
    texts = sorted(saved["model"]["vocab"], key=saved["model"]["vocab"].get)
    added = {t["content"]: 3 if t["special"] else 4 for t in saved["added_tokens"]}
    types = [6 if re.fullmatch("<0x[0-9A-F]{2}>", t) else added.get(t, 1) for t in texts]  # as llama.cpp's converter
    write_gguf(path, "gemma4", texts, types, [0.0] * len(texts), token_merges=[" ".join(m) for m in saved["model"]["merges"]],
               bos_token_id=texts.index("<bos>"), eos_token_id=texts.index("<eos>"), unk_token_id=texts.index("<unk>"),
               add_bos_token=True)


def write_t5_gguf(data, path):
    model = sentencepiece_model_pb2.ModelProto.FromString(data)
    write_gguf(path, "t5", [p.piece for p in model.pieces], [p.type for p in model.pieces], [p.score for p in model.pieces],
               precompiled_charsmap=model.normalizer_spec.precompiled_charsmap, add_space_prefix=True,
               remove_extra_whitespaces=True, unk_token_id=2, eos_token_id=1, add_eos_token=True)


def rules(path):
    """A few hundred rules of NFKC, some of several characters, and odd spaces: a map that is small."""
    keys = [chr(c) for lo, hi in ((0xA0, 0x17F), (0x2000, 0x206F), (0x2150, 0x218F), (0x2460, 0x24EA), (0xFF01, 0xFF5E))
            for c in range(lo, hi)] + [a + b for a in "aeiouAEIOUcns" for b in "̧̀́̂̈"]
    with open(path, "w", encoding="utf-8") as f:
        for key in keys:
            to = unicodedata.normalize("NFKC", key)
            if to != key:
                f.write("%s\t%s\n" % (" ".join("%04X" % ord(c) for c in key), " ".join("%04X" % ord(c) for c in to)))


def train_sentencepiece(texts, rule_name="identity", small_map=False, **args):
    lines = [l for t in texts[:1800] + texts[4000:] for l in t.split("\n") if l.strip() and "\0" not in l]
    with tempfile.TemporaryDirectory() as d:
        if small_map:
            rules(d + "/rules.tsv")
        how = {"normalization_rule_tsv": d + "/rules.tsv"} if small_map else {"normalization_rule_name": rule_name}
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, num_threads=1, character_coverage=.98, minloglevel=2,
            max_sentence_length=100000, hard_vocab_limit=False, **how, **args)
    read = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    read.normalizer_spec.ClearField("normalization_rule_tsv")  # a path
    return read.SerializeToString()


def unigram_pieces(texts):
    sp = sentencepiece.SentencePieceProcessor(model_proto=train_sentencepiece(texts, model_type="unigram", vocab_size=1500))
    return [{"piece": sp.id_to_piece(i), "score": sp.get_score(i)} for i in range(3, sp.get_piece_size())]


def tokenizers(texts):
    byte = pre_tokenizers.ByteLevel
    digits = pre_tokenizers.Digits
    extra = [AddedToken("<mask>", lstrip=True, special=True), AddedToken("hello", single_word=True),
             AddedToken("[X]", rstrip=True, lstrip=True, normalized=False), AddedToken("café", normalized=True)]
    llama_decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                       decoders.Strip(" ", 1, 0)])
    gemma_decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    yield "gpt2", trained(texts, byte(add_prefix_space=False))
    yield "gpt2_added", trained(texts, byte(add_prefix_space=True), norm=normalizers.Lowercase(), added=extra)
    yield "llama3", trained(texts, byte_level(*split(LLAMA3)), model=models.BPE(ignore_merges=True))
    yield "qwen2", trained(texts, byte_level(*split(QWEN2)), norm=normalizers.NFC())
    yield "qwen35", trained(texts, byte_level(*split(QWEN35)), norm=normalizers.NFC())
    yield "gpt4o", trained(texts, byte_level(*split(GPT4O)))
    yield "tekken", trained(texts, byte_level(*split(TEKKEN)))
    yield "deepseek_v3", trained(texts, byte_level(*split(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3)))
    yield "deepseek_llm", trained(texts, byte_level(*split("[\r\n]", LETTERS, PUNCTUATION, r"\s+$", CJK),
                                                    digits(individual_digits=True)))
    yield "deepseek_coder", trained(texts, byte_level(*split("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK),
                                                      digits(individual_digits=True)))
    yield "starcoder", trained(texts, pre_tokenizers.Sequence([digits(individual_digits=True), byte(add_prefix_space=False)]))
    yield "command_r", trained(texts, pre_tokenizers.Sequence([digits(individual_digits=True), byte(add_prefix_space=False)]),
                               norm=normalizers.NFC())
    yield "falcon", trained(texts, pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), byte(add_prefix_space=False), digits(individual_digits=False),
        pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")]))
    yield "neox_nfc", trained(texts, byte(add_prefix_space=False), norm=normalizers.NFC())
    yield "custom_regex", trained(texts, byte_level(*split(r"(?:[a-z]+(?=[A-Z])|[^ ]+)")))
    yield "llama2", fallback_bpe(texts, normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
                                 llama_decoder)
    yield "mistral", fallback_bpe(texts, None, pre_tokenizers.Metaspace("▁", "first", split=False), llama_decoder)
    yield "gemma", fallback_bpe(texts, normalizers.Replace(" ", "▁"),
                                pre_tokenizers.Split(" ", "merged_with_previous"), gemma_decoder)
    yield "gemma4", gemma4(texts)
    steps = [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip(left=True, right=False)]
    pieces = [(p["piece"], p["score"]) for p in unigram_pieces(texts)]
    for name, fall_back in (("unigram", False), ("unigram_bytes", True)):
        vocab = [("<unk>", 0.0)] + [(t, 0.0) for t in SPECIALS] + pieces
        if fall_back:
            vocab += [("<0x%02X>" % b, 0.0) for b in range(256)]
        tok = Tokenizer(models.Unigram(vocab, unk_id=0, byte_fallback=fall_back))
        tok.normalizer = normalizers.Sequence(steps)
        tok.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always")
        spaces = decoders.Metaspace("\u2581", "always")
        tok.decoder = decoders.Sequence([decoders.ByteFallback(), spaces]) if fall_back else spaces
        tok.add_special_tokens(SPECIALS)
        yield name, tok
    for name, pre, norm in (
            ("whitespace", pre_tokenizers.Whitespace(), normalizers.NFKD()),
            ("bert_like", pre_tokenizers.BertPreTokenizer(), normalizers.Sequence([
                normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()])),
            ("behaviours", pre_tokenizers.Sequence([
                pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("e", "merged_with_next"),
                pre_tokenizers.Split(Regex(r"\p{Lu}+"), "merged_with_previous"),
                pre_tokenizers.Split(Regex("[aeiou]"), "contiguous"), pre_tokenizers.Split(Regex(r"[^-]+"), "removed", invert=True),
                pre_tokenizers.Punctuation("removed"), pre_tokenizers.CharDelimiterSplit("x")]), None)):
        trainer = trainers.BpeTrainer(vocab_size=700, show_progress=False, end_of_word_suffix="</w>", **alphabet(texts),
                                      special_tokens=["<unk>"] + SPECIALS)
        yield name, trained(texts, pre, norm=norm, model=models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
                            trainer=trainer, decoder=decoders.BPEDecoder("</w>"))


def sentencepieces(texts, out):
    for name, args in (
            ("spm_bpe", dict(model_type="bpe", byte_fallback=True, remove_extra_whitespaces=False, vocab_size=1800)),
            ("spm_unigram", dict(model_type="unigram", vocab_size=1500)),
            ("spm_unigram_bytes", dict(model_type="unigram", byte_fallback=True, vocab_size=1800,
                                       user_defined_symbols=["http://", "[X]"])),
            ("spm_mapped", dict(model_type="unigram", vocab_size=1500, small_map=True)),
            ("t5", dict(model_type="unigram", vocab_size=1500, rule_name="nmt_nfkc", pad_id=0, eos_id=1, unk_id=2, bos_id=-1))):
        data = train_sentencepiece(texts, **args)
        if name == "t5":
            write_t5_gguf(data, os.path.join(out, "t5.gguf"))
        else:
            open(os.path.join(out, name + ".model"), "wb").write(data)
        yield name, sentencepiece.SentencePieceProcessor(model_proto=data)


# ---- others' vocabularies -----------------------------------------------------------------------------------------------

def merges_of_scores(vocab, scores, normal):
    """SentencePiece's BPE as a list of merges: what the reference makes of such a vocabulary, too."""
    merges = []
    for text, i in vocab.items():
        if not normal[i]:
            continue
        for cut in range(1, len(text)):
            a, b = text[:cut], text[cut:]
            if a in vocab and b in vocab:
                merges.append((-scores[i], vocab[a], vocab[b], a, b))
    merges.sort(key=lambda m: m[:3])
    return [(m[3], m[4]) for m in merges]


def from_llama2c(path):
    data = open(path, "rb").read()
    at, texts, scores = 4, [], []
    while at < len(data):
        score, n = struct.unpack_from("<fi", data, at)
        texts.append(data[at + 8:at + 8 + n].decode())
        scores.append(score)
        at += 8 + n
    vocab = {t: i for i, t in enumerate(texts)}
    tok = Tokenizer(models.BPE(vocab, merges_of_scores(vocab, scores, [i >= 259 for i in range(len(texts))]), unk_token=texts[0],
                               fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Prepend(" ")
    tok.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tok.add_special_tokens([AddedToken(t, normalized=False) for t in texts[:3]])
    tok.post_processor = processors.TemplateProcessing(single=texts[1] + " $A", special_tokens=[(texts[1], 1)])
    return tok


def from_gguf(path):
    import gguf
    reader = gguf.GGUFReader(path)
    get = lambda k: reader.fields[k].contents() if k in reader.fields else None
    texts, types, pre = get("tokenizer.ggml.tokens"), get("tokenizer.ggml.token_type"), get("tokenizer.ggml.pre")
    vocab = {t: i for i, t in enumerate(texts)}
    outside = (get("tokenizer.ggml.bos_token_id"), get("tokenizer.ggml.eos_token_id"))
    if get("tokenizer.ggml.model") == "llama":
        merges = merges_of_scores(vocab, get("tokenizer.ggml.scores"), [k == 1 for k in types])
        tok = Tokenizer(models.BPE(vocab, merges, unk_token=texts[get("tokenizer.ggml.unknown_token_id")],
                                   fuse_unk=True, byte_fallback=True))
        tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                         decoders.Strip(" ", 1, 0)])
    else:
        merges = [tuple(m.split(" ")) for m in get("tokenizer.ggml.merges")]
        tok = Tokenizer(models.BPE(vocab, merges, ignore_merges=pre == "llama-bpe"))
        tok.pre_tokenizer = {"gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False), "qwen2": byte_level(*split(QWEN2)),
                             "llama-bpe": byte_level(*split(LLAMA3))}[pre]
        if pre == "qwen2":
            tok.normalizer = normalizers.NFC()
        tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([AddedToken(t, normalized=False) for t, k in zip(texts, types) if k in (2, 3)])
    tok.add_tokens([AddedToken(t, normalized=False) for t, k in zip(texts, types) if k == 4])
    bos, eos = get("tokenizer.ggml.add_bos_token"), get("tokenizer.ggml.add_eos_token")
    if bos is None:
        bos = pre == "llama-bpe" or get("tokenizer.ggml.model") == "llama"
    names = [("B", outside[0])] * bool(bos) + [("E", outside[1])] * bool(eos)
    if names:
        tok.post_processor = processors.TemplateProcessing(
            single=("%s " % texts[outside[0]] if bos else "") + "$A" + (" %s" % texts[outside[1]] if eos else ""),
            special_tokens=[(texts[i], i) for _, i in names])
    return tok


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--corpus", required=True)
    p.add_argument("--vocabularies")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    raw = strings()
    with open(os.path.join(a.out, "strings.bin"), "wb") as f:
        for s in raw:
            f.write(struct.pack("<I", len(s)) + s)
    texts = [s.decode("utf-8", "replace") for s in raw]
    corpus = texts[15:4000] + list(itertools.islice(open(a.corpus, encoding="utf-8"), 1500))
    for name, tok in tokenizers(corpus):
        tok.save(os.path.join(a.out, name + ".json"), pretty=False)
        tok = Tokenizer.from_file(os.path.join(a.out, name + ".json"))
        write_crc(os.path.join(a.out, name + ".crc"), texts, lambda t: results(tok, t))
        if name == "gemma4":
            write_gemma4_gguf(tok, os.path.join(a.out, "gemma4.gguf"))
        print(name, tok.get_vocab_size(), flush=True)
    for name, sp in sentencepieces(corpus, a.out):
        # SentencePiece's own program knows one way only: ids of the text. Its results stand for all five parts' first.
        write_crc(os.path.join(a.out, name + ".crc"), texts, lambda t: [sp.encode(t)])
        print(name, sp.get_piece_size(), flush=True)
    tok = from_llama2c("data/stories260k/tok512.bin")
    write_crc(os.path.join(a.out, "tok512.crc"), texts, lambda t: results(tok, t))
    if a.vocabularies:
        for name in ("gpt-2", "phi-3", "qwen2", "llama-bpe"):
            tok = from_gguf(os.path.join(a.vocabularies, "ggml-vocab-%s.gguf" % name))
            write_crc(os.path.join(a.out, "ggml-vocab-%s.crc" % name), texts, lambda t: results(tok, t))
            print(name, tok.get_vocab_size(), flush=True)


main()
