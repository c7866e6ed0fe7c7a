#include "engines/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

enum {
    LINE_MAX_BYTES = 64 << 20,
    LOG_TAIL = 4096,
    CHATTER_MAX = 1 << 16, /* what may come before the greeting, from a Python that prints at its start */
};

struct worker {
    struct proc proc;
    char *name, *log;
    json_t *greeting;
    bool failed;
    /* what was read and not yet taken: data[from .. len) */
    struct buf in;
    size_t from;
    int64_t read_ns; /* when the last of it came */
};

/* ---- what it said before it died ---------------------------------------------------------------------------------- */

/* The last line of its log that has something in it; "" if there is none. */
static void last_words(const struct worker *w, char out[200])
{
    char tail[LOG_TAIL + 1];
    FILE *f = fopen(w->log, "rbe");
    out[0] = '\0';
    if (!f)
        return;
    if (fseek(f, -LOG_TAIL, SEEK_END) < 0)
        rewind(f);
    size_t n = fread(tail, 1, LOG_TAIL, f);
    fclose(f);
    while (n > 0 && (unsigned char)tail[n - 1] <= ' ')
        n--;
    tail[n] = '\0';
    const char *line = strrchr(tail, '\n');
    line = line ? line + 1 : tail;
    size_t len = strlen(line) < 180 ? strlen(line) : 180;
    len = utf8_whole(line, len);
    snprintf(out, 200, "%.*s", (int)len, line);
}

/* Adds what the log says to an error of the worker itself. */
static int fail(struct worker *w, struct err *err)
{
    char words[200];
    w->failed = true;
    last_words(w, words);
    return words[0] ? err_hint(err, "its last words: %s", words) : -1;
}

static int ended(struct worker *w, struct err *err)
{
    char how[PROC_ENDING_MAX];
    proc_wait(&w->proc, 2);
    proc_end(&w->proc, 1);
    err_set(err, ERR_ENGINE, "the worker of '%s' %s", w->name, proc_ending(&w->proc, how));
    return fail(w, err);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* At least one byte more in `in`. */
static int read_more(struct worker *w, int64_t until, struct err *err)
{
    if (w->from > 0) {
        memmove(w->in.data, w->in.data + w->from, w->in.len - w->from);
        w->in.len -= w->from;
        w->from = 0;
    }
    char *room = buf_room(&w->in, 1 << 16);
    if (!room)
        return buf_check(&w->in, err);
    int64_t left = until - clock_ns();
    ssize_t n = proc_read(w->proc.out, room, 1 << 16, left > 0 ? (double)left / 1e9 : 0, err);
    w->read_ns = clock_ns();
    if (n == 0)
        return ended(w, err);
    if (n < 0) {
        err_context(err, "the worker of '%s'", w->name);
        return fail(w, err);
    }
    w->in.len += (size_t)n;
    return 0;
}

/* One line without its end, in *line: lives until the next read. */
static int read_line(struct worker *w, const char **line, size_t *len, int64_t *stamp, double seconds, struct err *err)
{
    int64_t until = clock_ns() + (int64_t)(seconds * 1e9);
    for (size_t looked = 0;;) {
        const char *from = w->in.len > 0 ? w->in.data + w->from : "";
        size_t n = w->in.len - w->from;
        const char *end = n > looked ? memchr(from + looked, '\n', n - looked) : NULL;
        if (end) {
            *line = from;
            *len = (size_t)(end - from);
            w->from += *len + 1;
            if (stamp)
                *stamp = w->read_ns;
            return 0;
        }
        if (n > LINE_MAX_BYTES) {
            err_set(err, ERR_ENGINE, "the worker of '%s' writes a line of more than %d MB", w->name, LINE_MAX_BYTES >> 20);
            return fail(w, err);
        }
        looked = n;
        TRY(read_more(w, until, err));
    }
}

int worker_bytes(struct worker *w, void *bytes, size_t n, double seconds, struct err *err)
{
    int64_t until = clock_ns() + (int64_t)(seconds * 1e9);
    for (char *to = bytes; n > 0;) {
        size_t have = w->in.len - w->from, take = have < n ? have : n;
        if (take > 0)
            memcpy(to, w->in.data + w->from, take);
        w->from += take;
        to += take;
        n -= take;
        if (n > 0)
            TRY(read_more(w, until, err));
    }
    return 0;
}

static int error_of(const struct worker *w, const json_t *message, struct err *err)
{
    const char *text = json_string_value(json_object_get(message, "error"));
    const char *kind = json_string_value(json_object_get(message, "kind"));
    enum err_code code = str_eq(kind, "unsupported") ? ERR_UNSUPPORTED
                         : str_eq(kind, "usage")     ? ERR_USAGE
                         : str_eq(kind, "memory")    ? ERR_MEMORY
                         : str_eq(kind, "input")     ? ERR_INPUT
                         : str_eq(kind, "missing")   ? ERR_MISSING
                                                     : ERR_ENGINE;
    size_t len = text ? utf8_whole(text, strlen(text) < 400 ? strlen(text) : 400) : 0;
    return err_set(err, code, "%s: %.*s", w->name, (int)len, text ? text : "");
}

int worker_receive(struct worker *w, json_t **message, int64_t *stamp, double seconds, struct err *err)
{
    const char *line;
    size_t len;
    TRY(read_line(w, &line, &len, stamp, seconds, err));
    json_t *m = json_parse(line, len, "a line of the worker", err);
    if (!m || !json_is_object(m)) {
        json_decref(m);
        if (err)
            *err = (struct err)ERR_INIT;
        size_t shown = utf8_whole(line, len < 80 ? len : 80);
        err_set(err, ERR_ENGINE, "the worker of '%s' does not speak the protocol: '%.*s'", w->name, (int)shown, line);
        return fail(w, err);
    }
    if (json_object_get(m, "error")) {
        error_of(w, m, err);
        json_decref(m);
        return -1;
    }
    *message = m;
    return 0;
}

/* ---- from greeting to farewell ------------------------------------------------------------------------------------ */

static int greet(struct worker *w, double seconds, struct err *err)
{
    int64_t until = clock_ns() + (int64_t)(seconds * 1e9);
    for (size_t chatter = 0; chatter < CHATTER_MAX;) {
        const char *line;
        size_t len;
        int64_t left = until - clock_ns();
        TRY(read_line(w, &line, &len, NULL, left > 0 ? (double)left / 1e9 : 0, err));
        json_t *m = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
        if (str_eq(json_string_value(json_object_get(m, "worker")), "prony")) {
            json_int_t version = json_integer_value(json_object_get(m, "version"));
            w->greeting = m;
            if (version == WORKER_VERSION)
                return 0;
            err_set(err, ERR_ENGINE, "the worker of '%s' speaks version %lld of the protocol, expected %d", w->name,
                    (long long)version, WORKER_VERSION);
            return err_hint(err, "worker and program are of different versions of prony");
        }
        json_decref(m);
        chatter += len + 1;
    }
    err_set(err, ERR_ENGINE, "the worker of '%s' does not greet: it prints something else", w->name);
    return fail(w, err);
}

int worker_start(struct worker **out, const struct worker_spec *spec, struct err *err)
{
    struct worker *w = mem_zalloc(1, sizeof *w, err);
    if (!w)
        return -1;
    buf_init(&w->in, LINE_MAX_BYTES + (2 << 16));
    w->proc = (struct proc){.in = -1, .out = -1, .err = -1, .ended = true, .reaped = true};
    struct proc_options o = {.argv = spec->argv, .env = spec->env, .in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_FILE,
                             .err_path = spec->log};
    int rc = (w->name = mem_strdup(spec->name, err)) && (w->log = mem_strdup(spec->log, err)) ? 0 : -1;
    if (rc == 0)
        unlink(spec->log);
    if (rc == 0)
        rc = proc_start(&w->proc, &o, err);
    if (rc == 0)
        rc = greet(w, spec->start_s, err);
    if (rc < 0)
        worker_close(w);
    else
        *out = w;
    return rc;
}

const json_t *worker_greeting(const struct worker *w)
{
    return w->greeting;
}

int worker_send(struct worker *w, const json_t *message, struct err *err)
{
    char *line = json_dumps(message, JSON_COMPACT);
    char *whole = line ? mem_printf(err, "%s\n", line) : NULL;
    int rc = whole ? 0 : line ? -1 : err_set(err, ERR_MEMORY, "out of memory");
    if (rc == 0 && file_write_all(w->proc.in, whole, strlen(whole)) < 0) {
        if (errno == EPIPE)
            rc = ended(w, err);
        else
            rc = err_set_errno(err, errno, "cannot write to the worker of '%s'", w->name);
    }
    free(line);
    free(whole);
    return rc;
}

void worker_close(struct worker *w)
{
    if (!w)
        return;
    proc_close_pipe(&w->proc.in); /* a worker ends at the end of its input */
    if (!w->failed)
        proc_wait(&w->proc, 5);
    proc_end(&w->proc, 1);
    if (!w->failed && w->log)
        unlink(w->log);
    json_decref(w->greeting);
    buf_release(&w->in);
    free(w->name);
    free(w->log);
    free(w);
}
