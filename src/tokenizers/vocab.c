#include "tokenizers/vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

uint32_t hash_bytes(const char *s, size_t len)
{
    uint64_t h = 0x9E3779B97F4A7C15u ^ len, w;
    for (; len >= 8; s += 8, len -= 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    if (len) {
        w = 0;
        memcpy(&w, s, len);
        h = (h ^ w) * 0xD6E8FEB86659FD93u;
        h ^= h >> 32;
    }
    h *= 0xD6E8FEB86659FD93u;
    return (uint32_t)(h >> 32);
}

static int rehash(struct vocab *v, size_t n_slots, struct err *err)
{
    struct vocab_slot *slots = mem_zalloc(n_slots, sizeof *slots, err);
    if (!slots)
        return -1;
    for (size_t i = 0; i < v->n_slots; i++) {
        if (!v->slots[i].id1)
            continue;
        size_t at = v->slots[i].hash & (n_slots - 1);
        while (slots[at].id1)
            at = (at + 1) & (n_slots - 1);
        slots[at] = v->slots[i];
    }
    free(v->slots);
    v->slots = slots;
    v->n_slots = n_slots;
    return 0;
}

int vocab_reserve(struct vocab *v, size_t n, struct err *err)
{
    if (n > VOCAB_MAX)
        return err_set(err, ERR_INPUT, "the vocabulary has %zu tokens, more than %d", n, VOCAB_MAX);
    size_t n_slots = 64;
    while (n_slots < n * 2)
        n_slots *= 2;
    if (n_slots > v->n_slots)
        TRY(rehash(v, n_slots, err));
    if (n > v->cap) {
        struct piece *grown = mem_realloc(v->pieces, n, sizeof *grown, err);
        if (!grown)
            return -1;
        v->pieces = grown;
        v->cap = n;
    }
    return 0;
}

int vocab_put(struct vocab *v, int64_t id, const char *text, size_t len, struct err *err)
{
    if (id < 0 || id >= VOCAB_MAX)
        return err_set(err, ERR_INPUT, "token '%.*s' has the id %" PRId64 ", outside 0 to %d", (int)(len < 60 ? len : 60),
                       text, id, VOCAB_MAX - 1);
    if (len > UINT32_MAX)
        return err_set(err, ERR_INPUT, "a token of %zu bytes is too long", len);
    if ((size_t)id >= v->cap)
        TRY(vocab_reserve(v, (size_t)id + (size_t)id / 2 + 64 < VOCAB_MAX ? (size_t)id + (size_t)id / 2 + 64 : VOCAB_MAX,
                          err));
    if (v->n_used * 2 >= v->n_slots)
        TRY(rehash(v, v->n_slots ? v->n_slots * 2 : 64, err));
    while (v->n <= (size_t)id)
        v->pieces[v->n++] = (struct piece){0};
    if (v->pieces[id].text)
        return err_set(err, ERR_INPUT, "the id %" PRId64 " belongs to two tokens, '%.*s' and '%.*s'", id,
                       (int)(v->pieces[id].len < 60 ? v->pieces[id].len : 60), v->pieces[id].text,
                       (int)(len < 60 ? len : 60), text);
    v->pieces[id] = (struct piece){text, (uint32_t)len};
    if (len > v->longest)
        v->longest = len;
    uint32_t hash = hash_bytes(text, len);
    size_t at = hash & (v->n_slots - 1);
    for (; v->slots[at].id1; at = (at + 1) & (v->n_slots - 1)) {
        const struct piece *p = &v->pieces[v->slots[at].id1 - 1];
        if (v->slots[at].hash == hash && p->len == len && memcmp(p->text, text, len) == 0)
            break;
    }
    v->n_used += !v->slots[at].id1;
    v->slots[at] = (struct vocab_slot){hash, (int32_t)id + 1};
    return 0;
}

int32_t vocab_find(const struct vocab *v, const char *text, size_t len)
{
    if (!v->n_slots || len > v->longest)
        return -1;
    uint32_t hash = hash_bytes(text, len);
    for (size_t at = hash & (v->n_slots - 1); v->slots[at].id1; at = (at + 1) & (v->n_slots - 1)) {
        if (v->slots[at].hash != hash)
            continue;
        const struct piece *p = &v->pieces[v->slots[at].id1 - 1];
        if (p->len == len && memcmp(p->text, text, len) == 0)
            return v->slots[at].id1 - 1;
    }
    return -1;
}

void vocab_release(struct vocab *v)
{
    free(v->pieces);
    free(v->slots);
    arena_release(&v->strings);
    *v = (struct vocab)VOCAB_INIT;
}
