/* zip.h - the entries of a zip archive in memory, as PyTorch writes them: stored, never compressed. Private to formats/.
 *
 * Nothing is copied or unpacked: an entry is a run of the archive's bytes. An archive that could mean two things is refused by
 * name: entries that overlap or occur twice, that are compressed or encrypted, whose names lead out of the archive.
 */
#ifndef FORMATS_ZIP_H
#define FORMATS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct zip_entry {
    const char *name; /* not NUL-terminated */
    size_t name_len;
    const uint8_t *data;
    size_t size;
};

struct zip {
    struct zip_entry *entries; /* sorted by name */
    size_t n;
};

/* `path` stands for the archive in messages. zip_release also after a failure. */
int zip_read(struct zip *z, const uint8_t *bytes, size_t size, const char *path, struct err *err);
void zip_release(struct zip *z);
/* The entry named PREFIX followed by NAME, or NULL. */
const struct zip_entry *zip_find(const struct zip *z, const char *prefix, size_t prefix_len, const char *name);

#endif
