#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "support/testing.h"

static int64_t at_noon(void)
{
    return INT64_C(1769862896789); /* 2026-01-31T12:34:56.789Z */
}

#define NOON "2026-01-31T12:34:56.789Z"

struct rig {
    struct log log;
    char *text;
    size_t len;
};

static void begin(struct rig *r, enum log_level level, enum log_form form)
{
    struct err err = ERR_INIT;
    *r = (struct rig){0};
    FILE *out = open_memstream(&r->text, &r->len);
    assert_non_null(out);
    assert_ok(log_start(&r->log, out, level, form, &err));
    r->log.real_ms = at_noon;
}

static void end(struct rig *r, const char *expected)
{
    fclose(r->log.out);
    assert_string_equal(r->text, expected);
    free(r->text);
}

static void text_lines(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, LOG_LEVEL_INFO, LOG_FORM_TEXT);
    log_info(&r.log, "cell started", LOG_TEXT("cell", "ppl/llama"), LOG_INT("pid", 4711));
    log_error(&r.log, "no fields");
    log_warn(&r.log, "odd", LOG_TEXT("path", "a b=\"c\"\n"), LOG_TEXT("none", NULL), LOG_TEXT("empty", ""),
             LOG_NUMBER("rate", 0.1), LOG_NUMBER("nan", NAN), LOG_BOOL("ok", true));
    end(&r, NOON " info  cell started cell=ppl/llama pid=4711\n" NOON " error no fields\n" NOON
                 " warn  odd path=\"a b=\\\"c\\\"\\n\" none=null empty=\"\" rate=0.1 nan=null ok=true\n");
}

static void json_lines(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, LOG_LEVEL_DEBUG, LOG_FORM_JSON);
    log_debug(&r.log, "a \"b\"", LOG_TEXT("k", "x\ny"), LOG_INT("n", INT64_MIN), LOG_BOOL("no", false));
    log_info(&r.log, "alone");
    end(&r, "{\"time\":\"" NOON "\",\"level\":\"debug\",\"message\":\"a \\\"b\\\"\",\"k\":\"x\\ny\","
            "\"n\":-9223372036854775808,\"no\":false}\n"
            "{\"time\":\"" NOON "\",\"level\":\"info\",\"message\":\"alone\"}\n");
}

static void one_event_is_one_line(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, LOG_LEVEL_INFO, LOG_FORM_TEXT);
    log_info(&r.log, "two\nlines\x1b[2J\xff caf\xc3\xa9", LOG_TEXT("k", "\x1b[2J"));
    end(&r, NOON " info  two?lines?[2J? caf\xc3\xa9 k=\"\\u001b[2J\"\n");
}

static int64_t count(int *n)
{
    return ++*n;
}

static void below_the_level_nothing_is_evaluated(void **state)
{
    (void)state;
    struct rig r;
    int n = 0;
    begin(&r, LOG_LEVEL_WARN, LOG_FORM_TEXT);
    log_info(&r.log, "no", LOG_INT("n", count(&n)));
    log_debug(&r.log, "no", LOG_INT("n", count(&n)));
    log_info(NULL, "no", LOG_INT("n", count(&n)));
    log_error(NULL, "no", LOG_INT("n", count(&n)));
    assert_int_equal(n, 0);
    log_warn(&r.log, "yes", LOG_INT("n", count(&n)));
    end(&r, NOON " warn  yes n=1\n");
}

static void never_on_standard_output(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct log log;
    assert_err(log_start(&log, stdout, LOG_LEVEL_INFO, LOG_FORM_TEXT, &err), ERR_BUG, "standard output");
}

static void short_of_memory_it_still_speaks(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, LOG_LEVEL_INFO, LOG_FORM_JSON);
    mem_fail_after(0);
    log_info(&r.log, "lost");
    mem_fail_after(-1);
    end(&r, "{\"time\":\"" NOON "\",\"level\":\"info\",\"message\":\"an event was too large for the memory left\"}\n");
}

static void takes_the_progress_line_away_first(void **state)
{
    (void)state;
    struct rig r;
    struct progress p;
    begin(&r, LOG_LEVEL_INFO, LOG_FORM_TEXT);
    struct progress_style style = {.mode = PROGRESS_LIVE, .columns = 60};
    progress_start(&p, r.log.out, &style, "run", "cells", 0);
    r.log.progress = &p;
    progress_at(&p, 1);
    log_info(&r.log, "x");
    log_info(&r.log, "y");
    end(&r, "\rrun 1 cells\x1b[K\r\x1b[K" NOON " info  x\n" NOON " info  y\n");
}

static void knows_its_levels(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    enum log_level level;
    assert_ok(log_level_from_name(&level, "debug", &err));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_err(log_level_from_name(&level, "eror", &err), ERR_USAGE, "'eror'");
    assert_non_null(strstr(err.hint, "'error'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines),
        cmocka_unit_test(json_lines),
        cmocka_unit_test(one_event_is_one_line),
        cmocka_unit_test(below_the_level_nothing_is_evaluated),
        cmocka_unit_test(never_on_standard_output),
        cmocka_unit_test(short_of_memory_it_still_speaks),
        cmocka_unit_test(takes_the_progress_line_away_first),
        cmocka_unit_test(knows_its_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
