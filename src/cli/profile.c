#include "cli/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"

enum { EVENTS_MAX = 1 << 23, NAMES_MAX = 32 };

/* Called within a forward, where the session forbids itself to allocate: room is made here beforehand in big steps, by
 * realloc of the C library, which is the profiler's own business and is in no one's figures but a profile's. */
static void observe(void *user, const char *name, int layer, double began, double ended)
{
    struct profile *p = user;
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 4096;
        struct profile_event *grown = cap <= EVENTS_MAX ? realloc(p->events, cap * sizeof *grown) : NULL;
        if (!grown) {
            p->lost = true;
            return;
        }
        p->events = grown;
        p->cap = cap;
    }
    p->events[p->n++] = (struct profile_event){name, layer, began, ended};
}

void profile_init(struct profile *p)
{
    *p = (struct profile){.observer = {.user = p, .operation = observe}, .origin = steady_seconds()};
}

void profile_release(struct profile *p)
{
    free(p->events);
    p->events = NULL;
    p->n = p->cap = 0;
}

static int write_trace(const struct profile *p, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    struct json_out j = JSON_OUT_INIT(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "displayTimeUnit");
    json_out_text(&j, "ms");
    json_out_key(&j, "traceEvents");
    json_out_open(&j, '[');
    for (size_t i = 0; i < p->n; i++) {
        const struct profile_event *e = &p->events[i];
        json_out_open(&j, '{');
        json_out_key(&j, "name");
        json_out_text(&j, e->name);
        json_out_key(&j, "ph");
        json_out_text(&j, "X"); /* a complete event: begin and duration, in microseconds */
        json_out_key(&j, "ts");
        json_out_number(&j, (e->began - p->origin) * 1e6);
        json_out_key(&j, "dur");
        json_out_number(&j, (e->ended - e->began) * 1e6);
        json_out_key(&j, "pid");
        json_out_int(&j, 1);
        json_out_key(&j, "tid");
        json_out_int(&j, 1);
        json_out_key(&j, "args");
        json_out_open(&j, '{');
        json_out_key(&j, "layer");
        json_out_int(&j, e->layer);
        json_out_close(&j);
        json_out_close(&j);
    }
    json_out_close(&j);
    json_out_close(&j);
    buf_char(&text, '\n');
    int rc = buf_check(&text, err);
    if (rc == 0)
        rc = file_write(path, text.data, text.len, err);
    buf_release(&text);
    return rc;
}

struct total {
    const char *name;
    double seconds;
    size_t calls;
};

static int by_time(const void *a, const void *b)
{
    const struct total *x = a, *y = b;
    return x->seconds > y->seconds ? -1 : x->seconds < y->seconds;
}

static size_t add_up(const struct profile *p, struct total totals[NAMES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(totals[k].name, p->events[i].name) != 0)
            k++;
        if (k == NAMES_MAX)
            continue;
        if (k == n)
            totals[n++] = (struct total){.name = p->events[i].name};
        totals[k].seconds += p->events[i].ended - p->events[i].began;
        totals[k].calls++;
    }
    qsort(totals, n, sizeof *totals, by_time);
    return n;
}

static void print_tables(const struct profile *p, const struct session *s, FILE *to)
{
    struct total totals[NAMES_MAX];
    size_t n = add_up(p, totals);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += totals[i].seconds;
    fprintf(to, "%-16s %10s %8s %10s\n", "operation", "ms", "share", "calls");
    for (size_t i = 0; i < n; i++)
        fprintf(to, "%-16s %10.3f %7.1f%% %10zu\n", totals[i].name, totals[i].seconds * 1e3,
                sum > 0 ? 100 * totals[i].seconds / sum : 0, totals[i].calls);
    fprintf(to, "%-16s %10.3f\n\n", "all", sum * 1e3);
    struct session_memory m;
    session_memory(s, &m);
    const struct {
        const char *name;
        uint64_t bytes;
    } kinds[] = {{"weights (mapped)", m.weights}, {"weights (own)", m.model}, {"kv cache", m.kv}, {"scratch", m.scratch},
                 {"logits", m.logits}};
    fprintf(to, "%-16s %10s\n", "memory", "MB");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        fprintf(to, "%-16s %10.3f\n", kinds[i].name, (double)kinds[i].bytes / (1 << 20));
    if (p->lost)
        fprintf(to, "later events were lost: out of memory or more than %d\n", EVENTS_MAX);
}

int profile_report(const struct profile *p, const struct session *s, const char *dir, struct err *err)
{
    TRY(file_mkdirs(dir ? dir : ".", err));
    char *path = path_join(dir ? dir : ".", "profile.json", err);
    int rc = path ? write_trace(p, path, err) : -1;
    if (rc == 0) {
        print_tables(p, s, stderr);
        fprintf(stderr, "\ntrace: %s (for chrome://tracing or ui.perfetto.dev)\n", path);
    }
    free(path);
    return rc;
}
