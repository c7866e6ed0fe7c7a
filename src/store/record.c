#include "store/record.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/json_out.h"
#include "base/str.h"

static const char *const kinds[] = {
    [RECORD_OPEN] = "open",   [RECORD_RESUME] = "resume", [RECORD_READY] = "ready", [RECORD_REQUEST] = "request",
    [RECORD_VALUE] = "value", [RECORD_CELL] = "cell",     [RECORD_CLOSE] = "close",
};

int record_cell_key(char out[CELL_KEY_TEXT], const char *experiment, const char *engine, const char *variant,
                    const char *model, const json_t *params, struct err *err)
{
    struct buf text = BUF_INIT(1 << 20);
    struct json_out j = JSON_OUT_INIT(&text);
    char hex[65];
    int rc = -1;
    json_out_open(&j, '[');
    json_out_text(&j, experiment);
    json_out_text(&j, engine);
    json_out_text(&j, variant ? variant : "");
    json_out_text(&j, model);
    json_out_close(&j);
    if (params && json_write_canonical(&text, params, err) < 0)
        goto out;
    if (buf_check(&text, err) < 0)
        goto out;
    if (sha256_bytes(hex, text.data, text.len, NULL, NULL, err) < 0)
        goto out;
    memcpy(out, hex, 32);
    out[32] = '\0';
    rc = 0;
out:
    buf_release(&text);
    return rc;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void put_text(struct json_out *j, const char *key, const char *value)
{
    json_out_key(j, key);
    json_out_text(j, value);
}

static void put_int(struct json_out *j, const char *key, int64_t value)
{
    json_out_key(j, key);
    if (value == RECORD_UNKNOWN)
        json_out_null(j);
    else
        json_out_int(j, value);
}

static void put_number(struct json_out *j, const char *key, double value)
{
    json_out_key(j, key);
    json_out_number(j, value); /* NaN becomes null */
}

/* A value of jansson's inside our line. json_write makes a writer of its own, so the key's colon is all it needs. */
static int put_json(struct json_out *j, const char *key, const json_t *value, struct err *err)
{
    json_out_key(j, key);
    if (!value) {
        json_out_null(j);
        return 0;
    }
    TRY(json_write(j->out, value, err));
    j->keyed = false;
    j->started = true;
    return 0;
}

static void begin(struct json_out *j, struct buf *line, enum record_kind kind)
{
    *j = (struct json_out)JSON_OUT_INIT(line);
    json_out_open(j, '{');
    put_text(j, "t", kinds[kind]);
}

static int end(struct json_out *j, struct err *err)
{
    json_out_close(j);
    return buf_check(j->out, err);
}

int record_open_write(struct buf *line, const struct record_open *r, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_OPEN);
    put_int(&j, "format", RECORD_FORMAT);
    put_text(&j, "run", r->run);
    put_text(&j, "started", r->started);
    put_text(&j, "engine", r->engine);
    put_text(&j, "variant", r->variant);
    put_text(&j, "model", r->model);
    put_text(&j, "size", r->size);
    put_text(&j, "quantize", r->quantize);
    put_text(&j, "device", r->device);
    if (r->seed > INT64_MAX)
        return err_set(err, ERR_USAGE, "seed %llu is above %lld", (unsigned long long)r->seed, (long long)INT64_MAX);
    put_int(&j, "seed", (int64_t)r->seed);
    put_text(&j, "host", r->host);
    put_text(&j, "user", r->user);
    put_text(&j, "platform", r->platform);
    put_text(&j, "release", r->release);
    put_text(&j, "command", r->command);
    TRY(put_json(&j, "fingerprint", r->fingerprint, err));
    return end(&j, err);
}

int record_resume_write(struct buf *line, const char *at, size_t torn_bytes, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_RESUME);
    put_text(&j, "at", at);
    put_int(&j, "torn_bytes", (int64_t)torn_bytes);
    return end(&j, err);
}

int record_ready_write(struct buf *line, const struct record_ready *r, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_READY);
    put_text(&j, "cell", r->cell);
    put_int(&j, "launch", r->launch);
    put_text(&j, "version", r->version);
    put_text(&j, "checked_against", r->checked_against);
    put_text(&j, "clock", r->clock);
    put_int(&j, "load_ns", r->load_ns);
    put_int(&j, "parameters", r->parameters);
    put_int(&j, "step_parameters", r->step_parameters);
    put_int(&j, "step_bytes", r->step_bytes);
    put_int(&j, "position_bytes", r->position_bytes);
    put_int(&j, "weights_bytes", r->weights_bytes);
    put_int(&j, "kv_bytes", r->kv_bytes);
    put_int(&j, "scratch_bytes", r->scratch_bytes);
    return end(&j, err);
}

/* The texts of the steps, cut at characters: bytes of a character that goes on in a later step are written there. The
 * steps' bytes lie anywhere; a character is at most 4 bytes, so at most 3 wait. */
static void put_texts(struct json_out *j, const struct sample_reply *r)
{
    char piece[4096];
    size_t waiting = 0;
    json_out_key(j, "text");
    json_out_open(j, '[');
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct sample_step *s = &r->steps[i];
        bool last = i + 1 == r->n_steps;
        if (waiting + s->text_len > sizeof piece) { /* no token is that long; what waited is written alone */
            json_out_text_len(j, s->text, s->text_len);
            waiting = 0;
            continue;
        }
        if (s->text_len)
            memcpy(piece + waiting, s->text, s->text_len);
        size_t len = waiting + s->text_len;
        size_t whole = last ? len : utf8_whole(piece, len);
        json_out_text_len(j, piece, whole);
        memmove(piece, piece + whole, len - whole);
        waiting = len - whole;
    }
    json_out_close(j);
}

static void put_reply(struct json_out *j, const struct sample_reply *r)
{
    bool has_logprobs = false, has_text = false;
    for (size_t i = 0; i < r->n_steps; i++) {
        has_logprobs |= !isnan(r->steps[i].logprob);
        has_text |= r->steps[i].text != NULL;
    }
    json_out_open(j, '{');
    put_int(j, "prompt_len", r->prompt_len);
    put_text(j, "finish", r->finish);
    json_out_key(j, "id");
    json_out_open(j, '[');
    for (size_t i = 0; i < r->n_steps; i++)
        r->steps[i].id == RECORD_UNKNOWN ? json_out_null(j) : json_out_int(j, r->steps[i].id);
    json_out_close(j);
    json_out_key(j, "enqueue_ns");
    json_out_open(j, '[');
    for (size_t i = 0; i < r->n_steps; i++)
        r->steps[i].enqueue_ns == RECORD_UNKNOWN ? json_out_null(j) : json_out_int(j, r->steps[i].enqueue_ns);
    json_out_close(j);
    json_out_key(j, "total_ns");
    json_out_open(j, '[');
    for (size_t i = 0; i < r->n_steps; i++)
        r->steps[i].total_ns == RECORD_UNKNOWN ? json_out_null(j) : json_out_int(j, r->steps[i].total_ns);
    json_out_close(j);
    if (has_logprobs) {
        json_out_key(j, "logprob");
        json_out_open(j, '[');
        for (size_t i = 0; i < r->n_steps; i++)
            json_out_number(j, r->steps[i].logprob);
        json_out_close(j);
    }
    if (has_text)
        put_texts(j, r);
    json_out_close(j);
}

int record_request_write(struct buf *line, const struct sample_request *r, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_REQUEST);
    put_text(&j, "cell", r->cell);
    put_int(&j, "launch", r->launch);
    put_int(&j, "index", r->index);
    put_text(&j, "phase", r->phase);
    put_text(&j, "clock", r->clock);
    put_int(&j, "submitted_ns", r->submitted_ns);
    put_int(&j, "prefill_ns", r->prefill_ns);
    put_int(&j, "decode_ns", r->decode_ns);
    put_int(&j, "total_ns", r->total_ns);
    put_number(&j, "server_prefill_ms", r->server_prefill_ms);
    put_number(&j, "server_decode_ms", r->server_decode_ms);
    put_int(&j, "cached_tokens", r->cached_tokens);
    put_int(&j, "step_bytes", r->step_bytes);
    put_int(&j, "position_bytes", r->position_bytes);
    put_int(&j, "step_parameters", r->step_parameters);
    json_out_key(&j, "replies");
    json_out_open(&j, '[');
    for (size_t i = 0; i < r->n_replies; i++)
        put_reply(&j, &r->replies[i]);
    json_out_close(&j);
    return end(&j, err);
}

int record_value_write(struct buf *line, const struct sample_value *r, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_VALUE);
    put_text(&j, "cell", r->cell);
    put_int(&j, "launch", r->launch);
    put_int(&j, "index", r->index);
    TRY(put_json(&j, "values", r->values, err));
    return end(&j, err);
}

int record_cell_write(struct buf *line, const struct cell_record *r, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_CELL);
    put_text(&j, "cell", r->key);
    put_text(&j, "experiment", r->experiment);
    put_text(&j, "engine", r->engine);
    put_text(&j, "variant", r->variant);
    put_text(&j, "model", r->model);
    TRY(put_json(&j, "params", r->params, err));
    put_int(&j, "launch", r->launch);
    put_text(&j, "status", r->status);
    put_text(&j, "reason", r->reason);
    put_text(&j, "hint", r->hint);
    put_int(&j, "samples", r->samples);
    put_int(&j, "peak_bytes", r->peak_bytes);
    put_text(&j, "checked_against", r->checked_against);
    put_text(&j, "benchmark", r->benchmark);
    put_text(&j, "target", r->target);
    return end(&j, err);
}

int record_close_write(struct buf *line, const struct record_close *r, struct err *err)
{
    struct json_out j;
    begin(&j, line, RECORD_CLOSE);
    put_text(&j, "ended", r->ended);
    put_text(&j, "status", r->status);
    put_text(&j, "reason", r->reason);
    TRY(put_json(&j, "after", r->after, err));
    return end(&j, err);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

int record_kind_of(enum record_kind *out, const json_t *line, struct err *err)
{
    const char *kind;
    if (!json_is_object(line))
        return err_set(err, ERR_INPUT, "a record is %s, expected an object", json_kind_name(line));
    TRY(json_get_text(&kind, line, "t", "a record", err));
    *out = RECORD_OTHER;
    for (int i = RECORD_OPEN; i <= RECORD_CLOSE; i++)
        if (strcmp(kind, kinds[i]) == 0)
            *out = (enum record_kind)i;
    return 0;
}

static int get_int(int64_t *out, const json_t *line, const char *key, const char *what, struct err *err)
{
    *out = RECORD_UNKNOWN;
    return json_opt_int(out, line, key, -INT64_MAX, INT64_MAX, what, err);
}

int record_open_read(struct record_open *r, const json_t *line, struct err *err)
{
    static const char what[] = "the first line";
    int64_t format, seed;
    *r = (struct record_open){0};
    TRY(json_get_int(&format, line, "format", 1, INT64_MAX, what, err));
    if (format > RECORD_FORMAT) {
        err_set(err, ERR_UNSUPPORTED, "the log has format %lld, this prony reads up to %d", (long long)format, RECORD_FORMAT);
        return err_hint(err, "read it with the prony that wrote it, or a newer one");
    }
    TRY(json_get_text(&r->run, line, "run", what, err));
    TRY(json_get_text(&r->engine, line, "engine", what, err));
    TRY(json_get_int(&seed, line, "seed", 0, INT64_MAX, what, err));
    r->seed = (uint64_t)seed;
    TRY(json_opt_text(&r->started, line, "started", what, err));
    TRY(json_opt_text(&r->variant, line, "variant", what, err));
    TRY(json_opt_text(&r->model, line, "model", what, err));
    TRY(json_opt_text(&r->size, line, "size", what, err));
    TRY(json_opt_text(&r->quantize, line, "quantize", what, err));
    TRY(json_opt_text(&r->device, line, "device", what, err));
    TRY(json_opt_text(&r->host, line, "host", what, err));
    TRY(json_opt_text(&r->user, line, "user", what, err));
    TRY(json_opt_text(&r->platform, line, "platform", what, err));
    TRY(json_opt_text(&r->release, line, "release", what, err));
    TRY(json_opt_text(&r->command, line, "command", what, err));
    r->fingerprint = json_object_get(line, "fingerprint");
    if (json_is_null(r->fingerprint))
        r->fingerprint = NULL;
    return 0;
}

int record_ready_read(struct record_ready *r, const json_t *line, struct err *err)
{
    static const char what[] = "a ready record";
    *r = (struct record_ready){0};
    TRY(json_get_text(&r->cell, line, "cell", what, err));
    TRY(json_get_int(&r->launch, line, "launch", 0, INT32_MAX, what, err));
    TRY(json_opt_text(&r->version, line, "version", what, err));
    TRY(json_opt_text(&r->checked_against, line, "checked_against", what, err));
    TRY(json_opt_text(&r->clock, line, "clock", what, err));
    TRY(get_int(&r->load_ns, line, "load_ns", what, err));
    TRY(get_int(&r->parameters, line, "parameters", what, err));
    TRY(get_int(&r->step_parameters, line, "step_parameters", what, err));
    TRY(get_int(&r->step_bytes, line, "step_bytes", what, err));
    TRY(get_int(&r->position_bytes, line, "position_bytes", what, err));
    TRY(get_int(&r->weights_bytes, line, "weights_bytes", what, err));
    TRY(get_int(&r->kv_bytes, line, "kv_bytes", what, err));
    return get_int(&r->scratch_bytes, line, "scratch_bytes", what, err);
}

/* Element i of an array that may be absent (NULL) or hold nulls. */
static int item_int(int64_t *out, const json_t *array, size_t i, const char *key, struct err *err)
{
    const json_t *v = array ? json_array_get(array, i) : NULL;
    *out = RECORD_UNKNOWN;
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_integer(v))
        return err_set(err, ERR_INPUT, "a request: '%s'[%zu] is %s, expected an integer", key, i, json_kind_name(v));
    *out = json_integer_value(v);
    return 0;
}

static int read_reply(struct sample_reply *r, const json_t *v, struct arena *arena, struct err *err)
{
    static const char what[] = "a reply";
    if (!json_is_object(v))
        return err_set(err, ERR_INPUT, "a reply is %s, expected an object", json_kind_name(v));
    *r = (struct sample_reply){0};
    TRY(get_int(&r->prompt_len, v, "prompt_len", what, err));
    TRY(json_opt_text(&r->finish, v, "finish", what, err));
    const json_t *totals;
    TRY(json_get_array(&totals, v, "total_ns", what, err));
    r->n_steps = json_array_size(totals);
    static const char *const others[] = {"id", "enqueue_ns", "logprob", "text"};
    const json_t *arrays[4];
    for (int k = 0; k < 4; k++) {
        arrays[k] = json_object_get(v, others[k]);
        if (arrays[k] && (!json_is_array(arrays[k]) || json_array_size(arrays[k]) != r->n_steps))
            return err_set(err, ERR_INPUT, "a reply: '%s' is not an array of %zu steps like 'total_ns'", others[k], r->n_steps);
    }
    struct sample_step *steps = arena_alloc(arena, r->n_steps, sizeof *steps, err);
    if (!steps)
        return -1;
    for (size_t i = 0; i < r->n_steps; i++) {
        struct sample_step *s = &steps[i];
        TRY(item_int(&s->id, arrays[0], i, "id", err));
        TRY(item_int(&s->enqueue_ns, arrays[1], i, "enqueue_ns", err));
        TRY(item_int(&s->total_ns, totals, i, "total_ns", err));
        const json_t *logprob = json_array_get(arrays[2], i), *text = json_array_get(arrays[3], i);
        s->logprob = json_is_number(logprob) ? json_number_value(logprob) : NAN;
        if (json_is_string(text)) {
            s->text = json_string_value(text);
            s->text_len = json_string_length(text);
        }
    }
    r->steps = steps;
    return 0;
}

int record_request_read(struct sample_request *r, const json_t *line, struct arena *arena, struct err *err)
{
    static const char what[] = "a request";
    *r = (struct sample_request){.server_prefill_ms = NAN, .server_decode_ms = NAN};
    TRY(json_get_text(&r->cell, line, "cell", what, err));
    TRY(json_get_int(&r->launch, line, "launch", 0, INT32_MAX, what, err));
    TRY(json_get_int(&r->index, line, "index", 0, INT64_MAX, what, err));
    TRY(json_get_text(&r->phase, line, "phase", what, err));
    TRY(json_opt_text(&r->clock, line, "clock", what, err));
    TRY(get_int(&r->submitted_ns, line, "submitted_ns", what, err));
    TRY(get_int(&r->prefill_ns, line, "prefill_ns", what, err));
    TRY(get_int(&r->decode_ns, line, "decode_ns", what, err));
    TRY(get_int(&r->total_ns, line, "total_ns", what, err));
    TRY(json_opt_number(&r->server_prefill_ms, line, "server_prefill_ms", what, err));
    TRY(json_opt_number(&r->server_decode_ms, line, "server_decode_ms", what, err));
    TRY(get_int(&r->cached_tokens, line, "cached_tokens", what, err));
    TRY(get_int(&r->step_bytes, line, "step_bytes", what, err));
    TRY(get_int(&r->position_bytes, line, "position_bytes", what, err));
    TRY(get_int(&r->step_parameters, line, "step_parameters", what, err));
    const json_t *replies;
    TRY(json_get_array(&replies, line, "replies", what, err));
    r->n_replies = json_array_size(replies);
    struct sample_reply *to = arena_alloc(arena, r->n_replies, sizeof *to, err);
    if (!to)
        return -1;
    for (size_t i = 0; i < r->n_replies; i++)
        TRY(read_reply(&to[i], json_array_get(replies, i), arena, err));
    r->replies = to;
    return 0;
}

int record_value_read(struct sample_value *r, const json_t *line, struct err *err)
{
    static const char what[] = "a value record";
    *r = (struct sample_value){0};
    TRY(json_get_text(&r->cell, line, "cell", what, err));
    TRY(json_get_int(&r->launch, line, "launch", 0, INT32_MAX, what, err));
    TRY(json_get_int(&r->index, line, "index", 0, INT64_MAX, what, err));
    return json_get_object(&r->values, line, "values", what, err);
}

int record_cell_read(struct cell_record *r, const json_t *line, struct err *err)
{
    static const char what[] = "a cell record";
    *r = (struct cell_record){0};
    TRY(json_get_text(&r->key, line, "cell", what, err));
    TRY(json_get_text(&r->experiment, line, "experiment", what, err));
    TRY(json_get_text(&r->engine, line, "engine", what, err));
    TRY(json_opt_text(&r->variant, line, "variant", what, err));
    TRY(json_opt_text(&r->model, line, "model", what, err));
    TRY(json_get_object(&r->params, line, "params", what, err));
    TRY(json_get_int(&r->launch, line, "launch", 0, INT32_MAX, what, err));
    TRY(json_get_text(&r->status, line, "status", what, err));
    TRY(json_opt_text(&r->reason, line, "reason", what, err));
    TRY(json_opt_text(&r->hint, line, "hint", what, err));
    TRY(get_int(&r->samples, line, "samples", what, err));
    TRY(get_int(&r->peak_bytes, line, "peak_bytes", what, err));
    TRY(json_opt_text(&r->checked_against, line, "checked_against", what, err));
    TRY(json_opt_text(&r->benchmark, line, "benchmark", what, err));
    return json_opt_text(&r->target, line, "target", what, err);
}

int record_close_read(struct record_close *r, const json_t *line, struct err *err)
{
    static const char what[] = "the closing line";
    *r = (struct record_close){0};
    TRY(json_get_text(&r->ended, line, "ended", what, err));
    TRY(json_get_text(&r->status, line, "status", what, err));
    TRY(json_opt_text(&r->reason, line, "reason", what, err));
    r->after = json_object_get(line, "after");
    if (json_is_null(r->after))
        r->after = NULL;
    return 0;
}
