/* bench_native - tokens/s of the native engine on one model file: a prompt, then single tokens, as llama-bench counts them.
 *
 *     bench_native MODEL [--prompt 512] [--generate 64] [--depth 0] [--repeats 3] [--threads 0] [--variant fast] [--kv T]
 *                  [--bf16] [--row-invariant] [--profile] [--batch 1,2,4]
 *
 * Inside the clock: session_forward, with the logits of the last row of a prompt and of every generated token. Outside:
 * opening the model and one warm-up of both. Tokens are pseudo-random. --profile prints the time of each operation.
 * --batch instead: so many sequences advance together by one token a step, each at its own position, the sizes in turn. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "models/session.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Operations by name, over all layers. */
static struct {
    const char *name;
    double seconds;
    long count;
} operations[64];

static void observe(void *arg, const char *name, int layer, double began, double ended)
{
    (void)arg, (void)layer;
    for (size_t i = 0; i < 64; i++) {
        if (!operations[i].name)
            operations[i].name = name;
        if (strcmp(operations[i].name, name) == 0) {
            operations[i].seconds += ended - began;
            operations[i].count++;
            return;
        }
    }
}

static void show_operations(const char *what)
{
    double sum = 0;
    for (size_t i = 0; i < 64 && operations[i].name; i++)
        sum += operations[i].seconds;
    for (size_t i = 0; i < 64 && operations[i].name; i++)
        printf("  %-9s %-14s %7ld x  %9.3f ms  %5.1f %%\n", what, operations[i].name, operations[i].count,
               operations[i].seconds * 1e3, operations[i].seconds / sum * 100);
    memset(operations, 0, sizeof operations);
}

static int forward(struct session *s, int n, int vocabulary, struct rng *r, struct err *err)
{
    struct row rows[4096];
    int start = session_length(s, 0);
    for (int i = 0; i < n; i++)
        rows[i] = (struct row){.seq = 0, .pos = start + i, .token = (int32_t)rng_below(r, (uint64_t)vocabulary),
                               .parent = ROW_CHAIN, .want = i == n - 1 ? ROW_LOGITS : 0};
    return session_forward(s, rows, (size_t)n, err);
}

enum { SEQUENCES = 64, ROUNDS = 1000 };

/* One token in each of n sequences. */
static int step(struct session *s, int n, int vocabulary, struct rng *r, struct err *err)
{
    struct row rows[SEQUENCES];
    for (int i = 0; i < n; i++)
        rows[i] = (struct row){.seq = i, .pos = session_length(s, i), .token = (int32_t)rng_below(r, (uint64_t)vocabulary),
                               .parent = ROW_CHAIN, .want = ROW_LOGITS};
    return session_forward(s, rows, (size_t)n, err);
}

static int batches(struct session *s, const int *sizes, int n_sizes, int steps, int vocabulary, struct rng *r,
                   struct err *err)
{
    static double times[SEQUENCES][ROUNDS];
    for (int i = -1; i < steps; i++)
        for (int b = 0; b < n_sizes; b++) {
            double start = now();
            TRY(step(s, sizes[b], vocabulary, r, err));
            if (i >= 0)
                times[b][i] = now() - start;
        }
    double one = 0;
    for (int b = 0; b < n_sizes; b++) {
        qsort(times[b], (size_t)steps, sizeof times[b][0], by_size);
        double median = times[b][steps / 2];
        one = b == 0 ? median : one;
        printf("batch %2d: %8.2f ms a step (best %.2f), %7.2f tokens/s, %5.2f times the step of %d\n", sizes[b], median * 1e3,
               times[b][0] * 1e3, sizes[b] / median, median / one, sizes[0]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int prompt = 512, generate = 64, depth = 0, repeats = 3, profile = 0, sizes[SEQUENCES], n_sizes = 0;
    struct session_options o = {.variant = "fast"};
    static const struct option longs[] = {
        {"prompt", 1, NULL, 'p'}, {"generate", 1, NULL, 'g'}, {"depth", 1, NULL, 'd'}, {"repeats", 1, NULL, 'r'},
        {"threads", 1, NULL, 't'}, {"variant", 1, NULL, 'v'}, {"kv", 1, NULL, 'k'}, {"bf16", 0, NULL, 'b'},
        {"row-invariant", 0, NULL, 'i'}, {"profile", 0, NULL, 'P'}, {"batch", 1, NULL, 'B'}, {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'p': prompt = atoi(optarg); break;
        case 'g': generate = atoi(optarg); break;
        case 'd': depth = atoi(optarg); break;
        case 'r': repeats = atoi(optarg); break;
        case 't': o.threads = atoi(optarg); break;
        case 'v': o.variant = optarg; break;
        case 'k': o.kv = optarg; break;
        case 'b': o.bf16 = true; break;
        case 'i': o.row_invariant = true; break;
        case 'P': profile = 1; break;
        case 'B':
            for (char *at = optarg; *at && n_sizes < SEQUENCES; at += *at == ',') {
                sizes[n_sizes] = (int)strtol(at, &at, 10);
                if (sizes[n_sizes] < 1 || sizes[n_sizes] > SEQUENCES || (*at && *at != ','))
                    return 2;
                o.sequences = sizes[n_sizes] > o.sequences ? sizes[n_sizes] : o.sequences;
                n_sizes++;
            }
            break;
        default: return 2;
        }
    }
    if (optind + 1 != argc || prompt > 4096 || prompt < 1 || repeats < 1 || repeats > 100)
        return 2;
    struct err err = ERR_INIT;
    struct model *m;
    struct session *s;
    struct model_facts facts;
    struct rng r;
    const struct session_observer observer = {.operation = observe};
    rng_init(&r, 42);
    if (n_sizes > 0 && generate > ROUNDS)
        return 2;
    o.context = n_sizes > 0 ? n_sizes * (generate + 1) : prompt + generate + depth + 8;
    o.observer = profile ? &observer : NULL;
    if (model_open(&m, argv[optind], &err) < 0 || session_open(&s, m, &o, &err) < 0)
        goto failed;
    model_facts(m, &facts);
    if (n_sizes > 0) {
        if (batches(s, sizes, n_sizes, generate, facts.vocabulary, &r, &err) < 0)
            goto failed;
        session_close(s);
        model_close(m);
        return 0;
    }
    double pp[100], tg[100];
    for (int i = -1; i < repeats; i++) {
        if (session_rollback(s, 0, 0, &err) < 0)
            goto failed;
        for (int d = depth; d > 0; d -= d < 512 ? d : 512)
            if (forward(s, d < 512 ? d : 512, facts.vocabulary, &r, &err) < 0)
                goto failed;
        memset(operations, 0, sizeof operations);
        double start = now();
        if (forward(s, i < 0 && prompt > 64 ? 64 : prompt, facts.vocabulary, &r, &err) < 0)
            goto failed;
        double stop = now();
        if (i >= 0)
            pp[i] = stop - start;
        if (profile && i == repeats - 1)
            show_operations("prompt");
        if (session_rollback(s, 0, depth, &err) < 0)
            goto failed;
        memset(operations, 0, sizeof operations);
        start = now();
        for (int g = 0; g < (i < 0 ? 4 : generate); g++)
            if (forward(s, 1, facts.vocabulary, &r, &err) < 0)
                goto failed;
        stop = now();
        if (i >= 0)
            tg[i] = stop - start;
        if (profile && i == repeats - 1)
            show_operations("generate");
    }
    qsort(pp, (size_t)repeats, sizeof pp[0], by_size);
    qsort(tg, (size_t)repeats, sizeof tg[0], by_size);
    printf("%s %s%s: prompt %d %.1f tokens/s (best %.1f), generate %d at depth %d %.2f tokens/s (best %.2f)\n", argv[optind],
           session_variant(s), o.bf16 ? " bf16" : "", prompt, prompt / pp[repeats / 2], prompt / pp[0], generate, depth,
           generate / tg[repeats / 2], generate / tg[0]);
    session_close(s);
    model_close(m);
    return 0;
failed:
    fprintf(stderr, "bench_native: %s\n", err.text);
    return 1;
}
