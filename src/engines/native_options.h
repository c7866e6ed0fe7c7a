/* native_options.h - the options of prony's own engine, in one table: `options:` of a manifest, the switches of generate,
 * chat and bench, and docs/ENGINES.md are all made of these rows.
 *
 *     struct native_options o;
 *     TRY(native_options_read(&o, json, err));      // {"math": "bf16", "row_invariant": true}
 */
#ifndef ENGINES_NATIVE_OPTIONS_H
#define ENGINES_NATIVE_OPTIONS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Texts are borrowed from the JSON; NULL: not given. */
struct native_options {
    const char *math;     /* "f32", "bf16" */
    const char *kv;       /* type of the KV cache */
    const char *quantize; /* type of the weights, made at load */
    bool row_invariant;
};

/* `options` may be NULL. Everything wrong is one text (ERR_USAGE). */
int native_options_read(struct native_options *out, const json_t *options, struct err *err);

/* The rows as lines of a Markdown table, for docs/ENGINES.md. */
void native_options_help(struct buf *b);

#endif
