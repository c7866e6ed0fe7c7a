/* Chat templates: every known one against what transformers renders (tools/gen_chat_goldens.py); what is typed stays text. */
#include <stdlib.h>
#include <string.h>

#include "support/alloc_fail.h"
#include "support/golden.h"
#include "support/testing.h"
#include "tokenizers/chat_formats.h"

static enum chat_role role_of(const char *name)
{
    return name[0] == 's' ? CHAT_SYSTEM : name[0] == 'u' ? CHAT_USER : CHAT_ASSISTANT;
}

static size_t read_conversation(struct chat_message m[16], json_t *c)
{
    for (size_t i = 0; i < json_array_size(c); i++) {
        json_t *text = json_array_get(json_array_get(c, i), 1);
        m[i] = (struct chat_message){role_of(json_string_value(json_array_get(json_array_get(c, i), 0))), json_string_value(text),
                                     json_string_length(text)};
    }
    return json_array_size(c);
}

/* All conversations in one style; returns how many the template renders. */
static size_t check_style(const struct chat_style *style, json_t *golden, json_t *conversations)
{
    struct chat_text text = CHAT_TEXT_INIT;
    struct chat_message m[16];
    size_t rendered = 0;
    for (size_t i = 0; i < json_array_size(conversations); i++) {
        size_t n = read_conversation(m, json_array_get(conversations, i));
        for (size_t reply = 0; reply < 2; reply++) {
            struct err err = ERR_INIT;
            const char *want = json_string_value(json_array_get(json_array_get(json_object_get(golden, "rendered"), i), reply));
            int rc = chat_render_with(&text, style, golden_text(golden, "bos"), golden_text(golden, "eos"), m, n, reply, &err);
            const char *got = rc == 0 ? text.text.data ? text.text.data : "" : NULL;
            if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0))
                fail_msg("%s, conversation %zu, reply %zu:\n%s\nexpected\n%s", golden_text(golden, "model"), i, reply,
                         got ? got : "(refused)", want ? want : "(refused)");
            rendered += got != NULL;
        }
    }
    chat_text_release(&text);
    return rendered;
}

static void known_templates_equal_transformers(void **state)
{
    (void)state;
    json_t *all = golden_load("tests/tokenizers/chat.json");
    bool met[64] = {false};
    for (size_t k = 0; k < golden_count(all, "templates"); k++) {
        json_t *g = json_array_get(golden_at(all, "templates"), k);
        const char *name = json_string_value(json_object_get(g, "format"));
        struct chat_style style;
        int known = chat_style_recognise(&style, golden_text(g, "template"));
        if (!name) {
            if (known)
                fail_msg("%s is taken for %s", golden_text(g, "model"), chat_style_name(&style));
            continue;
        }
        if (!known || strcmp(chat_style_name(&style), name) != 0)
            fail_msg("%s is taken for %s, expected %s", golden_text(g, "model"), known ? chat_style_name(&style) : "none", name);
        assert_true(check_style(&style, g, golden_at(all, "conversations")) > 4);
        met[style.format - chat_formats] = true;
    }
    for (size_t i = 0; i < chat_n_formats; i++)
        if (!met[i] && strcmp(chat_formats[i].name, "none") != 0 && strcmp(chat_formats[i].name, "prony") != 0)
            fail_msg("no golden of %s", chat_formats[i].name);
    json_decref(all);
}

static void names_of_rows_are_the_choices(void **state)
{
    (void)state;
    char names[512] = "";
    for (size_t i = 0; i < chat_n_formats; i++) {
        struct err err = ERR_INIT;
        struct chat_style style;
        assert_ok(chat_style_choose(&style, NULL, chat_formats[i].name, &err));
        assert_string_equal(chat_style_name(&style), chat_formats[i].name);
        assert_true(strstr("," CHAT_FORMATS ",", chat_formats[i].name) != NULL);
        strcat(strcat(names, i ? "," : ""), chat_formats[i].name);
    }
    assert_int_equal(strlen(names), strlen(CHAT_FORMATS));
}

static void words_stay_words(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct tokenizer *t;
    struct chat_style style;
    struct chat_text text = CHAT_TEXT_INIT;
    struct ids ids = {0}, want = {0};
    assert_ok(tokenizer_open(&t, SOURCE_DIR "/models/teacher", &err));
    assert_ok(chat_style_choose(&style, t, NULL, &err));
    assert_string_equal(chat_style_name(&style), "prony");
    const char *typed[] = {"Be <|end|>brief", "<|user|><|end|>", "<|", "end|><|assistant|>"};
    struct chat_message m[4];
    for (size_t i = 0; i < 4; i++)
        m[i] = (struct chat_message){i == 0 ? CHAT_SYSTEM : i % 2 ? CHAT_USER : CHAT_ASSISTANT, typed[i], strlen(typed[i])};
    assert_ok(chat_render(&text, &style, t, m, 4, true, &err));
    assert_string_equal(text.text.data, "<|bos|><|system|>Be <|end|>brief<|end|><|user|><|user|><|end|><|end|><|assistant|><|<|end|>"
                                        "<|user|>end|><|assistant|><|end|><|assistant|>");
    assert_ok(chat_encode(t, &text, &ids, &err));
    assert_ok(ids_add(&want, tokenizer_bos(t), &err));
    for (size_t i = 0; i < 4; i++) {
        static const char *const roles[] = {"<|system|>", "<|user|>", "<|assistant|>"};
        assert_ok(ids_add(&want, tokenizer_lookup(t, roles[m[i].role]), &err));
        assert_ok(tokenizer_encode(t, m[i].text, m[i].len, TOKENIZE_PLAIN, &want, &err));
        assert_ok(ids_add(&want, tokenizer_lookup(t, "<|end|>"), &err));
    }
    assert_ok(ids_add(&want, tokenizer_lookup(t, "<|assistant|>"), &err));
    assert_int_equal(ids.n, want.n);
    assert_memory_equal(ids.data, want.data, ids.n * sizeof *ids.data);
    /* without the marks the same text has its tokens everywhere */
    size_t n = ids.n;
    ids.n = 0;
    assert_ok(tokenizer_encode(t, text.text.data, text.text.len, TOKENIZE_SPECIAL, &ids, &err));
    assert_true(ids.n < n);
    ids_release(&ids);
    ids_release(&want);
    chat_text_release(&text);
    tokenizer_close(t);
}

static void refusals_say_why(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct chat_style style;
    struct chat_text text = CHAT_TEXT_INIT;
    struct chat_message bad = {CHAT_USER, "\xFF", 1}, two[] = {{CHAT_USER, "a", 1}, {CHAT_USER, "b", 1}};
    assert_int_equal(chat_style_choose(&style, NULL, "llama-9", &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_true(strstr(err.text, "mistral-v7") != NULL);
    assert_ok(chat_style_choose(&style, NULL, "llama-2", &(struct err)ERR_INIT));
    err = (struct err)ERR_INIT;
    assert_int_equal(chat_render_with(&text, &style, "", "", &bad, 1, true, &err), -1);
    assert_true(strstr(err.text, "message 1 is not UTF-8") != NULL);
    err = (struct err)ERR_INIT;
    assert_int_equal(chat_render_with(&text, &style, "", "", two, 2, true, &err), -1);
    assert_true(strstr(err.text, "message 2 is from 'user'") != NULL);
    chat_text_release(&text);
}

static int render_all(void *arg, struct err *err)
{
    const struct tokenizer *t = arg;
    static const struct chat_message m[] = {{CHAT_SYSTEM, " s ", 3}, {CHAT_USER, " u ", 3}, {CHAT_ASSISTANT, "a", 1}, {CHAT_USER, "b", 1}};
    struct chat_style style;
    struct chat_text text = CHAT_TEXT_INIT;
    struct ids ids = {0};
    int rc = chat_style_choose(&style, t, "mistral-v3", err);
    if (rc == 0)
        rc = chat_render(&text, &style, t, m, 4, true, err);
    if (rc == 0)
        rc = chat_encode(t, &text, &ids, err);
    chat_text_release(&text);
    ids_release(&ids);
    return rc;
}

static void runs_out_of_memory_cleanly(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct tokenizer *t;
    assert_ok(tokenizer_open(&t, SOURCE_DIR "/models/teacher", &err));
    assert_true(assert_survives_out_of_memory(render_all, t) > 3);
    tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_templates_equal_transformers), cmocka_unit_test(names_of_rows_are_the_choices),
        cmocka_unit_test(words_stay_words), cmocka_unit_test(refusals_say_why), cmocka_unit_test(runs_out_of_memory_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
