/* new_file.h - a large file written piece by piece that appears whole or not at all.
 *
 *     struct new_file f = {0};
 *     TRY(new_file_begin(&f, "out.gguf", err));
 *     TRY(new_file_add(&f, bytes, n, err));       // any number of times
 *     TRY(new_file_finish(&f, err));              // fsync, renamed into place
 *     new_file_release(&f);                       // always; before finish it removes what was begun
 *
 * What is written at once is file_write's (file.h).
 */
#ifndef BASE_NEW_FILE_H
#define BASE_NEW_FILE_H

#include <stdio.h>

#include "base/err.h"

struct new_file {
    FILE *file;
    char *path, *temporary;
};

int new_file_begin(struct new_file *f, const char *path, struct err *err);
int new_file_add(struct new_file *f, const void *bytes, size_t n, struct err *err);
int new_file_finish(struct new_file *f, struct err *err);
void new_file_release(struct new_file *f); /* safe on a zeroed one */

#endif
