/* Texts that mean something to a form: whatever a name holds, a reader of each form gets it back as text. Each form of
 * list.h has a reader here, written from the form's own rules. */
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/str.h"
#include "report/format.h"
#include "support/testing.h"

static const char *const hostile[] = {
    "a|b", "two\nlines", "say \"hi\" and 'bye'", "<script>alert(1)</script>", "</script>", "<!-- -->", "a&b &amp; &#65;",
    "\xF0\x9F\x98\x80 emoji", "\\`*_{}[]()#+-!|~$^%", "=1+1", "50 % of_a_name", "\\input{x} \\\\ %c", "comma,comma; --x",
    "\xE6\x97\xA5\xE6\x9C\xAC", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D right to left", "\xE2\x80\xAE" "override", "\x1b[31mred\x07",
    "tab\there", "cr\rlf\r\n", "Robert'); DROP TABLE names;--", "{{title}}", "%s%n%1$n", "\xC3\xA9t\xC3\xA9 \xC2\xB5s \xE2\x89\xA4",
    "?? ---,,'''", "x",
};
enum { N = sizeof hostile / sizeof hostile[0] };

static struct report_doc doc;
static struct buf out = BUF_INIT(16 << 20);
static struct err err;
static char *cells[N];

static void make_doc(void)
{
    report_doc_init(&doc, 1 << 20);
    assert_ok(report_set_title(&doc, hostile[3], &err));
    assert_ok(report_set_command(&doc, hostile[11], &err));
    assert_ok(report_fact_add(&doc, hostile[0], hostile[1], &err));
    assert_ok(report_note_add(&doc, &err, "%s", hostile[4]));
    assert_ok(report_finding_add(&doc, FINDING_SHOWN, hostile[16], &err));
    struct report_table *t = report_table_add(&doc, "names", hostile[20], &err);
    assert_ok(report_column_add(&doc, t, COLUMN_TEXT, "name", &err));
    for (size_t i = 0; i < N; i++) {
        struct report_cell *row = report_row_add(&doc, t, &err);
        assert_ok(report_set_text(&doc, row, hostile[i], &err));
    }
}

static void keep(size_t i, const char *from, size_t len)
{
    assert_true(i < N);
    cells[i] = strndup(from, len);
}

/* ---- readers: each fills cells[] ---- */

static void read_csv(const char *text)
{
    struct csv_reader in;
    struct csv_text field[4];
    csv_reader_init(&in, text, strlen(text), "csv");
    for (size_t i = 0; i <= N; i++) {
        assert_int_equal(csv_next(&in, field, 4, &err), 1);
        if (i > 0)
            keep(i - 1, field[0].data, field[0].len);
    }
    assert_int_equal(csv_next(&in, field, 4, &err), 0);
    csv_reader_release(&in);
}

static void read_json(const char *text)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *table = json_array_get(json_object_get(root, "tables"), 0);
    assert_non_null(table);
    for (size_t i = 0; i < N; i++) {
        const char *s = json_string_value(json_object_get(json_array_get(json_object_get(table, "rows"), i), "name"));
        keep(i, s, strlen(s));
    }
    json_decref(root);
}

static void read_sql(const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM names ORDER BY rowid", -1, &row, NULL), SQLITE_OK);
    for (size_t i = 0; sqlite3_step(row) == SQLITE_ROW; i++)
        keep(i, (const char *)sqlite3_column_text(row, 0), (size_t)sqlite3_column_bytes(row, 0));
    sqlite3_finalize(row);
    sqlite3_close(db);
}

struct word {
    const char *from, *to;
};

/* Undoes the words of a form; what none of them begins is text. */
static void unescape(size_t cell, const char *s, size_t len, const struct word *words, size_t n, const char *forbidden)
{
    char *to = cells[cell] = malloc(len + 1);
    for (const char *end = s + len; s < end;) {
        size_t k = 0;
        while (k < n && !str_starts(s, words[k].from))
            k++;
        if (k < n) {
            to = stpcpy(to, words[k].to);
            s += strlen(words[k].from);
        } else if (str_starts(s, "&#x")) {
            char *stop;
            to += utf8_encode((uint32_t)strtoul(s + 3, &stop, 16), to);
            s = stop + 1;
        } else {
            if (strchr(forbidden, *s))
                fail_msg("a bare '%c' is in text %zu", *s, cell);
            *to++ = *s++;
        }
    }
    *to = '\0';
}

static void read_html(const char *text)
{
    static const struct word words[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&#39;", "'"}};
    const char *s = strstr(text, "<tbody>");
    for (size_t i = 0; i < N; i++) {
        s = strstr(s, "<bdi>") + 5;
        unescape(i, s, (size_t)(strstr(s, "</bdi>") - s), words, 5, "<>&\"'");
    }
}

static void read_md(const char *text)
{
    static const struct word words[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"<br>", "\n"}, {"\\\\", "\\"}, {"\\|", "|"},
                                        {"\\`", "`"}, {"\\*", "*"}, {"\\_", "_"}, {"\\{", "{"}, {"\\}", "}"}, {"\\[", "["}, {"\\]", "]"},
                                        {"\\(", "("}, {"\\)", ")"}, {"\\#", "#"}, {"\\+", "+"}, {"\\-", "-"}, {"\\!", "!"}, {"\\~", "~"},
                                        {"\\$", "$"}, {"\\\"", "\""}, {"\\'", "'"}};
    const char *s = strstr(text, "|:---|\n") + 7;
    for (size_t i = 0; i < N; i++) {
        size_t len = strcspn(s, "\n");
        assert_true(str_starts(s, "| ") && len >= 4 && str_starts(s + len - 2, " |"));
        unescape(i, s + 2, len - 4, words, sizeof words / sizeof words[0], "<>|*`[]");
        s += len + 1;
    }
}

/* \pronychar{CODE}{character} is read by its code; the character itself is for LuaLaTeX. */
static void read_tex(const char *text)
{
    static const struct word words[] = {
        {"\\textbackslash{}", "\\"}, {"\\{", "{"}, {"\\}", "}"}, {"\\#", "#"}, {"\\$", "$"}, {"\\%", "%"}, {"\\&", "&"},
        {"\\_", "_"}, {"\\textasciicircum{}", "^"}, {"\\textasciitilde{}", "~"}, {"$<$", "<"}, {"$>$", ">"}, {"$|$", "|"},
        {"{\\char34}", "\""}, {"\\textquotesingle{}", "'"}, {"\\textasciigrave{}", "`"}, {"{-}", "-"}, {"{?}", "?"},
        {"$\\mu$", "\xC2\xB5"}, {"$\\leq$", "\xE2\x89\xA4"}, {"{!}", "!"}, {"{,}", ","}, {"\\allowbreak{}", ""}};
    const char *s = strstr(text, "\\endhead\n") + 9;
    for (size_t i = 0; i < N; i++) {
        struct buf line = BUF_INIT(1 << 16);
        s = strstr(s, "\\hspace{0pt}") + strlen("\\hspace{0pt}");
        for (const char *end = strstr(s, "\\par} \\\\\n"); s < end;) {
            const char *next = strstr(s, "\\pronychar{");
            next = next && next < end ? next : end;
            buf_add(&line, s, (size_t)(next - s));
            s = next;
            if (s < end) {
                buf_printf(&line, "&#x%lx;", strtoul(s + strlen("\\pronychar{"), NULL, 16));
                s = strchr(strchr(s, '}') + 2, '}') + 1;
            }
        }
        for (size_t k = 0; k < line.len; k++) /* only the accented letters that every encoding has */
            if ((unsigned char)line.data[k] >= 0x80)
                assert_int_equal((unsigned char)line.data[(unsigned char)line.data[k] == 0xC3 ? k : k - 1], 0xC3);
        unescape(i, line.data, line.len, words, sizeof words / sizeof words[0], "%#$_^~{}\\<>|\"'`\n");
        buf_release(&line);
    }
}

static void read_terminal(const char *text)
{
    const char *s = strstr(text, "\n---") + 1;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c >= 0x80 || ((unsigned char)*c < 0x20 && *c != '\n'))
            fail_msg("byte 0x%02x reached an ASCII terminal", (unsigned char)*c);
    for (size_t i = 0; i < N; i++) {
        s += strcspn(s, "\n") + 1;
        keep(i, s, strcspn(s, "\n"));
    }
}

/* ---- what may differ: a form that has no character for a thing shows another ---- */

static void same(struct buf *want, uint32_t cp)
{
    char c[4];
    buf_add(want, c, utf8_encode(cp, c));
}

static void pictures(struct buf *want, uint32_t cp)
{
    same(want, cp < 0x20 && cp != '\n' && cp != '\t' ? 0x2400 + cp : cp);
}

static void tex_lines(struct buf *want, uint32_t cp)
{
    if (cp == '\n' || cp == '\r' || cp == '\t')
        buf_printf(want, "\\%c", cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't');
    else
        same(want, cp);
}

static void c_escapes(struct buf *want, uint32_t cp)
{
    if (cp == '\n')
        buf_str(want, "\\n");
    else if (cp < 0x20 || cp >= 0x7f)
        buf_printf(want, cp < 0x100 ? "\\x%02x" : "\\u{%x}", (unsigned)cp);
    else
        buf_char(want, (char)cp);
}

static const struct {
    const char *form;
    void (*read)(const char *text);
    void (*want)(struct buf *want, uint32_t cp);
} readers[] = {
    {"terminal", read_terminal, c_escapes}, {"csv", read_csv, same}, {"json", read_json, same}, {"md", read_md, same},
    {"html", read_html, pictures},          {"sql", read_sql, same}, {"tex", read_tex, tex_lines},
};

static void check_form(const char *form, void (*want)(struct buf *want, uint32_t cp))
{
    for (size_t i = 0; i < N; i++) {
        struct buf text = BUF_INIT(1 << 12);
        for (const char *s = hostile[i]; *s;) {
            uint32_t cp = 0;
            s += utf8_decode(s, strlen(s), &cp);
            want(&text, cp);
        }
        if (!cells[i] || strcmp(cells[i], text.data) != 0)
            fail_msg("%s: text %zu came back as '%s', not '%s'", form, i, cells[i] ? cells[i] : "nothing", text.data);
        buf_release(&text);
        free(cells[i]);
        cells[i] = NULL;
    }
}

static void test_every_form(void **state)
{
    (void)state;
    for (size_t f = 0; f < report_format_count(); f++) {
        const struct report_format *format = report_format_at(f);
        size_t k = 0;
        while (k < sizeof readers / sizeof readers[0] && strcmp(readers[k].form, format->name) != 0)
            k++;
        if (k == sizeof readers / sizeof readers[0])
            fail_msg("the form '%s' has no reader in this test", format->name);
        make_doc();
        buf_clear(&out);
        assert_ok(report_write(&out, format, &doc, &(struct report_style){0}, &err));
        readers[k].read(out.data);
        check_form(format->name, readers[k].want);
        report_doc_release(&doc);
    }
}

/* In a terminal that has more than ASCII letters show as themselves; what would act on it does not. */
static void test_unicode_terminal(void **state)
{
    (void)state;
    make_doc();
    buf_clear(&out);
    assert_ok(report_write(&out, report_format_find("terminal", &err), &doc, &(struct report_style){.unicode = true}, &err));
    assert_non_null(strstr(out.data, "\xF0\x9F\x98\x80 emoji"));
    assert_non_null(strstr(out.data, "\\u{202e}override"));
    assert_null(strchr(out.data, '\x1b'));
    report_doc_release(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_form), cmocka_unit_test(test_unicode_terminal)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&out);
    return failed;
}
