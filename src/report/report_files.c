#include "report/report_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/new_file.h"
#include "report/csv_table.h"
#include "report/html_series.h"
#include "report/rows.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

static int write_one(const char *dir, const char *name, const char *tail, const struct buf *b, struct err *err)
{
    char *path = mem_printf(err, "%s/%s%s", dir, name, tail);
    int result = path ? file_write(path, b->data ? b->data : "", b->len, err) : -1;
    free(path);
    return result;
}

/* TABLE_samples.csv: every observation of the table, in pieces, because there may be millions. */
static int write_samples(const char *dir, const struct report_doc *doc, size_t table, struct err *err)
{
    enum { PIECE = 10000 };
    const struct report_table *t = &doc->tables[table];
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    struct new_file file = {0};
    char tail[64];
    csv_table_file(tail, sizeof tail, doc, table, "_samples");
    char *path = mem_printf(err, "%s/%s%s", dir, t->name, tail);
    int result = path ? new_file_begin(&file, path, err) : -1;
    csv_samples_titles(&out, t);
    for (size_t from = 0; result == 0 && from < t->raw.n_rows; from += PIECE) {
        csv_samples(&out, t, from, from + PIECE < t->raw.n_rows ? from + PIECE : t->raw.n_rows);
        result = buf_check(&out, err);
        if (result == 0)
            result = new_file_add(&file, out.data, out.len, err);
        buf_clear(&out);
    }
    if (result == 0)
        result = new_file_finish(&file, err);
    new_file_release(&file);
    buf_release(&out);
    free(path);
    return result;
}

static int write_tables(const char *dir, const struct report_doc *doc, const struct results *r, struct err *err)
{
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    int result = 0;
    for (size_t i = 0; result == 0 && i < doc->n_tables; i++) {
        const char *name = doc->tables[i].name;
        char tail[64];
        bool latency = strcmp(name, "latency") == 0;
        csv_table_file(tail, sizeof tail, doc, i, latency ? "_figures" : "");
        buf_clear(&out);
        csv_table(&out, &doc->tables[i]);
        result = buf_check(&out, err);
        if (result == 0)
            result = write_one(dir, name, tail, &out, err);
        if (result == 0 && doc->tables[i].raw.n_rows)
            result = write_samples(dir, doc, i, err);
        if (result == 0 && latency && csv_table_number(doc, i) == 1) {
            buf_clear(&out);
            result = rows_latency_csv(&out, r, err);
            if (result == 0)
                result = write_one(dir, name, ".csv", &out, err);
        }
    }
    buf_release(&out);
    return result;
}

int report_files_write(const char *dir, const struct report_format *format, const struct report_doc *doc,
                       const struct results *r, struct err *err)
{
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    struct report_style style = {.unicode = true, .files = true};
    char tail[32];
    TRY(file_mkdirs(dir, err));
    if (strcmp(format->name, "csv") == 0)
        return write_tables(dir, doc, r, err);
    for (size_t i = 0; i < doc->n_tables; i++)
        if (doc->tables[i].raw.n_rows && strcmp(format->name, "html") == 0 && !html_embeds(doc, i))
            TRY(write_samples(dir, doc, i, err)); /* the page refers to it */
    snprintf(tail, sizeof tail, ".%s", format->extension);
    int result = report_write(&out, format, doc, &style, err);
    if (result == 0)
        result = write_one(dir, format->file ? format->file : "report", tail, &out, err);
    buf_release(&out);
    return result;
}
