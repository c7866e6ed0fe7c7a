/* The child's side of a cell: opens the engine, measures, and says what it saw. It prints nothing: standard output is
 * the pipe to its parent, and what engines or libraries write there goes to standard error instead. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engines/engine.h"
#include "experiments/experiment.h"
#include "experiments/frame.h"
#include "experiments/sample_json.h"

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

int cell_emit(struct cell *c, uint64_t sample, const json_t *fields, struct err *err)
{
    json_t *line = json_pack("{sssI}", "type", "sample", "sample", (json_int_t)sample);
    int rc = line && json_object_update((json_t *)line, (json_t *)fields) == 0
                 ? frame_send(c->out, FRAME_SAMPLE, line, err)
                 : err_set(err, ERR_MEMORY, "out of memory for a sample");
    json_decref(line);
    return rc;
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
        "{ss ss ss ss so ss si si sI sI sI sI sI sI sI}", "version", f->version, "quantize", f->quantize, "size", f->size,
        "checked_against", engine_class_of(c->engine)->checked_against, "model_sha256",
        *f->model_sha256 ? json_string(f->model_sha256) : json_null(), "engine", engine_class_of(c->engine)->name,
        "vocabulary", f->vocabulary, "context", f->context, "parameters", (json_int_t)f->parameters, "step_parameters",
        (json_int_t)f->step_parameters, "step_bytes", (json_int_t)f->step_bytes, "load_ns", (json_int_t)f->load_ns,
        "weight_bytes", (json_int_t)m.weights, "kv_bytes", (json_int_t)m.kv, "scratch_bytes", (json_int_t)m.scratch);
    int rc = ready ? frame_send(c->out, FRAME_READY, ready, err) : err_set(err, ERR_MEMORY, "out of memory");
    json_decref(ready);
    return rc;
}

static int run_cell(struct cell *c, const json_t *spec, struct err *err)
{
    const char *experiment_name = text_at(spec, "experiment"), *engine = text_at(spec, "engine");
    const struct experiment *x = experiment_name ? experiment_find(experiment_name) : NULL;
    struct engine_name name;
    if (!x || !x->run || !engine)
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
    c->have = json_object_get(spec, "have");
    c->seed = (uint64_t)int_at(spec, "seed");
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

int cell_main(int in, int out)
{
    struct err err = ERR_INIT, ignored = ERR_INIT;
    struct frame_reader reader = FRAME_READER_INIT;
    struct cell c = {.in = in, .reader = &reader};
    c.out = dup(out); /* whoever prints must not speak into the frames */
    if (c.out < 0 || (out == STDOUT_FILENO && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
        return 1;
    int rc = talk(&c, &err);
    if (rc == 0) {
        rc = frame_send(c.out, FRAME_DONE, NULL, &err);
    } else {
        json_t *failed = json_pack("{si}", "code", (int)err.code);
        if (failed) {
            json_object_set_new(failed, "text", sample_json_text(err.text, strlen(err.text)));
            json_object_set_new(failed, "hint", sample_json_text(err.hint, strlen(err.hint)));
            frame_send(c.out, FRAME_FAILED, failed, &ignored);
        }
        json_decref(failed);
    }
    frame_reader_release(&reader);
    close(c.out);
    return rc < 0;
}
