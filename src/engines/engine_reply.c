#include "engines/engine_reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { TEXT_MAX = 64 << 20, PIECE_LIKELY = 16 };

static int reserve(void *items, size_t *cap, size_t n, size_t size, struct err *err)
{
    void **p = items;
    if (n <= *cap)
        return 0;
    void *bigger = mem_realloc(*p, n, size, err);
    if (!bigger)
        return -1;
    *p = bigger;
    *cap = n;
    return 0;
}

int engine_reply_prepare(struct engine_reply *r, size_t max_tokens, int n_top, struct err *err)
{
    if (r->text.max == 0)
        buf_init(&r->text, TEXT_MAX);
    TRY(reserve(&r->steps, &r->cap_steps, max_tokens, sizeof *r->steps, err));
    if (n_top > 0)
        TRY(reserve(&r->tops, &r->cap_tops, max_tokens * (size_t)n_top, sizeof *r->tops, err));
    buf_clear(&r->text);
    if (!buf_room(&r->text, max_tokens * PIECE_LIKELY))
        return buf_check(&r->text, err);
    r->n_steps = 0;
    r->n_top = n_top;
    r->n_prompt = 0;
    r->n_reported = r->cached_tokens = -1;
    r->n_ambiguous = r->n_unknown = 0;
    r->submitted = r->prefilled = ENGINE_NEVER;
    r->server_prefill_ms = r->server_decode_ms = NAN;
    r->finish = FINISH_LENGTH;
    return 0;
}

int engine_reply_add(struct engine_reply *r, const struct engine_step *step, const char *piece, size_t len,
                     const struct engine_top *tops, struct err *err)
{
    if (r->n_steps == r->cap_steps)
        return err_set(err, ERR_ENGINE, "the engine gave more than the %zu tokens asked for", r->cap_steps);
    struct engine_step *s = &r->steps[r->n_steps];
    *s = *step;
    s->text_at = r->text.len;
    s->text_len = len;
    buf_add(&r->text, piece, len);
    TRY(buf_check(&r->text, err));
    if (r->n_top > 0) {
        struct engine_top *row = &r->tops[r->n_steps * (size_t)r->n_top];
        for (int k = 0; k < r->n_top; k++)
            row[k] = tops ? tops[k] : (struct engine_top){.id = -1, .logprob = NAN};
    }
    r->n_steps++;
    return 0;
}

void engine_reply_release(struct engine_reply *r)
{
    free(r->steps);
    free(r->tops);
    buf_release(&r->text);
    memset(r, 0, sizeof *r);
}
