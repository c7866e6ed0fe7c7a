/* The events of a stream are the same however its bytes are cut. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/event_stream.h"

struct seen {
    struct buf all;      /* each event in brackets */
    int64_t stamps[32];
    size_t n, enough_after;
};

static int see(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct seen *s = arg;
    assert_int_equal(strnlen(data, len + 1), len); /* ended by a NUL, none inside these */
    buf_char(&s->all, '[');
    buf_add(&s->all, data, len);
    buf_char(&s->all, ']');
    if (s->n < 32)
        s->stamps[s->n] = stamp;
    s->n++;
    if (len == 5 && memcmp(data, "fault", 5) == 0)
        return err_set(err, ERR_ENGINE, "told to fail");
    return s->enough_after && s->n == s->enough_after;
}

/* Feeds the pieces that end at the two cuts and at the end, stamped 1, 2, 3. */
static int feed(struct seen *s, enum event_framing framing, const char *text, size_t len, size_t a, size_t b, struct err *err)
{
    struct event_stream e;
    size_t ends[] = {a, b, len}, at = 0;
    int rc = 0;
    *s = (struct seen){.all = BUF_INIT(1 << 16), .enough_after = s->enough_after};
    event_stream_init(&e, framing, 64, see, s);
    for (int i = 0; i < 3 && rc == 0; i++) {
        rc = event_stream_feed(&e, text + at, ends[i] - at, i + 1, err);
        at = ends[i];
    }
    if (rc == 0)
        rc = event_stream_end(&e, err);
    event_stream_release(&e);
    return rc;
}

static const struct {
    enum event_framing framing;
    const char *text, *events;
} cases[] = {
    {EVENTS_SSE, "data: a\n\ndata: b\n\n", "[a][b]"},
    {EVENTS_SSE, "data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
    {EVENTS_SSE, "data: a\r\rdata: b\r\r", "[a][b]"},
    {EVENTS_SSE, "data: a\r\n\ndata: b\n\r\n", "[a][b]"},
    {EVENTS_SSE, ": ping\n\ndata:x\n\n:\n\ndata:  y \n\n", "[x][ y ]"},
    {EVENTS_SSE, "event: delta\nid: 7\nretry: 10\ndata: one\ndata: two\n\n", "[one\ntwo]"},
    {EVENTS_SSE, "data\n\ndata:\n\ndatabase: no\n\ndata: {\"a\":\"b: c\"}\n\n", "[][][{\"a\":\"b: c\"}]"},
    {EVENTS_SSE, "data: [DONE]", "[[DONE]]"},
    {EVENTS_SSE, "data: last\n", "[last]"},
    {EVENTS_SSE, "\n\n\n", ""},
    {EVENTS_SSE, "", ""},
    {EVENTS_LINES, "{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1}][{\"b\":2}]"},
    {EVENTS_LINES, "one\r\ntwo\n\nthree", "[one][two][three]"},
    {EVENTS_LINES, "\xc3\xa4\xe2\x82\xac\n", "[\xc3\xa4\xe2\x82\xac]"},
};

static void any_cut_gives_the_same_events(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t len = strlen(cases[c].text), n = 0;
        for (size_t a = 0; a <= len; a++)
            for (size_t b = a; b <= len; b++) {
                struct seen s = {0};
                assert_ok(feed(&s, cases[c].framing, cases[c].text, len, a, b, &err));
                if (strcmp(s.all.data ? s.all.data : "", cases[c].events) != 0)
                    fail_msg("case %zu cut at %zu and %zu: '%s'", c, a, b, s.all.data);
                n = s.n;
                buf_release(&s.all);
            }
        assert_true(n > 0 || *cases[c].events == '\0');
    }
}

/* The stamp is that of the piece with the end of the last line of the event, not of the empty line behind it. */
static void an_event_is_dated_when_it_was_whole(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    static const char text[] = "data: a\n\ndata: b\n\n";
    struct seen s = {0};
    assert_ok(feed(&s, EVENTS_SSE, text, 18, 8, 12, &err)); /* "data: a\n" | "\ndat" | "a: b\n\n" */
    assert_int_equal(s.n, 2);
    assert_int_equal(s.stamps[0], 1);
    assert_int_equal(s.stamps[1], 3);
    buf_release(&s.all);
    assert_ok(feed(&s, EVENTS_SSE, text, 17, 7, 15, &err)); /* the line end comes with the second */
    assert_int_equal(s.stamps[0], 2);
    assert_int_equal(s.stamps[1], 3);
    buf_release(&s.all);
    assert_ok(feed(&s, EVENTS_LINES, "x\ny", 3, 1, 2, &err));
    assert_int_equal(s.stamps[0], 2);
    assert_int_equal(s.stamps[1], 3); /* its end is that of the stream */
    buf_release(&s.all);
}

static void long_events_are_refused(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct seen s = {0};
    char text[200];
    memset(text, 'x', sizeof text);
    assert_err(feed(&s, EVENTS_LINES, text, 65, 10, 60, &err), ERR_ENGINE, "longer than 64 bytes");
    buf_release(&s.all);
    assert_ok(feed(&s, EVENTS_LINES, text, 64, 10, 60, &err));
    buf_release(&s.all);
    memset(text, 0, sizeof text);
    for (int i = 0; i < 6; i++) /* each line is short, the event is not */
        strcat(text, "data: 0123456789012\n");
    assert_err(feed(&s, EVENTS_SSE, text, strlen(text), 10, 60, &err), ERR_ENGINE, "longer than 64 bytes");
    buf_release(&s.all);
}

static void a_callback_ends_it(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct seen s = {.enough_after = 2};
    assert_int_equal(feed(&s, EVENTS_LINES, "1\n2\n3\n4\n", 8, 1, 5, &err), 1);
    assert_int_equal(s.n, 2);
    buf_release(&s.all);
    s = (struct seen){0};
    assert_err(feed(&s, EVENTS_SSE, "data: fault\n\ndata: x\n\n", 22, 3, 5, &err), ERR_ENGINE, "told to fail");
    assert_int_equal(s.n, 1);
    buf_release(&s.all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_events), cmocka_unit_test(an_event_is_dated_when_it_was_whole),
        cmocka_unit_test(long_events_are_refused), cmocka_unit_test(a_callback_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
