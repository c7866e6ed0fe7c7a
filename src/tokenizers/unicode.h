/* unicode.h - what a code point is, and the normal forms.
 *
 * Categories are those of Unicode 16.0; decompositions are those that the HF tokenizers library knows (an older Unicode),
 * so that ids agree with it. The tables are written by tools/gen_unicode.py, which probes that library.
 */
#ifndef TOKENIZERS_UNICODE_H
#define TOKENIZERS_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A set of categories: one bit each; beside them White_Space, \w, and what the Punctuation pre-tokenizer takes for
 * punctuation (the bit of surrogates, which UTF-8 has none of). */
enum {
    UC_CN = 1 << 0, UC_CC = 1 << 1, UC_CF = 1 << 2, UC_CO = 1 << 3, UC_PUNCT = 1 << 4,
    UC_LL = 1 << 5, UC_LM = 1 << 6, UC_LO = 1 << 7, UC_LT = 1 << 8, UC_LU = 1 << 9,
    UC_MC = 1 << 10, UC_ME = 1 << 11, UC_MN = 1 << 12, UC_ND = 1 << 13, UC_NL = 1 << 14, UC_NO = 1 << 15,
    UC_PC = 1 << 16, UC_PD = 1 << 17, UC_PE = 1 << 18, UC_PF = 1 << 19, UC_PI = 1 << 20, UC_PO = 1 << 21, UC_PS = 1 << 22,
    UC_SC = 1 << 23, UC_SK = 1 << 24, UC_SM = 1 << 25, UC_SO = 1 << 26, UC_ZL = 1 << 27, UC_ZP = 1 << 28, UC_ZS = 1 << 29,
    UC_SPACE = 1 << 30,
    UC_L = UC_LL | UC_LM | UC_LO | UC_LT | UC_LU,
    UC_M = UC_MC | UC_ME | UC_MN,
    UC_N = UC_ND | UC_NL | UC_NO,
    UC_P = UC_PC | UC_PD | UC_PE | UC_PF | UC_PI | UC_PO | UC_PS,
    UC_S = UC_SC | UC_SK | UC_SM | UC_SO,
    UC_Z = UC_ZL | UC_ZP | UC_ZS,
    UC_C = UC_CN | UC_CC | UC_CF | UC_CO,
};
#define UC_WORD (1u << 31) /* Alphabetic, marks, decimal digits, connectors, joiners */

/* The bits of one code point (anything above U+10FFFF is unassigned). */
uint32_t unicode_bits(uint32_t cp);

enum normal_form { NORMAL_NFC, NORMAL_NFD, NORMAL_NFKC, NORMAL_NFKD };

/* Appends the normal form of valid UTF-8. */
int unicode_normalize(enum normal_form form, const char *s, size_t len, struct buf *out, struct err *err);
/* Appends the text with every code point in lower case, without regard to its neighbours. */
void unicode_lowercase(const char *s, size_t len, struct buf *out);

/* Whether the StripAccents normalizer takes the code point away. */
bool unicode_is_accent(uint32_t cp);

/* Appends the text with everything that is not UTF-8 replaced by U+FFFD: one for each longest part that could have begun
 * a character (what Rust's from_utf8_lossy and Python's errors="replace" do). */
void utf8_lossy(const char *s, size_t len, struct buf *out);

/* One code point of text known to be valid: no checks. */
static inline size_t utf8_next(const char *text, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    if (s[0] < 0xE0) {
        *cp = (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu);
        return 2;
    }
    if (s[0] < 0xF0) {
        *cp = (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
        return 3;
    }
    *cp = (s[0] & 0x07u) << 18 | (s[1] & 0x3Fu) << 12 | (s[2] & 0x3Fu) << 6 | (s[3] & 0x3Fu);
    return 4;
}

#endif
