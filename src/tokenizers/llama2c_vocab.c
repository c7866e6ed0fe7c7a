/* llama2c_vocab.c - the tokenizer files of llama2.c (tok512.bin, tokenizer.bin).
 *
 * i32 bytes of the longest piece, then for each piece f32 score, i32 bytes, text. Spaces are spaces. Ids 0 to 2 are
 * unknown, BOS and EOS, 3 to 258 the bytes. The number of pieces is what the file holds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/pieces.h"

enum { FIRST_BYTE = 3, N_BYTES = 256 };

static int fill(struct tokenizer *t, const char *bytes, size_t len, const char *name, float **scores, uint8_t **types,
                struct err *err)
{
    size_t score_cap = 0, type_cap = 0;
    for (size_t at = 4; at < len;) {
        size_t id = t->vocab.n;
        float score;
        int32_t n;
        if (len - at < 8)
            return err_set(err, ERR_INPUT, "'%s': piece %zu is cut off at byte %zu", name, id, at);
        memcpy(&score, bytes + at, 4);
        memcpy(&n, bytes + at + 4, 4);
        at += 8;
        if (n < 0 || (size_t)n > len - at)
            return err_set(err, ERR_INPUT, "'%s': piece %zu has %d bytes, %zu are left", name, id, n, len - at);
        if (isnan(score))
            return err_set(err, ERR_INPUT, "'%s': the score of piece %zu is not a number", name, id);
        TRY(mem_grow(scores, &score_cap, id, sizeof **scores, err));
        TRY(mem_grow(types, &type_cap, id, 1, err));
        (*scores)[id] = score;
        (*types)[id] = id == 0 ? PIECE_UNKNOWN : id < FIRST_BYTE ? PIECE_CONTROL
                       : id < FIRST_BYTE + N_BYTES ? PIECE_BYTE : PIECE_NORMAL;
        TRY(vocab_put(&t->vocab, (int64_t)id, bytes + at, (size_t)n, err));
        at += (size_t)n;
    }
    return 0;
}

static int load(struct tokenizer *t, const char *bytes, size_t len, const char *name, struct err *err)
{
    float *scores = NULL;
    uint8_t *types = NULL;
    int rc = fill(t, bytes, len, name, &scores, &types, err);
    if (rc == 0 && t->vocab.n < FIRST_BYTE + N_BYTES)
        rc = err_set(err, ERR_INPUT, "'%s': %zu pieces, a llama2.c tokenizer has at least %d", name, t->vocab.n,
                     FIRST_BYTE + N_BYTES);
    if (rc == 0) {
        struct sentencepiece sp = {.byte_fallback = true, .dummy_prefix = true, .literal_spaces = true, .scores = scores,
                                   .types = types};
        t->bos = 1;
        t->eos = 2;
        rc = build_sentencepiece(t, &sp, 0, err);
    }
    if (rc == 0)
        rc = ids_add(&t->before, t->bos, err);
    free(scores);
    free(types);
    return rc;
}

static bool probe(const char *path, const char *bytes, size_t len)
{
    (void)bytes;
    return str_ends(path, ".bin") && len > 4;
}

const struct vocabulary vocabulary_llama2c = {.name = "llama2c", .probe = probe, .load = load};
