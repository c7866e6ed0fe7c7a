/* Any bytes as CSV: records whose fields, written again, are read as they were; or an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct csv_reader in, back;
    struct csv_text fields[CSV_FIELDS], copies[CSV_FIELDS];
    struct buf line = BUF_INIT(64 << 20);
    int n;
    csv_reader_init(&in, (const char *)data, size, "fuzz");
    while ((n = csv_next(&in, fields, CSV_FIELDS, &err)) > 0) {
        if (n == 1 && fields[0].len == 0)
            continue; /* written alone it is an empty line, which is none */
        buf_clear(&line);
        for (int i = 0; i < n; i++) {
            csv_field_len(&line, fields[i].data, fields[i].len);
            buf_char(&line, i + 1 < n ? ',' : '\n');
        }
        csv_reader_init(&back, line.data, line.len, "own");
        if (csv_next(&back, copies, CSV_FIELDS, &err) != n)
            abort();
        for (int i = 0; i < n; i++)
            if (copies[i].len != fields[i].len || memcmp(copies[i].data, fields[i].data, fields[i].len) != 0)
                abort();
        csv_reader_release(&back);
    }
    if (n < 0 && err.code == ERR_NONE)
        abort();
    csv_reader_release(&in);
    buf_release(&line);
    return 0;
}
