/* manifest.h - a YAML file that says what to measure.
 *
 *     struct manifest *m;
 *     TRY(manifest_open(&m, "configs/demo.yaml", err));     // all errors of the file in one text
 *     const json_t *targets = json_object_get(manifest_json(m), "targets");
 *     ...
 *     manifest_close(m);
 *
 * The file is checked whole before anything is done with it; what comes out is JSON with all defaults filled in and all
 * aliases resolved (docs/MANIFEST.md has the keys), and with paths that lead to what they mean (manifest_path.h). Beyond
 * the tables it is made sure that ids are unique, that models and engines named in benchmarks are there, and that every
 * config fits its type.
 */
#ifndef EXPERIMENTS_MANIFEST_H
#define EXPERIMENTS_MANIFEST_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum { MANIFEST_MAX = 8 << 20 };

struct manifest;

/* Gives *out to the caller, also on failure (then NULL, or only good for manifest_errors and manifest_close). */
int manifest_open(struct manifest **out, const char *path, struct err *err);
/* The same from bytes that are there; `name` stands for the path. */
int manifest_parse(struct manifest **out, const char *text, size_t len, const char *name, struct err *err);
void manifest_close(struct manifest *m); /* NULL is fine */

const json_t *manifest_json(const struct manifest *m); /* borrowed */
const char *manifest_file(const struct manifest *m);   /* its path, as given */
const char *manifest_text(const struct manifest *m);   /* the file as it was */
const char *manifest_sha256(const struct manifest *m); /* of that, in hex */
/* Everything wrong, "FILE:LINE:COL: PATH: what" a line, also after a failed open: err holds the first and the count.
 * NULL when nothing was found wrong, or the file could not be parsed at all. */
const char *manifest_errors(const struct manifest *m);

/* The tables of keys as Markdown, for docs/MANIFEST.md. */
void manifest_markdown(struct buf *b);

#endif
