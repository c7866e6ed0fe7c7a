/* file.h - whole files, mapped files, paths and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* A file mapped read-only. `data` lives until file_unmap; an empty file has data NULL and size 0.
 * A file truncated by someone else while mapped raises SIGBUS on access: mapped files must not change. */
struct file_map {
    const uint8_t *data;
    size_t size;
    char *path; /* as given, for messages */
};

int file_map(struct file_map *m, const char *path, struct err *err);
void file_unmap(struct file_map *m); /* safe on a zeroed one and twice */

/* Appends the whole file to `text`, at most `max` bytes (more is ERR_INPUT naming both numbers). A path of "-" is
 * standard input. */
int file_read(struct buf *text, const char *path, size_t max, struct err *err);

/* Replaces the file in one step: writes beside it, fsyncs, renames. A reader sees the old bytes or the new, never half. */
int file_write(const char *path, const void *data, size_t len, struct err *err);

/* Writes to the end, or returns -1 with errno. Neither a file that may grow no further nor a pipe without a reader ends
 * the process: SIGXFSZ and SIGPIPE are kept off, and the call fails with EFBIG or EPIPE. */
int file_write_all(int fd, const void *data, size_t len);

bool file_exists(const char *path);
bool file_is_dir(const char *path);

/* Makes the folder and its parents (0777 less umask). A folder that is there already is fine. */
int file_mkdirs(const char *path, struct err *err);

/* "DIR/NAME" in a new string to free(). NULL and err on failure. */
char *path_join(const char *dir, const char *name, struct err *err);
/* What follows the last '/', pointing into `path`. "a/b/" gives "". */
const char *path_base(const char *path);
/* The extension with its dot, pointing into `path`, or "" ("model.gguf" -> ".gguf", ".profile" -> ""). */
const char *path_ext(const char *path);

#endif
