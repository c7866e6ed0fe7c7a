#include "tokenizers/scan.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/unicode.h"

#define CI "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(end) "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" end "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" end "|"

const char SCAN_GPT2[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const char SCAN_LLAMA3[] =
    CI "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES;
const char SCAN_QWEN2[] = CI "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES;
const char SCAN_QWEN35[] =
    CI "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES;
const char SCAN_GPT4O[] = CASED(CI "?") "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES;
const char SCAN_TEKKEN[] = CASED("") "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES;
const char SCAN_DEEPSEEK3[] =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
    " ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES;
/* Letters of scripts with case, spelled out: escapes, because editors normalize Greek and the Kelvin sign. */
const char SCAN_DEEPSEEK_LETTERS[] =
    "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373"
    "\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F"
    "\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77"
    "\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-"
    "\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC"
    "\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-"
    "\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3"
    "\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17"
    "\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-"
    "\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+";
const char SCAN_DEEPSEEK_PUNCTUATION[] = "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+";
const char SCAN_DEEPSEEK_CJK[] = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";

enum family { FAMILY_GPT2, FAMILY_LLAMA, FAMILY_CASED, FAMILY_DEEPSEEK3, FAMILY_CLASS, FAMILY_LINE_END, FAMILY_PCRE2 };

/* A set of code points: categories and ranges, or what is not in them. */
struct char_class {
    uint32_t mask;
    bool negated;
    size_t n, cap;
    uint32_t (*ranges)[2];
};

struct scanner {
    enum family family;
    bool contractions, slash; /* LLAMA, CASED */
    uint32_t letters;         /* LLAMA */
    size_t n_digits;          /* LLAMA, CASED: most in one word */
    struct char_class class;  /* CLASS: [any space or ' ']?class{least,most} */
    uint32_t before;          /* 0: nothing; ' ' or UC_SPACE: an optional space in front */
    size_t least, most;
    pcre2_code *code;
    char *regex; /* as it was given */
    size_t regex_len;
};

static const struct known {
    const char *regex;
    struct scanner as;
} known[] = {
    {SCAN_GPT2, {.family = FAMILY_GPT2}},
    {SCAN_LLAMA3, {.family = FAMILY_LLAMA, .contractions = true, .letters = UC_L, .n_digits = 3}},
    {SCAN_QWEN2, {.family = FAMILY_LLAMA, .contractions = true, .letters = UC_L, .n_digits = 1}},
    {SCAN_QWEN35, {.family = FAMILY_LLAMA, .contractions = true, .letters = UC_L | UC_M, .n_digits = 1}},
    {SCAN_GPT4O, {.family = FAMILY_CASED, .contractions = true, .slash = true, .n_digits = 3}},
    {SCAN_TEKKEN, {.family = FAMILY_CASED, .slash = true, .n_digits = 1}},
    {SCAN_DEEPSEEK3, {.family = FAMILY_DEEPSEEK3}},
    {"\\s+$", {.family = FAMILY_LINE_END}},
};

/* ---- looking at characters -------------------------------------------------------------------------------------- */

/* Bits of the character at s (*n its bytes); 0 bits and *n 0 at the end. */
static inline uint32_t bits_at(const char *s, const char *end, size_t *n)
{
    if (s >= end) {
        *n = 0;
        return 0;
    }
    uint32_t cp;
    *n = utf8_next(s, &cp);
    return unicode_bits(cp);
}

/* The end of the run of characters that have one of the bits; `most` characters at most. */
static const char *run_of(const char *s, const char *end, uint32_t mask, size_t most)
{
    size_t n;
    while (most-- > 0 && (bits_at(s, end, &n) & mask) && n)
        s += n;
    return s;
}

/* The end of the run of characters that have none of the bits. */
static const char *run_without(const char *s, const char *end, uint32_t mask)
{
    size_t n;
    while (s < end && !(bits_at(s, end, &n) & mask))
        s += n;
    return s;
}

static bool is_newline(char c)
{
    return c == '\r' || c == '\n';
}

/* 's 't 're 've 'm 'll 'd, where s[0] is the apostrophe: the end, or NULL. Blind to case, ſ (U+017F) is an s too. */
static const char *contraction(const char *s, const char *end, bool any_case)
{
    if (end - s < 2)
        return NULL;
    char a = s[1], b = end - s > 2 ? s[2] : '\0';
    if (any_case) {
        if (a == '\xC5' && b == '\xBF')
            return s + 3;
        a = a >= 'A' && a <= 'Z' ? (char)(a + 32) : a;
        b = b >= 'A' && b <= 'Z' ? (char)(b + 32) : b;
    }
    if (a == 's' || a == 't' || a == 'm' || a == 'd')
        return s + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
        return s + 3;
    return NULL;
}

/* \s+(?!\S)|\s+ : a run of space leaves its last character to the word behind it. */
static const char *spaces(const char *s, const char *end)
{
    const char *last = s, *p = s;
    size_t n;
    while (bits_at(p, end, &n) & UC_SPACE) {
        last = p;
        p += n;
    }
    return p == end || last == s ? p : last;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ */
static const char *spaces_or_lines(const char *s, const char *end)
{
    const char *newline = NULL, *last = s, *p = s;
    size_t n;
    while (bits_at(p, end, &n) & UC_SPACE) {
        if (is_newline(*p))
            newline = p + 1;
        last = p;
        p += n;
    }
    if (newline)
        return newline;
    return p == end || last == s ? p : last;
}

/* ---- the families ----------------------------------------------------------------------------------------------- */

static const char *scan_gpt2(const char *s, const char *end)
{
    size_t n, m;
    const char *p;
    if (*s == '\'' && (p = contraction(s, end, false)))
        return p;
    p = s;
    uint32_t b = bits_at(p, end, &n);
    if (*s == ' ') {
        uint32_t next = bits_at(s + 1, end, &m);
        if (m && !(next & UC_SPACE)) {
            p = s + 1;
            b = next;
        }
    }
    if (b & UC_L)
        return run_of(p, end, UC_L, SIZE_MAX);
    if (b & UC_N)
        return run_of(p, end, UC_N, SIZE_MAX);
    if (!(b & UC_SPACE))
        return run_without(p, end, UC_SPACE | UC_L | UC_N);
    return spaces(s, end);
}

/* What the Llama and the cased family have in common behind their words: numbers, punctuation, space. */
static const char *scan_rest(const struct scanner *sc, uint32_t b, const char *s, const char *end)
{
    size_t n;
    uint32_t excluded = UC_SPACE | UC_N | UC_L | sc->letters;
    if (b & UC_N)
        return run_of(s, end, UC_N, sc->n_digits);
    const char *p = *s == ' ' ? s + 1 : s;
    if (p < end && !(bits_at(p, end, &n) & excluded)) {
        p = run_without(p, end, excluded);
        while (p < end && (is_newline(*p) || (sc->slash && *p == '/')))
            p++;
        return p;
    }
    return spaces_or_lines(s, end);
}

static const char *scan_llama(const struct scanner *sc, const char *s, const char *end)
{
    size_t n, m;
    const char *p;
    if (sc->contractions && *s == '\'' && (p = contraction(s, end, true)))
        return p;
    uint32_t b = bits_at(s, end, &n);
    if (b & sc->letters)
        return run_of(s + n, end, sc->letters, SIZE_MAX);
    if (!(b & UC_N) && !is_newline(*s) && (bits_at(s + n, end, &m) & sc->letters))
        return run_of(s + n + m, end, sc->letters, SIZE_MAX);
    return scan_rest(sc, b, s, end);
}

/* Upper* Lower+ from s, letters without case and marks belonging to both: the end, or NULL. */
static const char *upper_lower(const char *s, const char *end)
{
    const uint32_t upper = UC_LU | UC_LT | UC_LM | UC_LO | UC_M, lower = UC_LL | UC_LM | UC_LO | UC_M;
    const char *p = s, *both = NULL; /* behind the last character of the run that can be lower, too */
    size_t n;
    uint32_t b;
    while ((b = bits_at(p, end, &n)) & upper) {
        p += n;
        if (b & lower)
            both = p;
    }
    return b & lower ? run_of(p, end, lower, SIZE_MAX) : both;
}

static const char *scan_cased(const struct scanner *sc, const char *s, const char *end)
{
    const uint32_t upper = UC_LU | UC_LT | UC_LM | UC_LO | UC_M;
    size_t n;
    uint32_t b = bits_at(s, end, &n);
    const char *word = NULL, *behind = !(b & (UC_L | UC_N)) && !is_newline(*s) ? s + n : NULL;
    if (behind)
        word = upper_lower(behind, end);
    if (!word)
        word = upper_lower(s, end);
    if (!word && behind && (word = run_of(behind, end, upper, SIZE_MAX)) == behind)
        word = NULL;
    if (!word && (word = run_of(s, end, upper, SIZE_MAX)) == s)
        word = NULL;
    if (!word)
        return scan_rest(sc, b, s, end);
    const char *more = sc->contractions && word < end && *word == '\'' ? contraction(word, end, true) : NULL;
    return more ? more : word;
}

/* NULL where nothing matches: numbers and controls, which are left between the matches. */
static const char *scan_deepseek3(const char *s, const char *end)
{
    size_t n, m;
    uint32_t b = bits_at(s, end, &n);
    unsigned char c = (unsigned char)*s;
    if (c > ' ' && c < 0x7F && !(b & (UC_L | UC_N))) {
        const char *p = s + 1;
        while (p < end && ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')))
            p++;
        if (p > s + 1)
            return p;
    }
    if (b & (UC_L | UC_M))
        return run_of(s, end, UC_L | UC_M, SIZE_MAX);
    if (!(b & (UC_P | UC_S)) && !is_newline(*s) && (bits_at(s + n, end, &m) & (UC_L | UC_M)))
        return run_of(s + n, end, UC_L | UC_M, SIZE_MAX);
    const char *p = *s == ' ' ? s + 1 : s;
    if (bits_at(p, end, &n) & (UC_P | UC_S)) {
        p = run_of(p, end, UC_P | UC_S, SIZE_MAX);
        while (p < end && is_newline(*p))
            p++;
        return p;
    }
    return b & UC_SPACE ? spaces_or_lines(s, end) : NULL;
}

/* \s+$ : up to the end, or up to the last line feed that is not first. */
static const char *scan_line_end(const char *s, const char *end)
{
    const char *p = s, *newline = NULL;
    size_t n;
    while (bits_at(p, end, &n) & UC_SPACE) {
        if (*p == '\n' && p > s)
            newline = p;
        p += n;
    }
    return p > s && p == end ? p : newline;
}

static bool class_has(const struct char_class *c, uint32_t cp)
{
    bool in = unicode_bits(cp) & c->mask;
    for (size_t i = 0; !in && i < c->n; i++)
        in = cp >= c->ranges[i][0] && cp <= c->ranges[i][1];
    return in != c->negated;
}

static const char *class_run(const struct scanner *sc, const char *s, const char *end)
{
    const char *p = s;
    size_t n = 0;
    while (p < end && n < sc->most) {
        uint32_t cp;
        size_t bytes = utf8_next(p, &cp);
        if (!class_has(&sc->class, cp))
            break;
        p += bytes;
        n++;
    }
    return n >= sc->least ? p : NULL;
}

static const char *scan_class(const struct scanner *sc, const char *s, const char *end)
{
    size_t n;
    if (sc->before && (sc->before == ' ' ? *s == ' ' : (bits_at(s, end, &n) & UC_SPACE) != 0)) {
        bits_at(s, end, &n);
        const char *p = class_run(sc, s + n, end);
        if (p)
            return p;
    }
    return class_run(sc, s, end);
}

/* ---- from a regular expression to a scanner --------------------------------------------------------------------- */

static uint32_t category_mask(const char *name, size_t len)
{
    static const struct {
        const char *name;
        uint32_t mask;
    } names[] = {{"L", UC_L}, {"N", UC_N}, {"M", UC_M}, {"P", UC_P}, {"S", UC_S}, {"Z", UC_Z},
                 {"Lu", UC_LU}, {"Ll", UC_LL}, {"Lt", UC_LT}, {"Lm", UC_LM}, {"Lo", UC_LO},
                 {"Nd", UC_ND}, {"Nl", UC_NL}, {"No", UC_NO}, {"Mn", UC_MN}, {"Mc", UC_MC}, {"Me", UC_ME},
                 {"Pc", UC_PC}, {"Pd", UC_PD}, {"Ps", UC_PS}, {"Pe", UC_PE}, {"Pi", UC_PI}, {"Pf", UC_PF}, {"Po", UC_PO},
                 {"Sm", UC_SM}, {"Sc", UC_SC}, {"Sk", UC_SK}, {"So", UC_SO}, {"Zs", UC_ZS}, {"Zl", UC_ZL}, {"Zp", UC_ZP}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len && memcmp(names[i].name, name, len) == 0)
            return names[i].mask;
    return 0;
}

static int class_add(struct char_class *c, uint32_t from, uint32_t to, struct err *err)
{
    TRY(mem_grow(&c->ranges, &c->cap, c->n, sizeof *c->ranges, err));
    c->ranges[c->n][0] = from;
    c->ranges[c->n++][1] = to;
    return 0;
}

/* One item of a class: a category goes into the mask (*cp untouched, *single false), a character to *cp. The bytes read;
 * 0 for what is not plain enough. */
static size_t class_item(const char *s, const char *end, uint32_t *mask, uint32_t *cp, bool *single)
{
    *single = false;
    if (s >= end)
        return 0;
    if (*s != '\\') {
        *single = true;
        return strchr("[]^-&", *s) && *s ? 0 : utf8_decode(s, (size_t)(end - s), cp);
    }
    if (end - s < 2)
        return 0;
    if (s[1] == 'p' && end - s > 4 && s[2] == '{') {
        const char *close = memchr(s, '}', (size_t)(end - s));
        uint32_t m = close ? category_mask(s + 3, (size_t)(close - s - 3)) : 0;
        *mask |= m;
        return m ? (size_t)(close - s) + 1 : 0;
    }
    if (s[1] == 's') {
        *mask |= UC_SPACE;
        return 2;
    }
    if (s[1] == 'd') {
        *mask |= UC_ND;
        return 2;
    }
    *single = true;
    if (s[1] == 'r' || s[1] == 'n' || s[1] == 't') {
        *cp = s[1] == 'r' ? '\r' : s[1] == 'n' ? '\n' : '\t';
        return 2;
    }
    *cp = (unsigned char)s[1];
    return strchr("[]^-\\.$+*?|(){}/", s[1]) && s[1] ? 2 : 0;
}

/* [class], \p{X}, \s or \d with +, {1,3} or nothing behind and \s? or ' ?' in front: 1 if it is that, 0 if not. */
static int parse_class(struct scanner *sc, const char *s, size_t len, struct err *err)
{
    const char *end = s + len;
    uint32_t cp, to, none = 0;
    bool single;
    size_t n;
    sc->before = 0;
    if (len > 3 && memcmp(s, "\\s?", 3) == 0) {
        sc->before = UC_SPACE;
        s += 3;
    } else if (len > 2 && memcmp(s, " ?", 2) == 0) {
        sc->before = ' ';
        s += 2;
    }
    if (s < end && *s == '[') {
        s++;
        if (s < end && *s == '^') {
            sc->class.negated = true;
            s++;
        }
        while (s < end && *s != ']') {
            if ((n = class_item(s, end, &sc->class.mask, &cp, &single)) == 0)
                return 0;
            s += n;
            if (!single)
                continue;
            to = cp;
            if (end - s > 1 && *s == '-' && s[1] != ']') {
                if ((n = class_item(s + 1, end, &none, &to, &single)) == 0 || !single || to < cp)
                    return 0;
                s += n + 1;
            }
            TRY(class_add(&sc->class, cp, to, err));
        }
        if (s >= end || (sc->class.n == 0 && !sc->class.mask))
            return 0;
        s++;
    } else {
        if (s >= end || *s != '\\' || (n = class_item(s, end, &sc->class.mask, &cp, &single)) == 0 || single)
            return 0;
        s += n;
    }
    sc->family = FAMILY_CLASS;
    sc->least = 1;
    n = (size_t)(end - s);
    sc->most = n == 1 && *s == '+' ? SIZE_MAX : n == 5 && memcmp(s, "{1,3}", 5) == 0 ? 3 : 1;
    return n == 0 || sc->most > 1;
}

static int compile(struct scanner *sc, const char *regex, size_t len, struct err *err)
{
    int number;
    PCRE2_SIZE at;
    sc->family = FAMILY_PCRE2;
    sc->code = pcre2_compile((PCRE2_SPTR)regex, len, PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &number, &at, NULL);
    if (!sc->code) {
        char why[160];
        pcre2_get_error_message(number, (PCRE2_UCHAR *)why, sizeof why);
        err_set(err, ERR_UNSUPPORTED, "the regular expression '%.*s': %s (at byte %zu)", (int)(len < 200 ? len : 200),
                regex, why, (size_t)at);
        return err_hint(err, "patterns are read by PCRE2; what only Oniguruma knows is not supported");
    }
    pcre2_jit_compile(sc->code, PCRE2_JIT_COMPLETE); /* where it cannot, the interpreter runs */
    return 0;
}

int scanner_new(struct scanner **out, const char *regex, size_t len, struct err *err)
{
    struct scanner *sc = mem_zalloc(1, sizeof *sc, err);
    if (!sc)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known && rc == 0; i++)
        if (strlen(known[i].regex) == len && memcmp(known[i].regex, regex, len) == 0) {
            *sc = known[i].as;
            rc = 1;
        }
    static const char three[] = "[0-9][0-9][0-9]";
    bool thrice = len == sizeof three - 1 && memcmp(regex, three, len) == 0;
    if (rc == 0)
        rc = parse_class(sc, regex, thrice ? len / 3 : len, err);
    if (rc == 1 && thrice)
        sc->least = sc->most = 3;
    if (rc == 0)
        rc = compile(sc, regex, len, err);
    if (rc >= 0 && !(sc->regex = mem_strndup(regex, len, err)))
        rc = -1;
    if (rc < 0) {
        scanner_free(sc);
        return -1;
    }
    sc->regex_len = len;
    *out = sc;
    return 0;
}

void scanner_free(struct scanner *s)
{
    if (!s)
        return;
    free(s->class.ranges);
    pcre2_code_free(s->code);
    free(s->regex);
    free(s);
}

const char *scanner_regex(const struct scanner *s, size_t *len)
{
    *len = s->regex_len;
    return s->regex;
}

bool scanner_is_fallback(const struct scanner *s)
{
    return s->family == FAMILY_PCRE2;
}

bool scanner_covers(const struct scanner *s)
{
    return s->family == FAMILY_GPT2 || s->family == FAMILY_LLAMA || s->family == FAMILY_CASED;
}

void scan_state_release(struct scan_state *st)
{
    pcre2_match_data_free(st->match_data);
    pcre2_match_context_free(st->context);
    *st = (struct scan_state){0};
}

/* ---- finding ---------------------------------------------------------------------------------------------------- */

static int find_pcre2(const struct scanner *s, struct scan_state *st, const char *text, size_t len, size_t at,
                      size_t *from, size_t *to, struct err *err)
{
    if (!st->match_data)
        st->match_data = pcre2_match_data_create(16, NULL);
    if (!st->context && (st->context = pcre2_match_context_create(NULL))) {
        pcre2_set_match_limit(st->context, 10000000);
        pcre2_set_heap_limit(st->context, 64 * 1024);
    }
    if (!st->match_data || !st->context)
        return err_set(err, ERR_MEMORY, "out of memory while matching a regular expression");
    /* The text was validated once. Checking it again for each match would make the loop quadratic. */
    while (at <= len) {
        int rc = pcre2_match(s->code, (PCRE2_SPTR)text, len, at, PCRE2_NO_UTF_CHECK, st->match_data, st->context);
        if (rc == PCRE2_ERROR_NOMATCH)
            return 0;
        if (rc < 0) {
            char why[160];
            pcre2_get_error_message(rc, (PCRE2_UCHAR *)why, sizeof why);
            return err_set(err, ERR_LIMIT, "a regular expression of the tokenizer gave up at byte %zu: %s", at, why);
        }
        const PCRE2_SIZE *v = pcre2_get_ovector_pointer(st->match_data);
        if (v[1] > v[0]) {
            *from = v[0];
            *to = v[1];
            return 1;
        }
        if (v[0] >= len)
            return 0;
        uint32_t cp;
        at = v[0] + utf8_next(text + v[0], &cp);
    }
    return 0;
}

static const char *match_here(const struct scanner *sc, const char *s, const char *end)
{
    switch (sc->family) {
    case FAMILY_GPT2:
        return scan_gpt2(s, end);
    case FAMILY_LLAMA:
        return scan_llama(sc, s, end);
    case FAMILY_CASED:
        return scan_cased(sc, s, end);
    case FAMILY_DEEPSEEK3:
        return scan_deepseek3(s, end);
    case FAMILY_CLASS:
        return scan_class(sc, s, end);
    case FAMILY_LINE_END:
        return scan_line_end(s, end);
    case FAMILY_PCRE2:
        break;
    }
    return NULL;
}

size_t scanner_end(const struct scanner *s, const char *text, size_t len, size_t at)
{
    return (size_t)(match_here(s, text + at, text + len) - text);
}

int scanner_find(const struct scanner *s, struct scan_state *st, const char *text, size_t len, size_t at, size_t *from,
                 size_t *to, struct err *err)
{
    if (s->family == FAMILY_PCRE2)
        return find_pcre2(s, st, text, len, at, from, to, err);
    while (at < len) {
        const char *end = match_here(s, text + at, text + len);
        if (end && end > text + at) {
            *from = at;
            *to = (size_t)(end - text);
            return 1;
        }
        uint32_t cp;
        at += utf8_next(text + at, &cp);
        if (s->family == FAMILY_LINE_END && (unicode_bits(cp) & UC_SPACE)) /* no later place of this run of space matches either */
            at = (size_t)(run_of(text + at, text + len, UC_SPACE, SIZE_MAX) - text);
    }
    return 0;
}
