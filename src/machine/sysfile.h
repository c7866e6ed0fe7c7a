/* sysfile.h - small files of /proc and /sys, for machine/ only. */
#ifndef MACHINE_SYSFILE_H
#define MACHINE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { SYSFILE_MAX = 65536 };

/* The file's text without trailing white space; false when it cannot be read. What exceeds `size` is cut. */
bool sysfile_text(char *out, size_t size, const char *root, const char *path);
bool sysfile_int(int64_t *out, const char *root, const char *path);
/* "Key:   value" or "key\t: value" or "key value" at the beginning of a line of `text`; the value to the line's end. */
bool sysfile_field(char *out, size_t size, const char *text, const char *key);

/* New JSON values: null when the file or field is not there. */
json_t *fact_text(const char *root, const char *path);
json_t *fact_int(const char *root, const char *path);
json_t *fact_field(const char *text, const char *key);
/* A field that is a number, times `scale` ("MemTotal: 123 kB" with 1.0 / 1024 gives MB). */
json_t *fact_field_number(const char *text, const char *key, double scale);

#endif
