/* The parts of pictures: colours that the colour-blind tell apart, ticks and numbers, lines of text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot.h"
#include "support/testing.h"

static struct err err;

/* ---- colours ---- */

static double linear(double c)
{
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* CIE L*a*b* of linear RGB, D65. */
static void lab(double out[3], const double rgb[3])
{
    static const double m[3][3] = {{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}, white[3] = {0.9505, 1, 1.089};
    double f[3];
    for (int i = 0; i < 3; i++) {
        double t = (m[i][0] * rgb[0] + m[i][1] * rgb[1] + m[i][2] * rgb[2]) / white[i];
        f[i] = t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116;
    }
    out[0] = 116 * f[1] - 16;
    out[1] = 500 * (f[0] - f[1]);
    out[2] = 200 * (f[1] - f[2]);
}

/* As who lacks red or green cones sees it (Machado, Oliveira & Fernandes 2009, severity 1). */
static void seen(double out[3], struct rgb c, int who)
{
    static const double m[3][3][3] = {
        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
        {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
        {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}};
    double rgb[3] = {linear(c.r), linear(c.g), linear(c.b)}, turned[3];
    for (int i = 0; i < 3; i++)
        turned[i] = fmin(fmax(m[who][i][0] * rgb[0] + m[who][i][1] * rgb[1] + m[who][i][2] * rgb[2], 0), 1);
    lab(out, turned);
}

static double apart(struct rgb a, struct rgb b, int who)
{
    double x[3], y[3];
    seen(x, a, who);
    seen(y, b, who);
    return sqrt((x[0] - y[0]) * (x[0] - y[0]) + (x[1] - y[1]) * (x[1] - y[1]) + (x[2] - y[2]) * (x[2] - y[2]));
}

static void engines_are_told_apart(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++)
        for (int who = 0; who < 3; who++)
            for (size_t i = 0; i + 1 < engine_color_count; i++)
                for (size_t k = 0; k < i; k++) {
                    const struct engine_color *a = &engine_colors[i], *b = &engine_colors[k];
                    double d = apart(rgb_of(dark ? a->dark : a->light), rgb_of(dark ? b->dark : b->light), who);
                    if (d < 3 || (d < 15 && a->marker == b->marker))
                        fail_msg("%s and %s are %.1f apart (%s, sight %d)", a->engine, b->engine, d, dark ? "dark" : "light", who);
                }
}

static void colours_stand_out_from_the_paper(void **state)
{
    (void)state;
    for (int dark = 0; dark < 2; dark++)
        for (size_t i = 0; i < engine_color_count; i++) {
            double d = apart(rgb_of(dark ? engine_colors[i].dark : engine_colors[i].light), theme_of(dark)->paper, 0);
            if (d < 30)
                fail_msg("'%s' is %.1f from the %s paper", engine_colors[i].engine, d, dark ? "dark" : "light");
        }
}

static void an_engine_is_found_with_variant_and_address(void **state)
{
    (void)state;
    assert_string_equal(engine_color_find("native:ref")->engine, "native");
    assert_string_equal(engine_color_find("llamacpp@http://127.0.0.1:8003")->engine, "llamacpp");
    assert_string_equal(engine_color_find("vllm (2026-01-01)")->engine, "vllm");
    assert_string_equal(engine_color_find("natively")->engine, "");
    assert_string_equal(engine_color_find("nat")->engine, "");
    assert_string_equal(engine_color_find("")->engine, "");
}

/* ---- numbers and ticks ---- */

static void numbers_as_pictures_print_them(void **state)
{
    static const struct {
        double x;
        int digits;
        const char *wanted;
    } rows[] = {{0, 3, "0"},        {1.5, 2, "1.5"},      {1234, 4, "1234"},   {-0.25, 2, "−0.25"},     {12345, 3, "12.3k"},
                {2.5e7, 2, "25M"},  {3e10, 1, "30G"},     {1e15, 1, "1×10¹⁵"}, {0.00012, 2, "1.2×10⁻⁴"}, {0.5, 1, "0.5"},
                {NAN, 3, "–"},      {INFINITY, 3, "–"},   {99.96, 3, "100.0"}, {-1e-7, 1, "−1×10⁻⁷"},    {1e300, 2, "1.0×10³⁰⁰"}};
    char text[SCALE_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(plot_number(rows[i].x, rows[i].digits, text), rows[i].wanted);
}

/* Whatever the range: ticks within it, in order, a few of them, and no two labels alike. */
static void ticks_are_sensible(void **state)
{
    static const double ranges[][2] = {{0, 1},     {0, 1758},   {0.97, 1.03}, {1e-9, 3e-9}, {1, 1e12},     {128, 2048}, {-5, 5},
                                       {0, 1e9},   {5, 5},      {0, 0},       {1e-300, 1e300}, {99999, 100001}, {-3, -2},
                                       {0.02, 77}, {1000, 1e5}, {1e7, 1.1e7}, {12345678, 12345679}};
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        for (int kind = 0; kind < 8; kind++) {
            struct plot_axis axis = {.unit = kind & 4 ? "ms" : "", .log = kind & 1, .zero = kind & 2};
            struct scale s;
            char a[SCALE_TEXT_MAX], b[SCALE_TEXT_MAX];
            scale_make(&s, &axis, ranges[i][0], ranges[i][1], 400, 60);
            s.from = 0;
            s.to = 400;
            if (s.n_ticks < 1 || s.n_ticks > 12)
                fail_msg("%g to %g, kind %d: %zu ticks", ranges[i][0], ranges[i][1], kind, s.n_ticks);
            for (size_t k = 0; k < s.n_ticks; k++) {
                assert_true(s.ticks[k] >= s.lo - fabs(s.lo) * 1e-6 && s.ticks[k] <= s.hi + fabs(s.hi) * 1e-6);
                if (k > 0 && !(s.ticks[k] > s.ticks[k - 1]))
                    fail_msg("%g to %g: ticks out of order", ranges[i][0], ranges[i][1]);
                if (k > 0 && strcmp(scale_label(&s, k, a), scale_label(&s, k - 1, b)) == 0)
                    fail_msg("%g to %g, kind %d: two ticks are '%s'", ranges[i][0], ranges[i][1], kind, a);
            }
            double lo = scale_at(&s, ranges[i][0]), hi = scale_at(&s, ranges[i][1]);
            assert_true(lo >= 0 && hi <= 400 && lo <= hi);
        }
}

static void no_values_no_ticks(void **state)
{
    struct scale s;
    (void)state;
    scale_make(&s, &(struct plot_axis){.unit = "ms"}, INFINITY, -INFINITY, 400, 60);
    assert_int_equal(s.n_ticks, 0);
    assert_true(isfinite(scale_at(&s, 3)));
}

static void units_suit_the_values(void **state)
{
    struct scale s;
    char text[128];
    struct plot_axis ms = {.title = "prefill", .unit = "ms", .zero = true}, mb = {.title = "peak", .unit = "MB", .zero = true};
    (void)state;
    scale_make(&s, &ms, 0, 50000, 400, 60);
    assert_string_equal(scale_title(&s, &ms, text), "prefill (s)");
    scale_make(&s, &ms, 0, 0.05, 400, 60);
    assert_string_equal(scale_title(&s, &ms, text), "prefill (µs)");
    scale_make(&s, &mb, 0, 20480, 400, 60);
    assert_string_equal(scale_title(&s, &mb, text), "peak (GB)");
    assert_close(s.factor * 20480, 20, 1e-12, "a GB is 1024 MB");
}

/* ---- text ---- */

static void texts_are_fitted_and_wrapped(void **state)
{
    struct press *press = press_open(&err);
    struct scene s;
    struct text_style style = {.size = 10};
    const char *lines[4];
    (void)state;
    assert_non_null(press);
    scene_init(&s, press, theme_of(false), 640);
    assert_string_equal(scene_fit(&s, "short", style, 100), "short");
    const char *fitted = scene_fit(&s, "a-very-long-name-of-an-engine@host:8003", style, 100);
    assert_true(scene_width(&s, fitted, style) <= 100);
    assert_true(strncmp(fitted, "a-very", 6) == 0 && strcmp(fitted + strlen(fitted) - 3, "003") == 0);
    assert_string_equal(scene_fit(&s, "anything", style, 0), "…");
    size_t n = scene_wrap(&s, lines, 4, "one two three four five six seven eight nine ten", style, 80);
    assert_true(n >= 3);
    for (size_t i = 0; i < n; i++)
        assert_true(scene_width(&s, lines[i], style) <= 80 + 1e-9);
    n = scene_wrap(&s, lines, 2, "one two three four five six seven eight nine ten", style, 80);
    assert_int_equal(n, 2);
    assert_non_null(strstr(lines[1], "…"));
    n = scene_wrap(&s, lines, 4, "unbreakablewordthatislongerthantheline", style, 50);
    for (size_t i = 0; i < n; i++)
        assert_true(scene_width(&s, lines[i], style) <= 50 + 1e-9);
    scene_text(&s, 0, 20, "a\nb\tc\x01 \xFF \xE2\x80\xAEz", style);
    assert_string_equal(s.marks[0].text, "a↵b c· \xEF\xBF\xBD ·z");
    scene_release(&s);
    press_close(press);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_are_told_apart),         cmocka_unit_test(colours_stand_out_from_the_paper),
        cmocka_unit_test(an_engine_is_found_with_variant_and_address), cmocka_unit_test(numbers_as_pictures_print_them),
        cmocka_unit_test(ticks_are_sensible),             cmocka_unit_test(no_values_no_ticks),
        cmocka_unit_test(units_suit_the_values),          cmocka_unit_test(texts_are_fitted_and_wrapped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
