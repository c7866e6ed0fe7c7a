/* zip_maker.h - zip archives for tests, honest and not. */
#ifndef SUPPORT_ZIP_MAKER_H
#define SUPPORT_ZIP_MAKER_H

#include "base/buf.h"

struct zip_item {
    const char *name;
    const void *data;
    size_t len;
    unsigned method, flags;
    const char *local_of; /* lies where the entry of this name does */
    long size_off;        /* added to the sizes in the directory */
};

/* Appends an archive of the items (ended by one without a name). */
void zip_make(struct buf *out, const struct zip_item *items);

#endif
