/* The child's side of a cell: opens the engine, measures, and says what it saw. It prints nothing: standard output is
 * the pipe to its parent, and what engines or libraries write there goes to standard error instead. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "engines/engine.h"
#include "experiments/experiment.h"
#include "experiments/frame.h"
#include "store/record.h"

bool cell_has(const struct cell *c, uint64_t sample)
{
    size_t i;
    json_t *n;
    json_array_foreach((json_t *)c->have, i, n)
        if ((uint64_t)json_integer_value(n) == sample)
            return true;
    return false;
}

/* STOP, or a parent that is gone: both end the cell after the request in flight. */
bool cell_stopped(struct cell *c)
{
    struct err ignored = ERR_INIT;
    struct pollfd fd = {.fd = c->in, .events = POLLIN};
    struct frame f;
    if (!c->stopped && poll(&fd, 1, 0) > 0)
        c->stopped = frame_wait(c->reader, c->in, &f, &ignored) != 1 || f.kind == FRAME_STOP;
    return c->stopped;
}

/* Waits until the parent has stored what it was sent. */
static int wait_for_go(struct cell *c, struct err *err)
{
    struct frame f;
    for (;;) {
        int rc = frame_wait(c->reader, c->in, &f, err);
        if (rc < 0)
            return -1;
        if (rc == 0 || f.kind == FRAME_STOP)
            c->stopped = true;
        if (rc == 0 || f.kind == FRAME_GO)
            return 0;
    }
}

static int64_t between(int64_t from, int64_t to)
{
    return from == ENGINE_NEVER || to == ENGINE_NEVER ? RECORD_UNKNOWN : to - from;
}

static int64_t known(uint64_t x)
{
    return x ? (int64_t)x : RECORD_UNKNOWN;
}

static void fill_step(struct sample_step *out, const struct engine_reply *r, size_t i)
{
    const struct engine_step *s = &r->steps[i];
    *out = (struct sample_step){.id = s->id < 0 ? RECORD_UNKNOWN : s->id,
                                .enqueue_ns = between(s->handed, s->began),
                                .total_ns = between(s->handed, s->done),
                                .logprob = s->logprob,
                                .text = r->text.data + s->text_at,
                                .text_len = s->text_len};
}

static int make_room(struct cell *c, size_t steps, size_t replies, struct sample_reply **out, struct err *err)
{
    if (steps > c->cap_steps) {
        struct sample_step *bigger = mem_realloc(c->steps, steps, sizeof *bigger, err);
        if (!bigger)
            return -1;
        c->steps = bigger;
        c->cap_steps = steps;
    }
    *out = mem_alloc(replies, sizeof **out, err);
    return *out ? 0 : -1;
}

static int send_line(struct cell *c, enum frame_kind kind, struct err *err)
{
    TRY(frame_send_bytes(c->out, kind, c->line.data, c->line.len, err));
    return wait_for_go(c, err);
}

static int emit(struct cell *c, const char *phase, uint64_t sample, const struct engine_reply *replies, size_t n,
                struct err *err)
{
    const struct engine_facts *f = engine_facts(c->engine);
    int64_t submitted = replies[0].submitted, first = submitted, last = submitted;
    size_t n_steps = 0, at = 0;
    struct sample_reply *rows;
    for (size_t i = 0; i < n; i++)
        n_steps += replies[i].n_steps;
    TRY(make_room(c, n_steps, n, &rows, err));
    for (size_t i = 0; i < n; i++) { /* of a batch: until the last has its first token, and its last */
        const struct engine_reply *r = &replies[i];
        rows[i] = (struct sample_reply){.prompt_len = (int64_t)r->n_prompt, .finish = engine_finish_name(r->finish),
                                        .n_steps = r->n_steps, .steps = c->steps + at};
        for (size_t k = 0; k < r->n_steps; k++)
            fill_step(&c->steps[at++], r, k);
        first = r->steps[0].done > first ? r->steps[0].done : first;
        last = r->steps[r->n_steps - 1].done > last ? r->steps[r->n_steps - 1].done : last;
    }
    struct sample_request request = {
        .cell = c->key, .launch = c->launch, .index = (int64_t)sample, .phase = phase, .clock = f->clock,
        .submitted_ns = submitted, .prefill_ns = first - submitted, .decode_ns = last - first,
        .total_ns = last - submitted, .server_prefill_ms = replies[0].server_prefill_ms,
        .server_decode_ms = replies[0].server_decode_ms,
        .cached_tokens = replies[0].cached_tokens < 0 ? RECORD_UNKNOWN : replies[0].cached_tokens,
        .step_bytes = known(f->step_bytes), .position_bytes = f->step_bytes ? (int64_t)f->position_bytes : RECORD_UNKNOWN,
        .step_parameters = known(f->step_parameters), .n_replies = n, .replies = rows};
    buf_clear(&c->line);
    int rc = record_request_write(&c->line, &request, err);
    free(rows);
    return rc;
}

int cell_emit(struct cell *c, uint64_t sample, const struct engine_reply *replies, size_t n, struct err *err)
{
    TRY(emit(c, "timed", sample, replies, n, err));
    return send_line(c, FRAME_SAMPLE, err);
}

int cell_emit_cold(struct cell *c, const struct engine_reply *replies, size_t n, struct err *err)
{
    TRY(emit(c, "cold", 0, replies, n, err));
    return send_line(c, FRAME_NOTE, err);
}

int cell_tell(struct cell *c, uint64_t sample, json_t *values, struct err *err)
{
    if (!values)
        return err_set(err, ERR_MEMORY, "out of memory for what a sample means");
    buf_clear(&c->line);
    int rc = record_value_write(&c->line, &(struct sample_value){.cell = c->key, .launch = c->launch,
                                                                 .index = (int64_t)sample, .values = values}, err);
    json_decref(values);
    return rc < 0 ? -1 : send_line(c, FRAME_NOTE, err);
}

static const char *text_at(const json_t *spec, const char *key)
{
    return json_string_value(json_object_get(spec, key));
}

static json_int_t int_at(const json_t *spec, const char *key)
{
    return json_integer_value(json_object_get(spec, key));
}

static int send_ready(struct cell *c, struct err *err)
{
    const struct engine_facts *f = engine_facts(c->engine);
    struct engine_memory m;
    engine_memory(c->engine, &m);
    json_t *ready = json_pack(
        "{ss ss ss ss ss ss sI sI sI sI sI sI sI sI}", "version", f->version, "clock", f->clock, "quantize", f->quantize,
        "size", f->size, "checked_against", engine_class_of(c->engine)->checked_against, "sha256", f->model_sha256,
        "load_ns", (json_int_t)f->load_ns, "parameters", (json_int_t)f->parameters, "step_parameters",
        (json_int_t)f->step_parameters, "step_bytes", (json_int_t)f->step_bytes, "position_bytes",
        (json_int_t)f->position_bytes, "weights", (json_int_t)m.weights, "kv", (json_int_t)m.kv, "scratch",
        (json_int_t)m.scratch);
    int rc = ready ? frame_send(c->out, FRAME_READY, ready, err) : err_set(err, ERR_MEMORY, "out of memory");
    json_decref(ready);
    return rc < 0 ? -1 : wait_for_go(c, err);
}

static int run_cell(struct cell *c, const json_t *spec, struct err *err)
{
    const char *experiment_name = text_at(spec, "experiment"), *engine = text_at(spec, "engine");
    const struct experiment *x = experiment_name ? experiment_find(experiment_name) : NULL;
    struct engine_name name;
    c->key = text_at(spec, "cell");
    c->launch = int_at(spec, "repeat");
    if (!x || !x->run || !engine || !c->key)
        return err_set(err, ERR_BUG, "a cell without an engine or an experiment that is built");
    TRY(engine_name_parse(&name, engine, err));
    TRY(engine_open(&c->engine, &(struct engine_spec){
                        .name = &name,
                        .model = text_at(spec, "model"),
                        .options = json_object_get(spec, "options"),
                        .device = text_at(spec, "device"),
                        .kv = text_at(spec, "kv"),
                        .threads = (int)int_at(spec, "threads"),
                        .context = (int)int_at(spec, "context"),
                        .batch = (int)int_at(spec, "batch"),
                        .seed = (uint64_t)int_at(spec, "seed"),
                        .launch = (uint64_t)int_at(spec, "launch"),
                    }, err));
    c->params = json_object_get(spec, "params");
    c->limits = json_object_get(spec, "limits");
    c->have = json_object_get(spec, "have");
    TRY(send_ready(c, err));
    if (x->needs)
        TRY(x->needs(engine_can(c->engine), c->params, err));
    return x->run(c, err);
}

static int talk(struct cell *c, struct err *err)
{
    struct frame f;
    json_t *hello = json_pack("{si}", "protocol", FRAME_PROTOCOL);
    int rc = hello ? frame_send(c->out, FRAME_HELLO, hello, err) : err_set(err, ERR_MEMORY, "out of memory");
    json_decref(hello);
    if (rc < 0)
        return -1;
    rc = frame_wait(c->reader, c->in, &f, err);
    if (rc < 0)
        return -1;
    if (rc == 0 || f.kind != FRAME_CELL)
        return err_set(err, ERR_USAGE, "expected the frame of a cell on standard input");
    json_t *spec = frame_json(&f, err);
    if (!spec)
        return -1;
    rc = run_cell(c, spec, err);
    engine_close(c->engine);
    json_decref(spec);
    return rc;
}

/* An error may quote bytes of a file that are no UTF-8. */
static json_t *text_json(char *text)
{
    for (char *c = text; *c;) {
        size_t n = utf8_decode(c, strlen(c), NULL);
        if (n == 0)
            *c = '?';
        c += n ? n : 1;
    }
    return json_string(text);
}

int cell_main(int in, int out)
{
    struct err err = ERR_INIT, ignored = ERR_INIT;
    struct frame_reader reader = FRAME_READER_INIT;
    struct cell c = {.in = in, .reader = &reader, .line = BUF_INIT(RECORD_LINE_MAX)};
    c.out = dup(out); /* whoever prints must not speak into the frames */
    if (c.out < 0 || (out == STDOUT_FILENO && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
        return 1;
    int rc = talk(&c, &err);
    if (rc == 0) {
        rc = frame_send(c.out, FRAME_DONE, NULL, &err);
    } else {
        json_t *failed = json_pack("{si}", "code", (int)err.code);
        if (failed) {
            json_object_set_new(failed, "text", text_json(err.text));
            json_object_set_new(failed, "hint", text_json(err.hint));
            frame_send(c.out, FRAME_FAILED, failed, &ignored);
        }
        json_decref(failed);
    }
    frame_reader_release(&reader);
    buf_release(&c.line);
    free(c.steps);
    close(c.out);
    return rc < 0;
}
