#include "models/generate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT_MAX = 64 << 20 };

const char *finish_name(enum finish f)
{
    static const char *const names[] = {"length", "eos", "stop", "interrupted"};
    return names[f];
}

void generation_release(struct generation *g)
{
    free(g->ids);
    free(g->logprobs);
    free(g->seconds);
    buf_release(&g->text);
    *g = (struct generation){0};
}

/* The text as it grows: how much has been shown, and where a stop string cuts it. */
struct teller {
    const struct generation_request *r;
    struct buf *text;
    struct detok detok;
    const struct tokenizer *tokenizer;
    size_t shown, longest_stop;
};

static void show(struct teller *t, size_t upto)
{
    if (upto > t->shown && t->r->on_text)
        t->r->on_text(t->r->user, t->text->data + t->shown, upto - t->shown);
    t->shown = upto > t->shown ? upto : t->shown;
}

/* The first stop string of the text, if it has come to its end: cuts it off. */
static bool cut_at_stop(struct teller *t)
{
    const char *text = t->text->data, *first = NULL;
    size_t from = t->shown > t->longest_stop ? t->shown - t->longest_stop : 0;
    for (size_t i = 0; text && i < t->r->n_stops; i++) {
        const char *stop = t->r->stops[i];
        const char *at = *stop ? memmem(text + from, t->text->len - from, stop, strlen(stop)) : NULL;
        first = at && (!first || at < first) ? at : first;
    }
    if (!first)
        return false;
    t->text->len = (size_t)(first - text);
    t->text->data[t->text->len] = '\0';
    return true;
}

/* The length of the text's longest ending that a stop string begins with: not to be shown yet. */
static size_t held_back(const struct teller *t)
{
    size_t most = 0;
    for (size_t i = 0; i < t->r->n_stops; i++) {
        size_t n = strlen(t->r->stops[i]);
        for (size_t k = n < t->text->len ? n : t->text->len; k > most; k--)
            if (memcmp(t->text->data + t->text->len - k, t->r->stops[i], k) == 0)
                most = k;
    }
    return most;
}

/* 1 when a stop string ended the text. */
static int tell(struct teller *t, int32_t id, struct err *err)
{
    if (!t->tokenizer)
        return 0;
    TRY(detok_push(&t->detok, id, t->text, err));
    TRY(buf_check(t->text, err));
    bool stopped = cut_at_stop(t);
    show(t, t->text->len - (stopped ? 0 : held_back(t)));
    return stopped;
}

static int tell_rest(struct teller *t, struct err *err)
{
    if (!t->tokenizer)
        return 0;
    detok_finish(&t->detok, t->text);
    TRY(buf_check(t->text, err));
    cut_at_stop(t);
    show(t, t->text->len);
    return 0;
}

static int feed(struct session *s, const struct generation_request *r, const int32_t *ids, size_t n, struct err *err)
{
    struct row *rows = mem_alloc(n, sizeof *rows, err);
    if (!rows)
        return -1;
    int from = session_length(s, r->seq);
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){.seq = r->seq, .pos = from + (int)i, .token = ids[i], .parent = ROW_CHAIN,
                               .want = i + 1 == n ? ROW_LOGITS : 0};
    int rc = session_forward(s, rows, n, err);
    free(rows);
    return rc;
}

static int check_request(const struct session *s, const struct tokenizer *t, const struct generation_request *r,
                         struct err *err)
{
    size_t wanted = (size_t)session_length(s, r->seq) + r->n_prompt + (size_t)(r->max_tokens > 0 ? r->max_tokens : 0);
    if (r->n_prompt == 0)
        return err_set(err, ERR_USAGE, "the prompt is empty: there is nothing to continue");
    if (r->max_tokens < 1)
        return err_set(err, ERR_USAGE, "%d new tokens make no sense", r->max_tokens);
    if (r->n_stops > 0 && !t)
        return err_set(err, ERR_USAGE, "stop strings need a tokenizer, and the model has none");
    if (wanted > (size_t)session_context(s)) {
        err_set(err, ERR_INPUT, "%zu tokens (%zu of the prompt and %d new) are longer than the context of %d", wanted,
                wanted - (size_t)r->max_tokens, r->max_tokens, session_context(s));
        return err_hint(err, "a shorter prompt or fewer new tokens");
    }
    return 0;
}

static bool has_id(const int32_t *ids, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static int go_on(struct generation *g, struct session *s, const struct model *m, struct sampler *sampler, struct teller *teller,
                 struct err *err)
{
    const struct generation_request *r = teller->r;
    size_t last = r->n_prompt - 1;
    double began = steady_seconds();
    TRY(feed(s, r, r->prompt, r->n_prompt, err));
    g->prefill_seconds = steady_seconds() - began;
    for (;;) {
        const float *logits = session_logits(s, last);
        int32_t id = sampler_pick(sampler, logits);
        double now = steady_seconds();
        g->ids[g->n] = id;
        g->logprobs[g->n] = logits_logprob(logits, sampler->vocabulary, id);
        g->seconds[g->n++] = now - began;
        if (r->on_token)
            r->on_token(r->user, g->n - 1, id, g->logprobs[g->n - 1], now - began);
        began = now;
        int stopped = tell(teller, id, err);
        TRY(stopped);
        bool ended = !r->ignore_eos && (model_is_eos(m, id) || has_id(r->ends, r->n_ends, id));
        bool interrupted = r->interrupted && *r->interrupted;
        if (stopped || ended || interrupted || g->n == (size_t)r->max_tokens) {
            g->finish = ended ? FINISH_EOS : stopped ? FINISH_STOP : interrupted ? FINISH_INTERRUPTED : FINISH_LENGTH;
            return tell_rest(teller, err);
        }
        TRY(feed(s, r, &id, 1, err));
        last = 0;
    }
}

int generate(struct generation *out, struct session *s, const struct model *m, const struct tokenizer *t,
             const struct generation_request *r, struct err *err)
{
    struct model_facts facts;
    struct sampler sampler = {0};
    struct teller teller = {.r = r, .text = &out->text, .tokenizer = t};
    int rc = -1;
    *out = (struct generation){.text = BUF_INIT(TEXT_MAX)};
    model_facts(m, &facts);
    TRY(check_request(s, t, r, err));
    size_t most = (size_t)r->max_tokens;
    out->ids = mem_alloc(most, sizeof *out->ids, err);
    out->logprobs = mem_alloc(most, sizeof *out->logprobs, err);
    out->seconds = mem_alloc(most, sizeof *out->seconds, err);
    if (!out->ids || !out->logprobs || !out->seconds || sampler_init(&sampler, &r->sampling, facts.vocabulary, err) < 0)
        goto out;
    sampler_see(&sampler, r->prompt, r->n_prompt);
    if (t)
        detok_init(&teller.detok, t, false);
    for (size_t i = 0; i < r->n_stops; i++)
        teller.longest_stop = strlen(r->stops[i]) > teller.longest_stop ? strlen(r->stops[i]) : teller.longest_stop;
    rc = go_on(out, s, m, &sampler, &teller, err);
out:
    sampler_release(&sampler);
    if (rc < 0)
        generation_release(out);
    return rc;
}
