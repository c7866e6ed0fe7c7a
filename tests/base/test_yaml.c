/* yaml: the tree is what YAML means, and what is no YAML, or a trap, is refused at once and by position. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "base/yaml.h"

static void write_node(struct json_out *j, const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR) {
        json_out_text(j, yaml_is_null(n) ? NULL : n->text);
        return;
    }
    json_out_open(j, n->kind == YAML_MAP ? '{' : '[');
    for (size_t i = 0; i < n->n; i++) {
        if (n->kind == YAML_MAP)
            json_out_key(j, n->keys[i]->text);
        write_node(j, n->items[i]);
    }
    json_out_close(j);
}

static void becomes(const char *text, const char *json)
{
    struct err err = ERR_INIT;
    struct yaml *y;
    struct buf out = BUF_INIT(1 << 20);
    struct json_out j = JSON_OUT_INIT(&out);
    assert_ok(yaml_parse(&y, text, strlen(text), "m.yaml", &err));
    write_node(&j, yaml_root(y));
    assert_string_equal(out.data, json);
    buf_release(&out);
    yaml_free(y);
}

static void the_tree_is_what_yaml_means(void **state)
{
    (void)state;
    becomes("a: 1\nb: [x, 'y', \"z\\n\"]\nc:\n  d: ~\n  e:\n  f: ''\n",
            "{\"a\":\"1\",\"b\":[\"x\",\"y\",\"z\\n\"],\"c\":{\"d\":null,\"e\":null,\"f\":\"\"}}");
    becomes("b: |\n  one\n  two\nc: >-\n  one\n  two\n", "{\"b\":\"one\\ntwo\\n\",\"c\":\"one two\"}");
    becomes("a: &x [1, 2]\nb: *x\n", "{\"a\":[\"1\",\"2\"],\"b\":[\"1\",\"2\"]}");
    becomes("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"2\"}"); /* the last above it */
    becomes("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 9}\n",
            "{\"a\":{\"x\":\"1\",\"y\":\"2\"},\"b\":{\"y\":\"3\",\"z\":\"4\"},\"c\":{\"x\":\"9\",\"y\":\"2\",\"z\":\"4\"}}");
    becomes("'<<': 1", "{\"<<\":\"1\"}");
    becomes("e\xCC\x81: \xE2\x82\xAC", "{\"e\xCC\x81\":\"\xE2\x82\xAC\"}");
}

static void refused(const char *text, size_t len, const char *where, const char *part)
{
    struct err err = ERR_INIT;
    struct yaml *y;
    assert_err(yaml_parse(&y, text, len, "m.yaml", &err), ERR_INPUT, part);
    if (!strstr(err.text, where))
        fail_msg("%s: not at %s", err.text, where);
}
#define REFUSED(text, where, part) refused(text, sizeof(text) - 1, where, part)

static void what_is_wrong_is_found_by_position(void **state)
{
    (void)state;
    REFUSED("a: 1\nb: 2\na: 3\n", "'m.yaml':3:1", "'a' is there already, in line 1");
    REFUSED("{a: 1, a: 2}", "'m.yaml':1:8", "'a' is there already");
    REFUSED("a:\n\tb: 1\n", "'m.yaml':2:", "");
    struct yaml *y;
    struct err tabs = ERR_INIT;
    assert_int_equal(yaml_parse(&y, "a:\tb\n \tc: 1\n", 12, "m.yaml", &tabs), -1);
    assert_string_equal(tabs.hint, "line 2 is indented with a tab: YAML wants blanks");
    REFUSED("a: \"open\nb: 1\n", "'m.yaml':", "");
    REFUSED("a: *b\n", "'m.yaml':1:", "no anchor above for the alias 'b'");
    REFUSED("a: &a [1, *a]\n", "'m.yaml':1:", "no anchor above");
    REFUSED("a: 1\n---\nb: 2\n", "'m.yaml'", "second document");
    REFUSED("a: {<<: 5}\n", "'m.yaml':1:", "takes mappings");
    REFUSED("? [1]\n: 2\n", "'m.yaml':1:", "a key must be a text");
    REFUSED("", "'m.yaml'", "empty");
    REFUSED("# only a comment\n\n", "'m.yaml'", "empty");
}

static void other_kinds_of_file_are_refused_at_once(void **state)
{
    (void)state;
    REFUSED("GGUF\x03\0\0\0", "'m.yaml'", "byte 5 is zero: this is a binary file");
    REFUSED("%PDF-1.4\n%\xE2\xE3\xCF\xD3\n", "'m.yaml':2:2", "0xe2 is no UTF-8"); /* libfyaml alone never returns */
    REFUSED("a: 1\nb: \xff\n", "'m.yaml':2:4", "0xff");
}

static void bombs_are_refused_in_bounded_time_and_memory(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(64 << 20);
    buf_str(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 30; i++) {
        buf_printf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            buf_printf(&b, "*a%d%s", i - 1, k < 8 ? ", " : "]\n");
    }
    refused(b.data, b.len, "'m.yaml':", "more than a million values");
    buf_clear(&b); /* merges of one map, again and again */
    buf_str(&b, "m: &m\n");
    for (int i = 0; i < 2000; i++)
        buf_printf(&b, "  k%d: 1\n", i);
    for (int i = 0; i < 2000; i++)
        buf_printf(&b, "n%d: {<<: *m}\n", i);
    refused(b.data, b.len, "'m.yaml':", "more than a million values");
    buf_clear(&b); /* many anchors, each looked through by an alias */
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "- &k%d 1\n- *k0\n", i);
    refused(b.data, b.len, "'m.yaml':2001:", "more anchors");
    buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, '[');
    refused(b.data, b.len, "'m.yaml'", "");
    buf_release(&b);
}

static void large_maps_take_no_longer_than_their_reading(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct yaml *y;
    struct buf b = BUF_INIT(64 << 20);
    buf_str(&b, "m: &m\n");
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "  k%d: 1\n", i);
    buf_str(&b, "n: {<<: *m, k5: 2}\n"); /* by comparing all with all this would be 10^10 steps: the test's time limit */
    assert_ok(yaml_parse(&y, b.data, b.len, "m.yaml", &err));
    const struct yaml_node *n = yaml_get(yaml_root(y), "n");
    assert_int_equal(n->n, 100000);
    assert_string_equal(yaml_get(n, "k5")->text, "2");
    assert_string_equal(n->keys[0]->text, "k5");
    yaml_free(y);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tree_is_what_yaml_means),
        cmocka_unit_test(what_is_wrong_is_found_by_position),
        cmocka_unit_test(other_kinds_of_file_are_refused_at_once),
        cmocka_unit_test(bombs_are_refused_in_bounded_time_and_memory),
        cmocka_unit_test(large_maps_take_no_longer_than_their_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
