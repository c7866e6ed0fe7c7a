#!/usr/bin/env python3
"""Writes src/tokenizers/unicode_data.c: what the reference (HF tokenizers) takes each code point for.

    pip install tokenizers==0.23.3 unicodedata2==16.0.0
    python tools/gen_unicode.py src/tokenizers/unicode_data.c

Categories are Unicode 16.0's, which is what the regular expressions of that wheel know: the script probes every code point
against \\p{L} \\p{N} \\p{M} \\p{P} \\p{S} \\p{Z} and \\s there and stops if one differs. Its normalizers are of an older
Unicode; decompositions and combining classes are therefore kept only where the wheel has them (probed likewise).
"""
import sys

import tokenizers
import unicodedata2 as u
from tokenizers import Regex, normalizers, pre_tokenizers

assert u.unidata_version == "16.0.0" and tokenizers.__version__ == "0.23.3"
POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
GC = "Cn Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps Sc Sk Sm So Zl Zp Zs".split()


def matching(pattern):
    split, found = pre_tokenizers.Split(Regex(pattern), "removed"), set()
    for base in range(0, 0x110000, 256):
        points = [c for c in range(base, base + 256) if not 0xD800 <= c <= 0xDFFF]
        kept = {ch for t, _ in split.pre_tokenize_str("".join(map(chr, points))) for ch in t}
        found.update(c for c in points if chr(c) not in kept)
    return found


space = matching(r"\s")
assert len(space) == 25
for letter in "LNMPSZ":
    assert matching(r"\p{%s}" % letter) == {c for c in POINTS if u.category(chr(c))[0] == letter}, letter
# \w of its Whitespace pre-tokenizer and of single_word (Rust's, not Oniguruma's)
whitespace = pre_tokenizers.Whitespace()
word = {c for c in POINTS if len(whitespace.pre_tokenize_str("a" + chr(c))) == 1 and c not in space}

# what its Punctuation pre-tokenizer splits off: an older Unicode's \p{P}, and ASCII's symbols
punctuation = {c for c in POINTS
               if len(pre_tokenizers.Punctuation("isolated").pre_tokenize_str("a" + chr(c))) == 2}


def flags(c):
    return (GC.index(u.category(chr(c))) | (0x20 if c in space else 0) | (0x40 if c in word else 0) |
            (0x80 if c in punctuation else 0))


def two_stage(name, values, out, kind="uint8_t"):
    blocks, index = {}, []
    for base in range(0, 0x110000, 128):
        index.append(blocks.setdefault(tuple(values[base:base + 128]), len(blocks)))
    flat = [v for block in blocks for v in block]
    width = "uint8_t" if len(blocks) <= 256 else "uint16_t"
    array("unicode_%s_index" % name, width, index, out)
    array("unicode_%s_blocks" % name, kind, flat, out)


def array(name, kind, values, out):
    out.append("const %s %s[%d] = {" % (kind, name, len(values)))
    line = "   "
    for v in values:
        text = " %d," % v
        if len(line) + len(text) > 480:
            out.append(line)
            line = "   "
        line += text
    out += [line, "};"]


nf = {f: getattr(normalizers, f)() for f in ("NFC", "NFD", "NFKC", "NFKD")}
hangul = range(0xAC00, 0xAC00 + 11172)
canonical, compatible, ccc = {}, {}, [0] * 0x110000
for c in POINTS:
    if c in hangul:
        continue
    for form, table in (("NFD", canonical), ("NFKD", compatible)):
        theirs = nf[form].normalize_str(chr(c))
        if theirs != chr(c):
            assert theirs == u.normalize(form, chr(c)), hex(c)
            table[c] = theirs
    k = u.combining(chr(c))
    # a mark of class 240 before it, one of class 1 behind it: both stay in place if the wheel takes it for a starter
    if k and nf["NFD"].normalize_str("a\u0345" + chr(c) + "\u0334") != "a\u0345" + chr(c) + "\u0334":
        ccc[c] = k
assert all(nf["NFD"].normalize_str(chr(c)) == u.normalize("NFD", chr(c)) for c in hangul)

pairs = []  # (first, second, composed): what NFC of two code points makes one
for c in POINTS:
    d = u.decomposition(chr(c)).split()
    if c in canonical and len(d) == 2 and not d[0].startswith("<"):
        a, b = int(d[0], 16), int(d[1], 16)
        if nf["NFC"].normalize_str(chr(a) + chr(b)) == chr(c):
            pairs.append((a, b, c))
pairs.sort()

pool, where = [], {}


def place(text):
    points = tuple(map(ord, text))
    if points not in where:
        where[points] = len(pool)
        pool.extend(points)
    return where[points] << 5 | len(points)  # at most 18 code points


entries = []
for c in sorted(compatible):
    entries.append((c, place(canonical[c]) if c in canonical else 0,
                    place(compatible[c])))
assert set(canonical) <= set(compatible) and len(pool) < 1 << 26

strip = normalizers.StripAccents()
odd = []  # ranges in which StripAccents and Unicode 16 disagree on what is a mark
for c in POINTS:
    gone = strip.normalize_str(chr(c)) == ""
    if (u.category(chr(c))[0] == "M") != gone:
        if odd and odd[-1] == c - 1:
            odd[-1] = c
        else:
            odd += [c, c]

lower = []
for c in POINTS:
    low = normalizers.Lowercase().normalize_str(chr(c))
    if low != chr(c):
        lower += [c, ord(low[0])]
        assert len(low) == 1 or (c == 0x130 and low == "i\u0307"), hex(c)

out = ["/* Written by tools/gen_unicode.py from Unicode 16.0.0 and the behaviour of HF tokenizers 0.23.3. Do not edit. */",
       "/* clang-format off */", '#include "tokenizers/unicode_data.h"', ""]
two_stage("class", [flags(c) if not 0xD800 <= c <= 0xDFFF else GC.index("Cs") for c in range(0x110000)], out)
two_stage("ccc", ccc, out)
array("unicode_decompositions", "uint32_t", [v for e in entries for v in e], out)
array("unicode_decomposed", "uint32_t", pool, out)
array("unicode_compositions", "uint32_t", [v for p in pairs for v in p], out)
array("unicode_lower", "uint32_t", lower, out)
array("unicode_odd_marks", "uint32_t", odd, out)
open(sys.argv[1], "w").write("\n".join(out) + "\n")
header = ["/* Written by tools/gen_unicode.py with unicode_data.c; private to unicode.c. */", "#ifndef TOKENIZERS_UNICODE_DATA_H",
          "#define TOKENIZERS_UNICODE_DATA_H", "", "#include <stdint.h>", ""]
header += ["extern %s;" % l.split(" = ")[0] for l in out if l.startswith("const ")]
open(sys.argv[1][:-1] + "h", "w").write("\n".join(header + ["", "#endif"]) + "\n")
print(len(entries), len(pool), len(pairs), len(lower))
