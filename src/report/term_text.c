#include "report/term_text.h"

#include <string.h>

#include "base/str.h"

static bool is_dangerous(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

void term_visible(struct buf *out, const char *s, bool unicode)
{
    for (size_t len = strlen(s); len > 0;) {
        uint32_t cp = 0;
        size_t n = utf8_decode(s, len, &cp);
        if (n == 0)
            buf_printf(out, "\\x%02x", (unsigned char)*s);
        else if (cp == '\n')
            buf_str(out, "\\n");
        else if (is_dangerous(cp) || (cp >= 0x80 && !unicode))
            buf_printf(out, cp < 0x100 ? "\\x%02x" : "\\u{%x}", (unsigned)cp);
        else
            buf_add(out, s, n);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
}

/* Columns that a character takes: marks none, East Asian wide forms and pictographs two (Unicode TR 11, by block). */
static size_t cell_width(uint32_t cp)
{
    static const struct {
        uint32_t first, last;
        size_t width;
    } blocks[] = {
        {0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x064b, 0x065f, 0},
        {0x093c, 0x093c, 0},   {0x0e31, 0x0e31, 0},   {0x0e34, 0x0e3a, 0},   {0x1100, 0x115f, 2},
        {0x1ab0, 0x1aff, 0},   {0x200b, 0x200d, 0},   {0x20d0, 0x20ff, 0},   {0x2e80, 0x303e, 2},
        {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},
        {0xfe20, 0xfe2f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
        {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
        {0xe0100, 0xe01ef, 0},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (cp >= blocks[i].first && cp <= blocks[i].last)
            return blocks[i].width;
    return 1;
}

size_t term_width(const char *s)
{
    size_t width = 0;
    for (size_t len = strlen(s); len > 0;) {
        uint32_t cp = '?';
        size_t n = utf8_decode(s, len, &cp);
        width += cell_width(cp);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
    return width;
}

void term_put(struct buf *out, const char *s, size_t width, bool right, const struct report_style *style)
{
    size_t full = term_width(s);
    if (full <= width) {
        buf_printf(out, "%*s%s%*s", right ? (int)(width - full) : 0, "", s, right ? 0 : (int)(width - full), "");
        return;
    }
    const char *dots = style->unicode ? "\xE2\x80\xA6" : "..";
    size_t room = width - term_width(dots), used = 0;
    for (size_t len = strlen(s); len > 0;) {
        uint32_t cp = '?';
        size_t n = utf8_decode(s, len, &cp);
        if (used + cell_width(cp) > room)
            break;
        buf_add(out, s, n ? n : 1);
        used += cell_width(cp);
        s += n ? n : 1;
        len -= n ? n : 1;
    }
    buf_printf(out, "%s%*s", dots, (int)(room - used), "");
}
