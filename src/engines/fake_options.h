/* fake_options.h - the script of the fake engine. Private to fake*.c. */
#ifndef ENGINES_FAKE_OPTIONS_H
#define ENGINES_FAKE_OPTIONS_H

#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum fake_clock { FAKE_VIRTUAL, FAKE_REAL };
enum fake_shape { FAKE_NORMAL, FAKE_LOGNORMAL, FAKE_BIMODAL };
enum fake_fault { FAULT_NONE, FAULT_OPEN, FAULT_DIE, FAULT_COUNTS, FAULT_NAN, FAULT_HANG, FAULT_ALLOCATE, FAULT_STUBBORN };

struct fake_options {
    int64_t vocabulary, context, eos_every, model_seed; /* model_seed -1: from the model's name */
    double decay;
    int64_t clock, shape;
    double load_ms, enqueue_ms, prompt_token_ms, token_ms, position_ms, batch_share;
    double launch_cv, request_cv, token_cv, rho, mode_share, mode_shift, drift;
    int64_t parameters, weight_mb, position_bytes;
    int64_t fault, fault_launch, fault_request, fault_token, fault_mb;
};

/* NULL options: the defaults. All wrong keys and values are named in one error. */
int fake_options_read(struct fake_options *out, const json_t *options, struct err *err);

/* One line of Markdown a row, for docs/ENGINES.md. */
void fake_options_help(struct buf *b);

#endif
