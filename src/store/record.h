/* record.h - the lines of a raw log: what each holds, and how it is written and read.
 *
 * A raw log is UTF-8 text, one JSON object a line, each with `t`, its kind:
 *
 *   open     once, first: format number, run, engine, model, seed, host, and the fingerprint of machine, build and model
 *   resume   the log was opened again: when, and whether the line before it was torn
 *   ready    an engine opened for a launch of a cell: its version, load time, memory, bytes and parameters a step needs
 *   request  one request of a cell with all its token steps, so that a torn line loses exactly that request
 *   value    one observation that is no request: names and numbers
 *   cell     a launch of a cell ended: ok, or why not
 *   close    once, last: how the run ended, and the machine after it
 *
 * A reader ignores keys and kinds that it does not know; a change that it could not ignore raises RECORD_FORMAT. Unknown
 * numbers are null, never 0. Times are nanoseconds of the clock that the record names.
 *
 *     struct sample_step steps[] = {{.id = 7, .enqueue_ns = 10, .total_ns = 1000, .text = "a", .text_len = 1}};
 *     struct sample_reply reply = {.prompt_len = 12, .n_steps = 1, .steps = steps, .finish = "length"};
 *     struct sample_request r = {.cell = key, .launch = 0, .index = 0, .phase = "timed", .clock = "monotonic",
 *                                .n_replies = 1, .replies = &reply, .prefill_ns = 900, .decode_ns = 100, .total_ns = 1000};
 *     TRY(record_request_write(&line, &r, err));     // no newline; the buffer may be used again after buf_clear
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { RECORD_FORMAT = 1, RECORD_LINE_MAX = 64 << 20 };
#define RECORD_UNKNOWN INT64_MIN /* a number of nanoseconds, bytes or ids that nobody knows: null in the file */

enum record_kind {
    RECORD_OTHER, /* a kind of a later prony */
    RECORD_OPEN, RECORD_RESUME, RECORD_READY, RECORD_REQUEST, RECORD_VALUE, RECORD_CELL, RECORD_CLOSE
};

/* Strings are borrowed in all of them. NULL: unknown. */
struct record_open {
    const char *run;       /* UUID */
    const char *started;   /* ISO date and time, UTC */
    const char *engine, *variant, *model, *size, *quantize, *device; /* the key or path of the model as asked for */
    uint64_t seed;
    const char *host, *user, *platform, *release, *command;
    const json_t *fingerprint; /* of fingerprint.h, or NULL */
};

/* What opening an engine for a launch told. */
struct record_ready {
    const char *cell;
    int64_t launch;
    const char *version, *checked_against, *clock;
    int64_t load_ns, parameters, step_parameters, step_bytes, position_bytes; /* RECORD_UNKNOWN */
    int64_t weights_bytes, kv_bytes, scratch_bytes;
};

struct sample_step {
    int64_t id;          /* RECORD_UNKNOWN: the engine gives no ids */
    int64_t enqueue_ns;  /* from handing the step over to the first work on it; RECORD_UNKNOWN */
    int64_t total_ns;    /* wall time of the step; the first one's holds the prefill */
    double logprob;      /* NaN: none */
    const char *text;    /* its bytes: may break inside a character (the record moves it to the step that ends it) */
    size_t text_len;
};

/* One prompt of the batch. */
struct sample_reply {
    int64_t prompt_len;
    const char *finish;  /* "length", "eos", "stop" */
    size_t n_steps;
    const struct sample_step *steps;
};

struct sample_request {
    const char *cell;    /* record_cell_key */
    int64_t launch;      /* which fresh process, from 0 */
    int64_t index;       /* which request of its phase in this launch, from 0 */
    const char *phase;   /* "warmup", "timed" */
    const char *clock;   /* "monotonic", "virtual", ... */
    int64_t submitted_ns; /* on that clock */
    int64_t prefill_ns;  /* from handing over to the first token */
    int64_t decode_ns;   /* from the first token to the last */
    int64_t total_ns;
    double server_prefill_ms, server_decode_ms; /* as a server says of itself; NaN */
    int64_t cached_tokens;
    int64_t step_bytes;      /* of weights that one step must read; RECORD_UNKNOWN */
    int64_t position_bytes;  /* of KV that one step must read for each position before it */
    int64_t step_parameters; /* used for one token */
    size_t n_replies;        /* the batch */
    const struct sample_reply *replies;
};

/* Names and numbers of an experiment that asks for other things than tokens (a block of a perplexity, say). */
struct sample_value {
    const char *cell;
    int64_t launch, index;
    const json_t *values; /* an object of numbers, texts and nulls */
};

/* How a launch of a cell ended. */
struct cell_record {
    const char *key;
    const char *experiment, *engine, *variant, *model;
    const json_t *params;   /* an object */
    int64_t launch;
    const char *status;     /* "ok", or err_code_name of what stopped it: "unsupported", "missing", "timeout", ... */
    const char *reason, *hint; /* NULL when ok */
    int64_t samples;        /* that the launch gave */
    int64_t peak_bytes;     /* largest resident set of its processes; RECORD_UNKNOWN */
    const char *checked_against; /* "real 0.13.0", "double only" */
    const char *benchmark;  /* id in the manifest, and its target; NULL: none */
    const char *target;
};

struct record_close {
    const char *ended;      /* ISO date and time */
    const char *status;     /* "done", "interrupted", "failed" */
    const char *reason;     /* NULL when done */
    const json_t *after;    /* what changed of the machine meanwhile (machine_delta), or NULL */
};

enum { CELL_KEY_TEXT = 33 };

/* The name of a cell, 32 hex digits: the same for the same experiment, engine, variant, model and parameters on every
 * machine and in every run, whatever order the parameters were written in. */
int record_cell_key(char out[CELL_KEY_TEXT], const char *experiment, const char *engine, const char *variant,
                    const char *model, const json_t *params, struct err *err);

/* Append one line without its newline. */
int record_open_write(struct buf *line, const struct record_open *r, struct err *err);
int record_resume_write(struct buf *line, const char *at, size_t torn_bytes, struct err *err);
int record_ready_write(struct buf *line, const struct record_ready *r, struct err *err);
int record_request_write(struct buf *line, const struct sample_request *r, struct err *err);
int record_value_write(struct buf *line, const struct sample_value *r, struct err *err);
int record_cell_write(struct buf *line, const struct cell_record *r, struct err *err);
int record_close_write(struct buf *line, const struct record_close *r, struct err *err);

/* The kind of a line; -1 and err when it is no object with a kind. */
int record_kind_of(enum record_kind *out, const json_t *line, struct err *err);

/* Read a line back. Texts are borrowed from `line`, arrays live in `arena`. A line that makes no sense is ERR_INPUT. */
int record_open_read(struct record_open *r, const json_t *line, struct err *err);
int record_ready_read(struct record_ready *r, const json_t *line, struct err *err);
int record_request_read(struct sample_request *r, const json_t *line, struct arena *arena, struct err *err);
int record_value_read(struct sample_value *r, const json_t *line, struct err *err);
int record_cell_read(struct cell_record *r, const json_t *line, struct err *err);
int record_close_read(struct record_close *r, const json_t *line, struct err *err);

#endif
