/* The progress line with a clock that the test turns and a stream in memory. */
#include "base/progress.h"

#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

static int64_t turn(void *arg)
{
    return *(int64_t *)arg;
}

struct rig {
    int64_t now;
    char *text;
    size_t len;
    FILE *out;
    struct progress p;
};

static void begin(struct rig *r, enum progress_mode mode, int columns, const char *label, uint64_t total)
{
    *r = (struct rig){.now = 5000};
    r->out = open_memstream(&r->text, &r->len);
    struct progress_style style = {.mode = mode, .columns = columns, .now = turn, .now_arg = &r->now};
    progress_start(&r->p, r->out, &style, label, "tokens", total);
}

static void end(struct rig *r)
{
    fclose(r->out);
    free(r->text);
}

static int drawings(const struct rig *r)
{
    int n = 0;
    for (size_t i = 0; i < r->len; i++)
        n += r->text[i] == '\r';
    return n;
}

/* What the last drawing shows, without its control characters. */
static const char *shown(struct rig *r, char line[512])
{
    fflush(r->out);
    size_t at = r->len;
    while (at > 0 && r->text[at - 1] != '\r')
        at--;
    const char *stop = strstr(r->text + at, "\x1b[K");
    assert_non_null(stop);
    snprintf(line, 512, "%.*s", (int)(stop - r->text - at), r->text + at);
    return line;
}

enum { MS = 1000000 };

static void shows_bar_share_rate_and_time_left(void **state)
{
    (void)state;
    struct rig r;
    char line[512];
    begin(&r, PROGRESS_LIVE, 80, "prefill", 1000);
    for (int i = 0; i <= 50; i++) { /* 10 tokens each 100 ms */
        progress_at(&r.p, (uint64_t)i * 10);
        r.now += 100 * MS;
    }
    r.now -= 100 * MS;
    assert_string_equal(shown(&r, line), "prefill [####################....................] 50%  100 tokens/s  0:05 left");
    progress_finish(&r.p);
    assert_int_equal(strcmp(r.text + r.len - 4, "\r\x1b[K"), 0);
    size_t len = r.len;
    progress_at(&r.p, 1000); /* over is over */
    fflush(r.out);
    assert_int_equal(r.len, len);
    end(&r);
}

static void draws_at_most_ten_times_a_second(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_LIVE, 80, "x", 100000);
    for (int i = 0; i < 10000; i++) { /* one second */
        progress_at(&r.p, (uint64_t)i);
        r.now += MS / 10;
    }
    fflush(r.out);
    assert_int_equal(drawings(&r), 10);
    end(&r);
}

static void promises_nothing_before_enough_is_known(void **state)
{
    (void)state;
    struct rig r;
    char line[512];
    begin(&r, PROGRESS_LIVE, 80, "x", 100);
    progress_at(&r.p, 0);
    r.now += 600 * MS;
    progress_at(&r.p, 1);
    r.now += 600 * MS;
    progress_at(&r.p, 2); /* long enough, but only two steps */
    assert_null(strstr(shown(&r, line), "left"));
    assert_true(progress_rate(&r.p) < 0 && progress_left(&r.p) < 0);
    r.now += 800 * MS;
    progress_at(&r.p, 3);
    assert_close(progress_rate(&r.p), 1.5, 1e-12, "rate");
    assert_close(progress_left(&r.p), 97 / 1.5, 1e-12, "left");
    assert_non_null(strstr(shown(&r, line), "1:05 left"));
    end(&r);

    begin(&r, PROGRESS_LIVE, 80, "x", 100); /* many steps, but all within a blink */
    for (int i = 0; i < 90; i++) {
        progress_at(&r.p, (uint64_t)i);
        r.now += 10 * MS;
    }
    assert_true(progress_left(&r.p) < 0);
    end(&r);
}

static void rate_follows_the_last_seconds_and_falls_when_stuck(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_LIVE, 80, "x", 1000000);
    uint64_t done = 0;
    for (int i = 0; i < 300; i++, r.now += 100 * MS) /* 30 s at 1000 a second, */
        progress_at(&r.p, done += 100);
    for (int i = 0; i < 200; i++, r.now += 100 * MS) /* then 20 s at 10 */
        progress_at(&r.p, done += 1);
    r.now -= 100 * MS;
    assert_close(progress_rate(&r.p), 10, 1e-9, "rate of the window");
    r.now += 200 * MS;
    double soon = progress_rate(&r.p);
    r.now += INT64_C(60000) * MS;
    assert_true(progress_rate(&r.p) < soon / 5);
    assert_true(progress_left(&r.p) > (1000000 - (double)done) / 10);
    end(&r);
}

static void slow_steps_have_a_rate_too(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_LIVE, 80, "cells", 10);
    for (uint64_t i = 0; i <= 5; i++, r.now += INT64_C(20000) * MS)
        progress_at(&r.p, i);
    r.now -= INT64_C(20000) * MS;
    assert_close(progress_left(&r.p), 100, 1e-9, "left");
    r.now += INT64_C(15000) * MS; /* the step under way is nearly done: the time left runs on meanwhile */
    assert_close(progress_left(&r.p), 85, 1e-9, "left");
    end(&r);
}

static void beginning_again_forgets(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_LIVE, 80, "x", 100);
    for (uint64_t i = 0; i < 50; i++, r.now += 1000 * MS)
        progress_at(&r.p, i);
    progress_at(&r.p, 0);
    assert_true(progress_rate(&r.p) < 0);
    end(&r);
}

static void fits_any_width(void **state)
{
    (void)state;
    char line[512];
    for (int columns = 1; columns <= 400; columns++) {
        struct rig r;
        begin(&r, PROGRESS_LIVE, columns, "quantize model.gguf", 4000000);
        for (uint64_t i = 0; i < 40; i++, r.now += 200 * MS)
            progress_at(&r.p, i * 1234567 / 40);
        assert_true((int)strlen(shown(&r, line)) < columns);
        if (columns > 6)
            assert_non_null(strstr(line, "30%"));
        end(&r);
    }
}

static void label_is_shown_safely(void **state)
{
    (void)state;
    struct rig r;
    char line[512];
    begin(&r, PROGRESS_LIVE, 80, "caf\xc3\xa9\x1b[2J\n\xff", 0);
    progress_at(&r.p, 12345);
    assert_string_equal(shown(&r, line), "caf??[2J?? 12.3k tokens");
    end(&r);
    begin(&r, PROGRESS_LIVE, 80, "caf\xc3\xa9\xc2\x9b", 0);
    r.p.style.utf8 = true;
    progress_at(&r.p, 999);
    assert_string_equal(shown(&r, line), "caf\xc3\xa9? 999 tokens");
    end(&r);
}

static void clears_and_comes_back(void **state)
{
    (void)state;
    struct rig r;
    char line[512];
    begin(&r, PROGRESS_LIVE, 40, "x", 3);
    progress_clear(&r.p); /* nothing drawn yet: nothing to erase */
    fflush(r.out);
    assert_int_equal(r.len, 0);
    progress_at(&r.p, 1);
    progress_clear(&r.p);
    fputs("warning\n", r.out);
    r.now += 100 * MS;
    progress_at(&r.p, 2);
    assert_non_null(strstr(r.text, "\r\x1b[Kwarning\n\rx ["));
    assert_non_null(strstr(shown(&r, line), "66%"));
    end(&r);
}

static void hundred_percent_means_finished(void **state)
{
    (void)state;
    struct rig r;
    char line[512];
    begin(&r, PROGRESS_LIVE, 40, "x", 100000);
    progress_at(&r.p, 99999);
    assert_non_null(strstr(shown(&r, line), " 99%"));
    r.now += 100 * MS;
    progress_at(&r.p, 100000);
    assert_non_null(strstr(shown(&r, line), " 100%"));
    end(&r);
}

static void lines_are_few_and_whole(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_LINES, 80, "prefill", 1000);
    for (uint64_t i = 0; i < 250; i++, r.now += 100 * MS)
        progress_at(&r.p, i);
    progress_finish(&r.p);
    assert_string_equal(r.text, "prefill: 10%  10 tokens/s  1:30 left\n"
                                "prefill: 20%  10 tokens/s  1:20 left\n"
                                "prefill: 249 tokens in 25.0 s\n");
    end(&r);
}

static void silent_when_off_or_not_a_terminal(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_OFF, 80, "x", 10);
    for (uint64_t i = 0; i < 10; i++, r.now += 1000 * MS)
        progress_at(&r.p, i);
    progress_clear(&r.p);
    progress_finish(&r.p);
    fflush(r.out);
    assert_int_equal(r.len, 0);
    end(&r);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(progress_style_of(file, false, false).mode, PROGRESS_OFF);
    assert_int_equal(progress_style_of(file, false, true).mode, PROGRESS_LINES);
    assert_int_equal(progress_style_of(file, true, true).mode, PROGRESS_OFF);
    fclose(file);
}

/* Lines under it are clipped as it is, the cursor is back on the first, and all go together. */
static void lines_below_come_and_go_with_it(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, PROGRESS_LIVE, 20, "run", 10);
    progress_below(&r.p, "a\nlonger than twenty columns\n");
    assert_true(progress_due(&r.p));
    progress_at(&r.p, 1);
    fflush(r.out);
    const char *below = "\x1b[K\n\ra\x1b[K\n\rlonger than twenty \x1b[K\x1b[J\x1b[2A\r";
    assert_int_equal(strcmp(r.text + r.len - strlen(below), below), 0);
    assert_false(progress_due(&r.p));
    progress_clear(&r.p);
    assert_int_equal(strcmp(r.text + r.len - 4, "\r\x1b[J"), 0);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_bar_share_rate_and_time_left),
        cmocka_unit_test(draws_at_most_ten_times_a_second),
        cmocka_unit_test(promises_nothing_before_enough_is_known),
        cmocka_unit_test(rate_follows_the_last_seconds_and_falls_when_stuck),
        cmocka_unit_test(slow_steps_have_a_rate_too),
        cmocka_unit_test(beginning_again_forgets),
        cmocka_unit_test(fits_any_width),
        cmocka_unit_test(label_is_shown_safely),
        cmocka_unit_test(clears_and_comes_back),
        cmocka_unit_test(lines_below_come_and_go_with_it),
        cmocka_unit_test(hundred_percent_means_finished),
        cmocka_unit_test(lines_are_few_and_whole),
        cmocka_unit_test(silent_when_off_or_not_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
