#include "tokenizers/charsmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tokenizers/unicode.h"

struct charsmap {
    uint32_t *units;
    size_t n_units;
    char *texts; /* NUL-terminated as a whole */
    size_t texts_len;
};

int charsmap_new(struct charsmap **out, const char *blob, size_t len, struct err *err)
{
    uint32_t bytes;
    if (len < 4)
        return err_set(err, ERR_INPUT, "precompiled_charsmap: %zu bytes, expected at least 4", len);
    memcpy(&bytes, blob, 4);
    if (bytes % 4 != 0 || bytes > len - 4)
        return err_set(err, ERR_INPUT, "precompiled_charsmap: its trie has %u bytes of the %zu that follow", bytes, len - 4);
    struct charsmap *m = mem_zalloc(1, sizeof *m, err);
    if (!m)
        return -1;
    m->n_units = bytes / 4;
    m->texts_len = len - 4 - bytes;
    m->units = mem_alloc(m->n_units, 4, err);
    m->texts = mem_strndup(blob + 4 + bytes, m->texts_len, err);
    if (!m->units || !m->texts) {
        charsmap_free(m);
        return -1;
    }
    memcpy(m->units, blob + 4, bytes);
    *out = m;
    return 0;
}

void charsmap_free(struct charsmap *m)
{
    if (!m)
        return;
    free(m->units);
    free(m->texts);
    free(m);
}

/* Darts: a unit holds a label, whether a value hangs below, and the offset to its children. */
static uint32_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

/* Bytes of the longest key that begins s, 0 if none; *value is its. */
static size_t longest(const struct charsmap *m, const char *s, size_t len, uint32_t *value)
{
    size_t found = 0;
    if (m->n_units == 0)
        return 0;
    size_t at = offset_of(m->units[0]);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        at ^= c;
        if (c == 0 || at >= m->n_units || (m->units[at] & 0x800000FFu) != c)
            break;
        uint32_t unit = m->units[at];
        at ^= offset_of(unit);
        if (unit & (1u << 8)) {
            if (at >= m->n_units)
                break;
            *value = m->units[at] & 0x7FFFFFFFu;
            found = i + 1;
        }
    }
    return found;
}

void charsmap_apply(const struct charsmap *m, const char *s, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        uint32_t value = 0, cp;
        size_t n = longest(m, s + i, len - i, &value);
        if (n && value < m->texts_len) {
            buf_str(out, m->texts + value);
            i += n;
            continue;
        }
        n = utf8_next(s + i, &cp);
        buf_add(out, s + i, n);
        i += n;
    }
}
