/* bench_http - how far the stamps of prony's HTTP client are from the truth.
 *
 *     bench_http                       one stream of 1000 tokens a second, one as fast as it goes, 100 of 20 tokens a second
 *     bench_http STREAMS RATE TOKENS   that many streams; a rate of 0 is as fast as it goes
 *
 * A double in a process of its own writes into each event when it was about to send it; the client, in another, stamps
 * when the event was there. Both clocks are CLOCK_MONOTONIC of one machine, so the difference is what the path adds: the
 * rest of the writing, the kernel, and whatever the stamp does not see through. For each case: quantiles of the stamp's lag
 * and of the moment when the client held the event, how many stamps were the kernel's, and the processor time it took. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/event_stream.h"
#include "net/http.h"
#include "serve/stand_in.h"

struct lags {
    double *stamp_us, *held_us;
    size_t n, cap_stamp, cap_held, n_kernel, n_early;
};

struct listener {
    struct lags *lags;
    struct http_exchange x;
    struct event_stream events;
};

static int see_event(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct listener *l = arg;
    const char *at = strstr(data, "\"sent_ns\":");
    (void)len;
    if (!at || strstr(data, "\"text\":\"\""))
        return 0;
    int64_t sent = strtoll(at + 10, NULL, 10);
    struct lags *all = l->lags;
    TRY(mem_grow(&all->stamp_us, &all->cap_stamp, all->n, sizeof *all->stamp_us, err));
    TRY(mem_grow(&all->held_us, &all->cap_held, all->n, sizeof *all->held_us, err));
    all->stamp_us[all->n] = (double)(stamp - sent) / 1e3;
    all->held_us[all->n++] = (double)(clock_ns() - sent) / 1e3;
    all->n_kernel += l->x.reply.stamped;
    all->n_early += stamp < sent;
    return 0;
}

static int see_bytes(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct listener *l = arg;
    return event_stream_feed(&l->events, data, len, stamp, err);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at_share(double *x, size_t n, double share)
{
    qsort(x, n, sizeof *x, by_size);
    return x[(size_t)((double)(n - 1) * share)];
}

/* The double, until it is killed. Its URL goes through the pipe. */
static void be_double(double rate, int out)
{
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e = NULL;
    struct stand_in *s = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (engine_name_parse(&name, "fake", &err) < 0 || engine_open(&e, &(struct engine_spec){.name = &name}, &err) < 0 ||
        stand_in_open(&s, &(struct stand_in_options){.dialect = "openai", .engine = e, .stamps = true,
                                                     .token_ms = rate > 0 ? 1000 / rate : 0}, &err) < 0)
        _exit(1);
    dprintf(out, "%s", stand_in_url(s));
    close(out);
    stand_in_run(s, &err);
    _exit(0);
}

static int listen_all(const char *url, int streams, int tokens, struct lags *lags, struct err *err)
{
    struct http *h = NULL;
    char target[160], body[200];
    struct listener *all = mem_zalloc((size_t)streams, sizeof *all, err);
    snprintf(target, sizeof target, "%s/v1/completions", url);
    snprintf(body, sizeof body, "{\"model\":\"double\",\"prompt\":\"abc\",\"max_tokens\":%d,\"temperature\":0,\"stream\":true}", tokens);
    int rc = all ? http_open(&h, err) : -1;
    for (int i = 0; i < streams && rc == 0; i++) {
        struct listener *l = &all[i];
        l->lags = lags;
        event_stream_init(&l->events, EVENTS_SSE, 1 << 20, see_event, l);
        l->x.request = (struct http_request){.url = target, .body = body, .body_len = strlen(body), .events = true,
                                            .on_data = see_bytes, .arg = l};
        rc = http_start(h, &l->x, err);
    }
    if (rc == 0)
        rc = http_wait(h, HTTP_ALL, err);
    for (int i = 0; all && i < streams; i++) {
        if (rc == 0 && all[i].x.failure.code != ERR_NONE)
            rc = err_set(err, all[i].x.failure.code, "%s", all[i].x.failure.text);
        http_exchange_release(&all[i].x);
        event_stream_release(&all[i].events);
    }
    http_close(h);
    free(all);
    return rc;
}

static int measure(int streams, double rate, int tokens)
{
    struct err err = ERR_INIT;
    struct lags lags = {0};
    struct rusage before, after;
    char url[128];
    int ends[2];
    if (pipe(ends) < 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_double(rate, ends[1]);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], url, sizeof url - 1);
    close(ends[0]);
    url[n > 0 ? n : 0] = '\0';
    getrusage(RUSAGE_SELF, &before);
    int64_t began = clock_ns();
    int rc = n > 0 ? listen_all(url, streams, tokens, &lags, &err) : err_set(&err, ERR_IO, "the double did not start");
    double seconds = (double)(clock_ns() - began) / 1e9;
    getrusage(RUSAGE_SELF, &after);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    if (rc == 0 && lags.n > 0) {
        double cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                     (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
        printf("%d streams, %g tokens/s each: %zu events in %.2f s, %.2f s of processor time; %.1f %% kernel stamps, %zu too early\n",
               streams, rate, lags.n, seconds, cpu, 100 * (double)lags.n_kernel / (double)lags.n, lags.n_early);
        printf("  %-22s p50 %8.1f us  p90 %8.1f us  p99 %8.1f us  p99.9 %8.1f us\n", "stamp - send", at_share(lags.stamp_us, lags.n, 0.5),
               at_share(lags.stamp_us, lags.n, 0.9), at_share(lags.stamp_us, lags.n, 0.99), at_share(lags.stamp_us, lags.n, 0.999));
        printf("  %-22s p50 %8.1f us  p90 %8.1f us  p99 %8.1f us  p99.9 %8.1f us\n", "in hand - send", at_share(lags.held_us, lags.n, 0.5),
               at_share(lags.held_us, lags.n, 0.9), at_share(lags.held_us, lags.n, 0.99), at_share(lags.held_us, lags.n, 0.999));
    } else {
        fprintf(stderr, "bench_http: %s\n", rc < 0 ? err.text : "no event came");
    }
    free(lags.stamp_us);
    free(lags.held_us);
    return rc < 0 || lags.n == 0;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return measure(atoi(argv[1]), atof(argv[2]), atoi(argv[3]));
    if (argc != 1) {
        fprintf(stderr, "usage: bench_http [STREAMS RATE TOKENS]\n");
        return 2;
    }
    return measure(1, 1000, 2000) | measure(1, 0, 4000) | measure(100, 20, 100);
}
