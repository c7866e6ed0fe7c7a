#include "engines/fake_options.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/str.h"

enum kind { INTEGER, NUMBER, WORD };

struct row {
    const char *name;
    enum kind kind;
    size_t at;
    double initial, lo, hi; /* of a word: the index of the default */
    const char *words;      /* "a|b|c" */
    const char *what;
};

#define AT(field) offsetof(struct fake_options, field)

static const struct row rows[] = {
    {"vocabulary", INTEGER, AT(vocabulary), 257, 2, 1 << 20, NULL, "ids 0 .. n-1; the last one ends a text"},
    {"context", INTEGER, AT(context), 1 << 20, 2, 1 << 24, NULL, "positions a sequence can hold"},
    {"decay", NUMBER, AT(decay), 0.5, 0.001, 0.999, NULL, "q: how fast probabilities fall from the likeliest token"},
    {"eos_every", INTEGER, AT(eos_every), 0, 0, 1e15, NULL, "one in so many contexts is likeliest to end; 0: none"},
    {"model_seed", INTEGER, AT(model_seed), -1, -1, 9e15, NULL, "of the distributions; -1: from the model's name"},
    {"clock", WORD, AT(clock), 0, 0, 0, "virtual|real", "virtual: delays only move the engine's own clock; real: it sleeps"},
    {"load_ms", NUMBER, AT(load_ms), 0, 0, 1e9, NULL, "to open"},
    {"enqueue_ms", NUMBER, AT(enqueue_ms), 0, 0, 1e9, NULL, "between handing a step over and its first work"},
    {"prompt_token_ms", NUMBER, AT(prompt_token_ms), 0, 0, 1e9, NULL, "for each token of the prompt"},
    {"token_ms", NUMBER, AT(token_ms), 0, 0, 1e9, NULL, "for each new token after the first"},
    {"position_ms", NUMBER, AT(position_ms), 0, 0, 1e9, NULL, "added to token_ms for each position before the token"},
    {"batch_share", NUMBER, AT(batch_share), 0, 0, 1, NULL, "added share of time for each further prompt of a batch"},
    {"launch_cv", NUMBER, AT(launch_cv), 0, 0, 10, NULL, "standard deviation of the launches' factors"},
    {"request_cv", NUMBER, AT(request_cv), 0, 0, 10, NULL, "of the requests' factors"},
    {"token_cv", NUMBER, AT(token_cv), 0, 0, 10, NULL, "of the steps' factors"},
    {"shape", WORD, AT(shape), 0, 0, 0, "normal|lognormal|bimodal", "of all three"},
    {"rho", NUMBER, AT(rho), 0, -0.99, 0.99, NULL, "correlation of a request's factor with the one before it"},
    {"mode_share", NUMBER, AT(mode_share), 0.1, 0, 1, NULL, "bimodal: how often the slow mode is drawn"},
    {"mode_shift", NUMBER, AT(mode_shift), 0.2, -0.9, 10, NULL, "bimodal: how much slower it is"},
    {"drift", NUMBER, AT(drift), 0, -0.1, 10, NULL, "share that each further launch of the run is slower"},
    {"parameters", INTEGER, AT(parameters), 1000000, 0, 9e15, NULL, "that a step uses"},
    {"weight_mb", INTEGER, AT(weight_mb), 2, 0, 1 << 24, NULL, "of weights that a step reads"},
    {"position_bytes", INTEGER, AT(position_bytes), 1024, 0, 1 << 30, NULL, "of KV cache for each position"},
    {"fault", WORD, AT(fault), 0, 0, 0, "none|open|die|counts|nan|hang|allocate|stubborn",
     "what goes wrong: opening fails; the process is killed; counts lie; a NaN; it waits for ever; it takes fault_mb; it "
     "waits for ever and ignores SIGTERM"},
    {"fault_launch", INTEGER, AT(fault_launch), -1, -1, 1e9, NULL, "in which launch of the run; -1: in all"},
    {"fault_request", INTEGER, AT(fault_request), 0, 0, 1e9, NULL, "at which request of its launch"},
    {"fault_token", INTEGER, AT(fault_token), 0, 0, 1e9, NULL, "at which of its tokens"},
    {"fault_mb", INTEGER, AT(fault_mb), 64, 1, 1 << 20, NULL, "how much memory 'allocate' takes"},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

static const char *row_name(const void *table, size_t i)
{
    return ((const struct row *)table)[i].name;
}

static void set(struct fake_options *o, const struct row *r, double value)
{
    char *field = (char *)o + r->at;
    int64_t whole = (int64_t)value;
    if (r->kind == NUMBER)
        memcpy(field, &value, sizeof value);
    else
        memcpy(field, &whole, sizeof whole);
}

static int word_index(const char *words, const char *word)
{
    int at = 0;
    for (const char *w = words; *w; at++) {
        size_t n = strcspn(w, "|");
        if (strlen(word) == n && memcmp(w, word, n) == 0)
            return at;
        w += n + (w[n] == '|');
    }
    return -1;
}

static void complain(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (b->len)
        buf_str(b, "; ");
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

static void read_one(struct fake_options *o, const char *key, const json_t *value, struct buf *wrong)
{
    const struct row *r = NULL;
    for (size_t i = 0; i < N_ROWS && !r; i++)
        if (strcmp(rows[i].name, key) == 0)
            r = &rows[i];
    if (!r) {
        const char *near = str_nearest(key, rows, N_ROWS, row_name);
        complain(wrong, "options: unknown key '%s'%s%s%s", key, near ? ", did you mean '" : "", near ? near : "",
                 near ? "'?" : "");
        return;
    }
    if (r->kind == WORD) {
        int at = json_is_string(value) ? word_index(r->words, json_string_value(value)) : -1;
        if (at < 0)
            complain(wrong, "options.%s: expected one of %s", key, r->words);
        else
            set(o, r, at);
        return;
    }
    double x = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(x >= r->lo && x <= r->hi) || (r->kind == INTEGER && !json_is_integer(value)))
        complain(wrong, "options.%s: expected %s in [%.15g, %.15g]", key,
                 r->kind == INTEGER ? "an integer" : "a number", r->lo, r->hi);
    else
        set(o, r, x);
}

int fake_options_read(struct fake_options *out, const json_t *options, struct err *err)
{
    struct buf wrong = BUF_INIT(1 << 16);
    const char *key;
    json_t *value;
    for (size_t i = 0; i < N_ROWS; i++)
        set(out, &rows[i], rows[i].initial);
    json_object_foreach((json_t *)options, key, value)
        read_one(out, key, value, &wrong);
    int rc = wrong.len ? err_set(err, ERR_USAGE, "%s", wrong.data) : 0;
    buf_release(&wrong);
    return rc;
}

void fake_options_help(struct buf *b)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        const struct row *r = &rows[i];
        if (r->kind == WORD)
            buf_printf(b, "| `%s` | %s | %.*s | %s |\n", r->name, "word", (int)strcspn(r->words, "|"), r->words,
                       r->what);
        else
            buf_printf(b, "| `%s` | %s | %.15g | %s |\n", r->name, r->kind == INTEGER ? "integer" : "number",
                       r->initial, r->what);
    }
}
