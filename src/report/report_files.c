#include "report/report_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "report/csv_table.h"
#include "report/rows.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)

static int write_one(const char *dir, const char *name, const char *tail, const struct buf *b, struct err *err)
{
    char *path = mem_printf(err, "%s/%s%s", dir, name, tail);
    int result = path ? file_write(path, b->data ? b->data : "", b->len, err) : -1;
    free(path);
    return result;
}

/* A table of that name that came before this one: its file would be overwritten, so the later gets its number. */
static size_t same_before(const struct report_doc *doc, size_t table)
{
    size_t n = 0;
    for (size_t i = 0; i < table; i++)
        n += strcmp(doc->tables[i].name, doc->tables[table].name) == 0;
    return n;
}

static int write_tables(const char *dir, const struct report_doc *doc, const struct results *r, struct err *err)
{
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    int result = 0;
    for (size_t i = 0; result == 0 && i < doc->n_tables; i++) {
        const char *name = doc->tables[i].name;
        char tail[64];
        size_t before = same_before(doc, i);
        bool latency = strcmp(name, "latency") == 0;
        if (before)
            snprintf(tail, sizeof tail, "%s_%zu.csv", latency ? "_figures" : "", before + 1);
        else
            snprintf(tail, sizeof tail, "%s.csv", latency ? "_figures" : "");
        buf_clear(&out);
        csv_table(&out, &doc->tables[i]);
        result = buf_check(&out, err);
        if (result == 0)
            result = write_one(dir, name, tail, &out, err);
        if (result == 0 && latency && !before) {
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
    struct report_style style = {.unicode = true};
    char tail[32];
    TRY(file_mkdirs(dir, err));
    if (strcmp(format->name, "csv") == 0)
        return write_tables(dir, doc, r, err);
    snprintf(tail, sizeof tail, ".%s", format->extension);
    int result = report_write(&out, format, doc, &style, err);
    if (result == 0)
        result = write_one(dir, "report", tail, &out, err);
    buf_release(&out);
    return result;
}
