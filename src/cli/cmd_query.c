#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "store/query.h"

enum { TABLE_BYTES = 256 << 20, TABLE_WIDTH = 60 };

struct printer {
    const char *const *names; /* borrowed for the query */
    size_t n_columns;
    struct buf line;
    bool json, started;
    /* of a table: all cells, because widths are known at the end only */
    struct arena cells;
    const char **texts;
    bool *numeric; /* a cell a text */
    size_t n_texts, cap_texts, cap_numeric;
};

static void value_text(struct buf *b, const struct query_value *v)
{
    char text[32];
    if (v->kind == QUERY_INTEGER)
        buf_printf(b, "%" PRId64, v->integer);
    else if (v->kind == QUERY_NUMBER && v->number - v->number == 0)
        buf_str(b, number_shortest(v->number, text));
    else if (v->kind == QUERY_NUMBER)
        buf_str(b, v->number > 0 ? "inf" : "-inf");
    else if (v->kind == QUERY_TEXT)
        buf_add(b, v->text, v->len);
}

static int print_line(struct printer *p, struct err *err)
{
    TRY(buf_check(&p->line, err));
    fwrite(p->line.data, 1, p->line.len, stdout);
    buf_clear(&p->line);
    return ferror(stdout) ? err_set(err, ERR_IO, "cannot write to standard output") : 0;
}

/* ---- CSV and JSON: a row is printed as it comes ----------------------------------------------------------------- */

static int csv_columns(void *arg, size_t n, const char *const *names, struct err *err)
{
    struct printer *p = arg;
    for (size_t i = 0; i < n; i++) {
        csv_field(&p->line, names[i]);
        buf_char(&p->line, i + 1 < n ? ',' : '\n');
    }
    return print_line(p, err);
}

static int csv_row(void *arg, size_t n, const struct query_value *v, struct err *err)
{
    struct printer *p = arg;
    for (size_t i = 0; i < n; i++) {
        if (v[i].kind == QUERY_TEXT)
            csv_field_len(&p->line, v[i].text, v[i].len);
        else
            value_text(&p->line, &v[i]);
        buf_char(&p->line, i + 1 < n ? ',' : '\n');
    }
    return print_line(p, err);
}

static int keep_names(struct printer *p, size_t n, const char *const *names, struct err *err)
{
    const char **copy = arena_alloc(&p->cells, n, sizeof *copy, err);
    for (size_t i = 0; copy && i < n; i++)
        if (!(copy[i] = arena_strdup(&p->cells, names[i], err)))
            return -1;
    p->names = copy;
    p->n_columns = n;
    return copy ? 0 : -1;
}

static int json_columns(void *arg, size_t n, const char *const *names, struct err *err)
{
    struct printer *p = arg;
    buf_char(&p->line, '[');
    TRY(keep_names(p, n, names, err));
    return print_line(p, err);
}

static int json_row(void *arg, size_t n, const struct query_value *v, struct err *err)
{
    struct printer *p = arg;
    buf_str(&p->line, p->started ? ",\n " : "\n ");
    p->started = true;
    struct json_out j = JSON_OUT_INIT(&p->line);
    json_out_open(&j, '{');
    for (size_t i = 0; i < n; i++) {
        json_out_key(&j, p->names[i]);
        if (v[i].kind == QUERY_INTEGER)
            json_out_int(&j, v[i].integer);
        else if (v[i].kind == QUERY_NUMBER)
            json_out_number(&j, v[i].number);
        else if (v[i].kind == QUERY_TEXT)
            json_out_text_len(&j, v[i].text, v[i].len);
        else
            json_out_null(&j);
    }
    json_out_close(&j);
    return print_line(p, err);
}

/* ---- a table for people ----------------------------------------------------------------------------------------- */

static int add_cell(struct printer *p, const char *text, size_t len, bool numeric, struct err *err)
{
    TRY(mem_grow(&p->texts, &p->cap_texts, p->n_texts, sizeof *p->texts, err));
    TRY(mem_grow(&p->numeric, &p->cap_numeric, p->n_texts, sizeof *p->numeric, err));
    char *copy = arena_strndup(&p->cells, text, len, err);
    if (!copy)
        return -1;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' '; /* a table has one line a row, and no escape sequences of others */
    p->numeric[p->n_texts] = numeric;
    p->texts[p->n_texts++] = copy;
    return 0;
}

static int table_columns(void *arg, size_t n, const char *const *names, struct err *err)
{
    struct printer *p = arg;
    p->n_columns = n;
    for (size_t i = 0; i < n; i++)
        TRY(add_cell(p, names[i], strlen(names[i]), false, err));
    return 0;
}

static int table_row(void *arg, size_t n, const struct query_value *v, struct err *err)
{
    struct printer *p = arg;
    for (size_t i = 0; i < n; i++) {
        buf_clear(&p->line);
        value_text(&p->line, &v[i]);
        TRY(buf_check(&p->line, err));
        TRY(add_cell(p, p->line.data ? p->line.data : "", p->line.len, v[i].kind == QUERY_INTEGER || v[i].kind == QUERY_NUMBER, err));
    }
    return 0;
}

static size_t characters(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* The bytes of the first `n` characters. */
static size_t bytes_of(const char *s, size_t n)
{
    size_t i = 0;
    while (s[i] && (n > 0 || ((unsigned char)s[i] & 0xC0) == 0x80)) {
        n -= ((unsigned char)s[i] & 0xC0) != 0x80;
        i++;
    }
    return i;
}

static int print_table(struct printer *p, struct err *err)
{
    size_t n = p->n_columns;
    size_t *width = mem_zalloc(n, sizeof *width, err);
    if (!width)
        return -1;
    for (size_t i = 0; i < p->n_texts; i++) {
        size_t w = characters(p->texts[i]);
        w = w > TABLE_WIDTH ? TABLE_WIDTH : w;
        width[i % n] = w > width[i % n] ? w : width[i % n];
    }
    for (size_t i = 0; i < p->n_texts && !ferror(stdout); i++) {
        const char *s = p->texts[i];
        size_t w = characters(s), col = i % n;
        bool cut = w > TABLE_WIDTH;
        int shown = (int)bytes_of(s, cut ? TABLE_WIDTH - 3 : w), pad = (int)(width[col] - (cut ? TABLE_WIDTH : w));
        if (p->numeric[i])
            printf("%*s%s", pad, "", s);
        else
            printf("%.*s%s%*s", shown, s, cut ? "..." : "", col + 1 < n ? pad : 0, "");
        fputs(col + 1 < n ? "  " : "\n", stdout);
    }
    free(width);
    return 0;
}

static int run(struct invocation *in, struct err *err)
{
    struct printer p = {.line = BUF_INIT(TABLE_BYTES), .cells = ARENA_INIT(TABLE_BYTES)};
    bool csv = opt_flag(in, "csv");
    if (csv && in->json)
        return err_set(err, ERR_USAGE, "--csv and --json: one of them");
    struct query_events e = {.columns = csv ? csv_columns : in->json ? json_columns : table_columns,
                             .row = csv ? csv_row : in->json ? json_row : table_row, .arg = &p};
    const char *db = opt_string(in, "db");
    char *path = db ? mem_strdup(db, err) : path_join(in->out ? in->out : ".", "results/prony.db", err);
    int rc = path ? query(path, in->args[0], &e, err) : -1;
    if (rc == 0 && in->json)
        fputs(p.started ? "\n]\n" : "]\n", stdout);
    else if (rc == 0 && !csv)
        rc = print_table(&p, err);
    free(path);
    free(p.texts);
    free(p.numeric);
    arena_release(&p.cells);
    buf_release(&p.line);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "db", .kind = OPT_STRING, .argument = "FILE", .help = "the database (results/prony.db unless given)", .files = true},
    {.name = "csv", .kind = OPT_FLAG, .help = "rows as CSV"},
    {0},
};

static const struct example examples[] = {
    {"prony query \"SELECT engine, status, reason FROM cell JOIN launch ON launch.cell = cell.id\"", "what ran and what did not"},
    {"prony query \"SELECT avg(total_ns)/1e6 AS ms FROM step WHERE number > 0\" --db results/prony.db --json", "for a script"},
    {"prony query \"SELECT name, sql FROM sqlite_schema\"", "the tables"},
    {0},
};

const struct command command_query = {
    .name = "query",
    .summary = "ask the database in SQL, read-only",
    .synopsis = "SQL",
    .description = "One statement that reads. The database is that of prony collate; docs/STORE.md describes its tables. Rows come as a "
                   "table, with --csv or --json for scripts; long texts are cut in the table only.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON | GLOBAL_OUT,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
