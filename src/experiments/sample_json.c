#include "experiments/sample_json.h"

#include <math.h>

#include "base/buf.h"
#include "base/str.h"

json_t *sample_json_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *sample_json_text(const char *bytes, size_t len)
{
    struct buf b = BUF_INIT(256u << 20);
    json_t *out = utf8_valid(bytes, len) ? json_stringn_nocheck(len ? bytes : "", len) : NULL;
    if (out)
        return out;
    for (size_t i = 0; i < len;) {
        size_t n = utf8_decode(bytes + i, len - i, NULL);
        if (n > 0)
            buf_add(&b, bytes + i, n);
        else
            buf_str(&b, "\xef\xbf\xbd");
        i += n ? n : 1;
    }
    out = b.failed ? NULL : json_stringn_nocheck(b.data ? b.data : "", b.len);
    buf_release(&b);
    return out;
}

static double ms_between(int64_t from, int64_t to)
{
    return from == ENGINE_NEVER || to == ENGINE_NEVER ? NAN : (double)(to - from) / 1e6;
}

static json_t *steps_json(const struct engine_reply *r, const struct engine_facts *f)
{
    json_t *id = json_array(), *logprob = json_array(), *enqueue = json_array(), *total = json_array();
    json_t *text = json_array(), *bytes = json_array(), *parameters = json_array();
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct engine_step *s = &r->steps[i];
        json_array_append_new(id, s->id >= 0 ? json_integer(s->id) : json_null());
        json_array_append_new(logprob, sample_json_number(s->logprob));
        json_array_append_new(enqueue, sample_json_number(ms_between(s->handed, s->began)));
        json_array_append_new(total, sample_json_number(ms_between(s->handed, s->done)));
        json_array_append_new(text, sample_json_text(r->text.data + s->text_at, s->text_len));
        uint64_t before = r->n_prompt + i;
        json_array_append_new(bytes, f->step_bytes ? json_integer((json_int_t)(f->step_bytes + before * f->position_bytes))
                                                   : json_null());
        json_array_append_new(parameters, f->step_parameters ? json_integer((json_int_t)f->step_parameters) : json_null());
    }
    return json_pack("{so so so so so so so}", "id", id, "logprob", logprob, "enqueue_ms", enqueue, "total_ms", total,
                     "text", text, "bytes", bytes, "parameters", parameters);
}

int sample_json_reply(json_t *fields, const struct engine_reply *r, const struct engine_facts *facts, struct err *err)
{
    json_t *steps = steps_json(r, facts);
    int bad = steps ? 0 : -1;
    bad |= json_object_set_new(fields, "prompt_tokens", json_integer((json_int_t)r->n_prompt));
    bad |= json_object_set_new(fields, "cached_tokens", r->cached_tokens < 0 ? json_null() : json_integer(r->cached_tokens));
    bad |= json_object_set_new(fields, "finish", json_string(engine_finish_name(r->finish)));
    bad |= json_object_set_new(fields, "server_prefill_ms", sample_json_number(r->server_prefill_ms));
    bad |= json_object_set_new(fields, "server_decode_ms", sample_json_number(r->server_decode_ms));
    bad |= steps ? json_object_set_new(fields, "steps", steps) : -1;
    return bad ? err_set(err, ERR_MEMORY, "out of memory for a sample") : 0;
}
