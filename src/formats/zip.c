/* After PKWARE's APPNOTE 6.3.10: the central directory at the end decides, each local header only says where data begin. */
#include "formats/zip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/table.h"

enum { END = 22, END64 = 56, LOCATOR = 20, CENTRAL = 46, LOCAL = 30, COMMENT_MAX = 65535, ZIP64_EXTRA = 1 };

struct reader {
    const uint8_t *bytes;
    size_t size;
    const char *path;
};

static uint64_t number(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static int refuse(const struct reader *r, const struct zip_entry *e, const char *why, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s': zip entry '%s' %s", r->path, shown(e->name, e->name_len).text, why);
}

/* Where the record that ends the archive begins; SIZE_MAX: nowhere. */
static size_t find_end(const struct reader *r)
{
    for (size_t at = r->size >= END ? r->size - END : SIZE_MAX; at != SIZE_MAX && r->size - at <= END + COMMENT_MAX; at--) {
        if (memcmp(r->bytes + at, "PK\5\6", 4) == 0 && number(r->bytes + at + 20, 2) == r->size - at - END)
            return at;
        if (at == 0)
            break;
    }
    return SIZE_MAX;
}

/* The directory's place, bytes and number of entries, from the 32-bit record or the 64-bit one before it. */
static int find_directory(const struct reader *r, uint64_t *at, uint64_t *bytes, uint64_t *entries, struct err *err)
{
    size_t end = find_end(r);
    if (end == SIZE_MAX) {
        err_set(err, ERR_INPUT, "'%s': a zip archive without its directory", r->path);
        return err_hint(err, "the download may be incomplete: compare its size with the source's");
    }
    const uint8_t *p = r->bytes + end;
    *entries = number(p + 10, 2);
    *bytes = number(p + 12, 4);
    *at = number(p + 16, 4);
    bool wide = false;
    if (end >= LOCATOR && memcmp(p - LOCATOR, "PK\6\7", 4) == 0) {
        uint64_t there = number(p - LOCATOR + 8, 8);
        if (r->size < END64 || there > r->size - END64 || memcmp(r->bytes + there, "PK\6\6", 4) != 0)
            return err_set(err, ERR_INPUT, "'%s': the zip64 record is not where it should be", r->path);
        *entries = number(r->bytes + there + 32, 8);
        *bytes = number(r->bytes + there + 40, 8);
        *at = number(r->bytes + there + 48, 8);
        wide = true;
    }
    if (number(p + 4, 2) != 0 && !(wide && number(p + 4, 2) == 0xFFFF))
        return err_set(err, ERR_UNSUPPORTED, "'%s': a zip archive in several parts", r->path);
    if (*bytes > r->size || *at > r->size - *bytes || *entries > *bytes / CENTRAL)
        return err_set(err, ERR_INPUT, "'%s': the zip directory of %llu entries lies outside the file", r->path,
                       (unsigned long long)*entries);
    return 0;
}

/* Sizes and place that do not fit 32 bits stand in an extra field, in this order. */
static int read_wide(const struct reader *r, const struct zip_entry *e, const uint8_t *extra, size_t len, uint64_t *values[3],
                     struct err *err)
{
    while (len >= 4) {
        size_t n = (size_t)number(extra + 2, 2);
        if (n > len - 4)
            break;
        if (number(extra, 2) == ZIP64_EXTRA) {
            const uint8_t *p = extra + 4;
            for (int i = 0; i < 3; i++) {
                if (*values[i] != UINT32_MAX)
                    continue;
                if (p + 8 > extra + 4 + n)
                    return refuse(r, e, "has a zip64 field that is too short", err);
                *values[i] = number(p, 8);
                p += 8;
            }
            return 0;
        }
        extra += 4 + n;
        len -= 4 + n;
    }
    for (int i = 0; i < 3; i++)
        if (*values[i] == UINT32_MAX)
            return refuse(r, e, "says it is larger than 4 GB but not how large", err);
    return 0;
}

/* Names are looked up, never opened: but one that leads elsewhere has no honest reason. */
static bool leads_out(const struct zip_entry *e)
{
    if (e->name_len == 0 || e->name[0] == '/' || memchr(e->name, '\\', e->name_len) || memchr(e->name, '\0', e->name_len))
        return true;
    for (size_t i = 0; i + 2 <= e->name_len; i++)
        if (memcmp(e->name + i, "..", 2) == 0 && (i == 0 || e->name[i - 1] == '/') && (i + 2 == e->name_len || e->name[i + 2] == '/'))
            return true;
    return false;
}

/* One record of the directory into e: its bytes, or 0 and err. */
static size_t read_central(const struct reader *r, const uint8_t *p, size_t left, struct zip_entry *e, struct err *err)
{
    if (left < CENTRAL || memcmp(p, "PK\1\2", 4) != 0) {
        err_set(err, ERR_INPUT, "'%s': the zip directory is damaged", r->path);
        return 0;
    }
    size_t name = (size_t)number(p + 28, 2), extra = (size_t)number(p + 30, 2), comment = (size_t)number(p + 32, 2);
    uint64_t packed = number(p + 20, 4), size = number(p + 24, 4), at = number(p + 42, 4);
    if (name + extra + comment > left - CENTRAL) {
        err_set(err, ERR_INPUT, "'%s': the zip directory is damaged", r->path);
        return 0;
    }
    *e = (struct zip_entry){.name = (const char *)p + CENTRAL, .name_len = name};
    int rc = read_wide(r, e, p + CENTRAL + name, extra, (uint64_t *[3]){&size, &packed, &at}, err);
    if (rc == 0 && leads_out(e))
        rc = refuse(r, e, "has a name that leads out of the archive", err);
    if (rc == 0 && number(p + 8, 2) & 1)
        rc = refuse(r, e, "is encrypted", err);
    if (rc == 0 && number(p + 10, 2) != 0)
        rc = refuse(r, e, "is compressed; PyTorch stores its entries as they are", err);
    if (rc == 0 && packed != size)
        rc = refuse(r, e, "is stored in another number of bytes than it has", err);
    if (rc == 0 && (r->size < LOCAL || at > r->size - LOCAL || memcmp(r->bytes + at, "PK\3\4", 4) != 0))
        rc = refuse(r, e, "is not where the directory says", err);
    if (rc < 0)
        return 0;
    uint64_t data = at + LOCAL + number(r->bytes + at + 26, 2) + number(r->bytes + at + 28, 2);
    if (data > r->size || size > r->size - data) {
        refuse(r, e, "ends after the file", err);
        return 0;
    }
    e->data = r->bytes + data;
    e->size = (size_t)size;
    return CENTRAL + name + extra + comment;
}

static int by_place(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

static int by_name(const void *a, const void *b)
{
    const struct zip_entry *x = a, *y = b;
    int c = memcmp(x->name, y->name, x->name_len < y->name_len ? x->name_len : y->name_len);
    return c ? c : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static int check_entries(const struct reader *r, struct zip *z, struct err *err)
{
    qsort(z->entries, z->n, sizeof *z->entries, by_place);
    for (size_t i = 1; i < z->n; i++)
        if (z->entries[i].size > 0 && z->entries[i - 1].data + z->entries[i - 1].size > z->entries[i].data)
            return refuse(r, &z->entries[i], "shares bytes with another", err);
    qsort(z->entries, z->n, sizeof *z->entries, by_name);
    for (size_t i = 1; i < z->n; i++)
        if (by_name(&z->entries[i - 1], &z->entries[i]) == 0)
            return refuse(r, &z->entries[i], "occurs twice", err);
    return 0;
}

int zip_read(struct zip *z, const uint8_t *bytes, size_t size, const char *path, struct err *err)
{
    struct reader r = {bytes, size, path};
    uint64_t at = 0, left = 0, n = 0;
    *z = (struct zip){0};
    TRY(find_directory(&r, &at, &left, &n, err));
    z->entries = mem_alloc((size_t)n, sizeof *z->entries, err);
    if (!z->entries)
        return -1;
    for (z->n = 0; z->n < n; z->n++) {
        size_t taken = read_central(&r, bytes + at, (size_t)left, &z->entries[z->n], err);
        if (taken == 0)
            return -1;
        at += taken;
        left -= taken;
    }
    return check_entries(&r, z, err);
}

void zip_release(struct zip *z)
{
    free(z->entries);
    *z = (struct zip){0};
}

const struct zip_entry *zip_find(const struct zip *z, const char *prefix, size_t prefix_len, const char *name)
{
    size_t n = strlen(name), low = 0, high = z->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct zip_entry *e = &z->entries[mid];
        char full[512];
        if (prefix_len + n > sizeof full)
            return NULL;
        memcpy(full, prefix, prefix_len);
        memcpy(full + prefix_len, name, n);
        int c = by_name(&(struct zip_entry){.name = full, .name_len = prefix_len + n}, e);
        if (c == 0)
            return e;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
