#include "support/zip_maker.h"

#include <stdint.h>
#include <string.h>

static void put(struct buf *b, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        buf_char(b, (char)(i < 8 ? v >> (8 * i) : 0));
}

void zip_make(struct buf *out, const struct zip_item *items)
{
    struct buf directory = BUF_INIT(1 << 20);
    size_t start = out->len, places[64], n = 0;
    for (; items[n].name; n++) {
        const struct zip_item *e = &items[n];
        places[n] = out->len - start;
        for (size_t i = 0; e->local_of && i < n; i++)
            if (strcmp(items[i].name, e->local_of) == 0)
                places[n] = places[i];
        if (!e->local_of) {
            buf_add(out, "PK\3\4", 4);
            put(out, 20, 2), put(out, e->flags, 2), put(out, e->method, 2), put(out, 0, 8);
            put(out, e->len, 4), put(out, e->len, 4), put(out, strlen(e->name), 2), put(out, 0, 2);
            buf_str(out, e->name);
            buf_add(out, e->data, e->len);
        }
        uint64_t size = e->len + (uint64_t)e->size_off;
        buf_add(&directory, "PK\1\2", 4);
        put(&directory, 20, 2), put(&directory, 20, 2), put(&directory, e->flags, 2), put(&directory, e->method, 2);
        put(&directory, 0, 8), put(&directory, size, 4), put(&directory, size, 4), put(&directory, strlen(e->name), 2);
        put(&directory, 0, 12), put(&directory, places[n], 4);
        buf_str(&directory, e->name);
    }
    size_t at = out->len - start;
    buf_add(out, directory.data, directory.len);
    buf_add(out, "PK\5\6", 4);
    put(out, 0, 4), put(out, n, 2), put(out, n, 2), put(out, directory.len, 4), put(out, at, 4), put(out, 0, 2);
    buf_release(&directory);
}
