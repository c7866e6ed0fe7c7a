#include "base/csv.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/json_out.h"

void csv_field_len(struct buf *out, const char *text, size_t len)
{
    bool plain = true;
    for (size_t i = 0; i < len && plain; i++)
        plain = text[i] != ',' && text[i] != '"' && text[i] != '\n' && text[i] != '\r';
    if (len > 0 && (text[0] == ' ' || text[len - 1] == ' '))
        plain = false; /* some readers trim */
    if (plain) {
        buf_add(out, text, len);
        return;
    }
    buf_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            buf_char(out, '"');
        buf_char(out, text[i]);
    }
    buf_char(out, '"');
}

void csv_field(struct buf *out, const char *text)
{
    csv_field_len(out, text, strlen(text));
}

void csv_number(struct buf *out, double x)
{
    char text[32];
    if (isfinite(x))
        buf_str(out, number_shortest(x, text));
}

void csv_reader_init(struct csv_reader *r, const char *text, size_t len, const char *name)
{
    *r = (struct csv_reader){.text = text, .len = len, .name = name, .next_line = 1, .fields = BUF_INIT(len + CSV_FIELDS)};
}

void csv_reader_release(struct csv_reader *r)
{
    buf_release(&r->fields);
}

/* One field into r->fields, ended by a NUL. */
static int read_field(struct csv_reader *r, struct err *err)
{
    bool quoted = r->at < r->len && r->text[r->at] == '"';
    int opened = r->next_line;
    if (quoted)
        r->at++;
    for (;; r->at++) {
        if (r->at == r->len) {
            if (quoted)
                return err_set(err, ERR_INPUT, "'%s':%d: a quote opens and does not close", r->name, opened);
            break;
        }
        char c = r->text[r->at];
        if (quoted && c == '"') {
            if (r->at + 1 < r->len && r->text[r->at + 1] == '"') {
                r->at++;
            } else {
                r->at++;
                if (r->at < r->len && !strchr(",\r\n", r->text[r->at]))
                    return err_set(err, ERR_INPUT, "'%s':%d: text behind a closing quote", r->name, r->next_line);
                break;
            }
        } else if (!quoted && (c == ',' || c == '\n' || (c == '\r' && r->at + 1 < r->len && r->text[r->at + 1] == '\n'))) {
            break;
        }
        r->next_line += c == '\n';
        buf_char(&r->fields, c);
    }
    buf_char(&r->fields, '\0');
    return 0;
}

int csv_next(struct csv_reader *r, struct csv_text *fields, size_t max, struct err *err)
{
    size_t begins[CSV_FIELDS + 1], n = 0;
    while (r->at < r->len && (r->text[r->at] == '\n' || r->text[r->at] == '\r')) {
        r->next_line += r->text[r->at] == '\n';
        r->at++;
    }
    if (r->at == r->len)
        return 0;
    r->line = r->next_line;
    buf_clear(&r->fields);
    if (max > CSV_FIELDS)
        max = CSV_FIELDS;
    for (;;) {
        if (n == max)
            return err_set(err, ERR_INPUT, "'%s':%d: more than %zu fields", r->name, r->line, max);
        begins[n++] = r->fields.len;
        TRY(read_field(r, err));
        if (r->at == r->len || r->text[r->at] != ',')
            break;
        r->at++;
    }
    TRY(buf_check(&r->fields, err));
    begins[n] = r->fields.len;
    for (size_t i = 0; i < n; i++)
        fields[i] = (struct csv_text){r->fields.data + begins[i], begins[i + 1] - begins[i] - 1};
    return (int)n;
}
