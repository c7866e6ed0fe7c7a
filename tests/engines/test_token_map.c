/* What servers say of tokens, back to ids: all of the teacher's vocabulary in every way of saying it. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "engines/token_map.h"

static void every_token_is_found(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct tokenizer *t = NULL;
    struct token_map *m = NULL;
    char *path = data_path("models/teacher", &err);
    assert_ok(tokenizer_open(&t, path, &err));
    assert_ok(token_map_open(&m, t, &err));
    size_t n = tokenizer_vocabulary(t), sure = 0;
    for (int32_t id = 0; id < (int32_t)n; id++) {
        struct buf piece = BUF_INIT(4096);
        char word[32];
        int32_t got = -1;
        assert_ok(tokenizer_piece(t, id, &piece, &err));
        snprintf(word, sizeof word, "token_id:%d", id);
        assert_int_equal(token_map_text(m, word, strlen(word), &got), TOKEN_SURE);
        assert_int_equal(got, id);
        enum token_match match = token_map_bytes(m, piece.data ? piece.data : "", piece.len, &got);
        if (match == TOKEN_SURE) {
            assert_int_equal(got, id);
            sure++;
        } else if (match == TOKEN_AMBIGUOUS) {
            assert_true(got >= 0 && got <= id); /* the lowest of those with these bytes */
        }
        buf_release(&piece);
    }
    assert_true(sure > n * 9 / 10);
    token_map_close(m);
    tokenizer_close(t);
    free(path);
}

static void spellings_are_known(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct tokenizer *t = NULL;
    struct token_map *m = NULL;
    char *path = data_path("models/teacher", &err);
    int32_t the, id;
    assert_ok(tokenizer_open(&t, path, &err));
    assert_ok(token_map_open(&m, t, &err));
    assert_int_equal(token_map_bytes(m, " the", 4, &the), TOKEN_SURE);
    assert_int_equal(token_map_text(m, "\xc4\xa0the", 5, &id), TOKEN_SURE); /* as byte-level vocabularies spell it */
    assert_int_equal(id, the);
    assert_int_equal(token_map_text(m, "<|eos|>", 7, &id), TOKEN_SURE);
    assert_int_equal(id, tokenizer_lookup(t, "<|eos|>"));
    assert_int_equal(token_map_text(m, "\xef\xbf\xbd\xef\xbf\xbd", 6, &id), TOKEN_UNKNOWN); /* half characters */
    assert_int_equal(id, -1);
    assert_int_equal(token_map_text(m, "", 0, &id), TOKEN_UNKNOWN);
    assert_int_equal(token_map_text(m, "token_id:99999999", 17, &id), TOKEN_UNKNOWN);
    assert_int_equal(token_map_text(m, "token_id:-1", 11, &id), TOKEN_UNKNOWN);
    assert_int_equal(token_map_text(m, "no token is as long as this", 27, &id), TOKEN_UNKNOWN);
    token_map_close(m);
    tokenizer_close(t);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_token_is_found), cmocka_unit_test(spellings_are_known)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
