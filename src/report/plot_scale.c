#include "report/plot_scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers ---- */

static const char *const superscripts[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};

static void put_power(char *text, size_t size, int power)
{
    char digits[16];
    size_t n = (size_t)snprintf(text, size, "10%s", power < 0 ? "⁻" : "");
    snprintf(digits, sizeof digits, "%d", power < 0 ? -power : power);
    for (const char *d = digits; *d && n < size; d++)
        n += (size_t)snprintf(text + n, size - n, "%s", superscripts[*d - '0']);
}

/* A plain decimal with the minus sign of print; "-0" is 0. */
static void put_decimal(char *text, size_t size, double x, int decimals, const char *suffix)
{
    char plain[32];
    snprintf(plain, sizeof plain, "%.*f", decimals < 12 ? decimals : 12, fmin(fabs(x), 1e15));
    bool zero = strspn(plain, "0.") == strlen(plain);
    snprintf(text, size, "%s%.24s%.2s", x < 0 && !zero ? "−" : "", plain, zero ? "" : suffix);
}

struct magnitude {
    double factor;
    const char *suffix;
};

static struct magnitude magnitude_of(double x)
{
    x = fabs(x);
    return x >= 1e13 || x < 1e4 ? (struct magnitude){1, ""}
           : x >= 1e10          ? (struct magnitude){1e9, "G"}
           : x >= 1e7           ? (struct magnitude){1e6, "M"}
                                : (struct magnitude){1e3, "k"};
}

static bool needs_power(double x)
{
    x = fabs(x);
    return x > 0 && (x < 0.9995e-3 || x >= 1e13);
}

static int power_of(double x)
{
    return (int)floor(log10(fabs(x)) + 1e-9);
}

const char *plot_number(double x, int digits, char text[SCALE_TEXT_MAX])
{
    if (!isfinite(x)) {
        snprintf(text, SCALE_TEXT_MAX, "–");
    } else if (x == 0) {
        snprintf(text, SCALE_TEXT_MAX, "0");
    } else if (needs_power(x)) {
        int power = power_of(x);
        char mantissa[SCALE_TEXT_MAX], ten[SCALE_TEXT_MAX];
        put_decimal(mantissa, sizeof mantissa, x / pow(10, power), digits > 1 ? digits - 1 : 0, "");
        put_power(ten, sizeof ten, power);
        snprintf(text, SCALE_TEXT_MAX, "%.10s×%.16s", mantissa, ten);
    } else {
        struct magnitude m = magnitude_of(x);
        int whole = power_of(x / m.factor) + 1;
        put_decimal(text, SCALE_TEXT_MAX, x / m.factor, digits > whole ? digits - whole : 0, m.suffix);
    }
    return text;
}

/* ---- units ---- */

static const struct {
    const char *unit;
    double from, below, factor; /* when the largest value lies there */
    const char *shown;
} units[] = {
    {"ms", 10000, INFINITY, 1e-3, "s"},  {"ms", 0, 0.1, 1e3, "µs"},         {"s", 0, 0.1, 1e3, "ms"},
    {"MB", 10240, INFINITY, 1.0 / 1024, "GB"}, {"GB/s", 0, 0.1, 1e3, "MB/s"}, {"GB/s", 10000, INFINITY, 1e-3, "TB/s"},
};

static void choose_unit(struct scale *s, const struct plot_axis *axis, double largest)
{
    s->factor = axis->percent ? 100 : 1;
    s->unit = axis->percent ? "%" : axis->unit ? axis->unit : "";
    for (size_t i = 0; i < sizeof units / sizeof units[0] && !axis->percent; i++)
        if (strcmp(units[i].unit, s->unit) == 0 && largest > 0 && largest >= units[i].from && largest < units[i].below) {
            s->factor = units[i].factor;
            s->unit = units[i].shown;
            return;
        }
}

/* ---- ticks ---- */

static double nice_step(double rough)
{
    double power = pow(10, floor(log10(rough))), share = rough / power;
    return (share <= 1.0001 ? 1 : share <= 2.0001 ? 2 : share <= 5.0001 ? 5 : 10) * power;
}

static void linear_ticks(struct scale *s, const struct plot_axis *axis, double most)
{
    double range = s->hi - s->lo;
    s->step = nice_step(range / fmax(most, 1));
    if (axis->whole && s->step < 1)
        s->step = 1;
    double first = ceil(s->lo / s->step - 1e-6);
    for (size_t i = 0; i < SCALE_TICKS_MAX; i++) {
        double tick = (first + (double)i) * s->step;
        if (tick > s->hi + range * 1e-6)
            break;
        s->ticks[s->n_ticks++] = tick == 0 ? 0 : tick;
    }
}

static void log_ticks(struct scale *s, double most)
{
    static const double fine[] = {1, 2, 3, 5, 7}, medium[] = {1, 2, 5}, coarse[] = {1};
    double decades = log10(s->hi) - log10(s->lo);
    const double *steps = decades * 5 <= most ? fine : decades * 3 <= most ? medium : coarse;
    size_t n = steps == fine ? 5 : steps == medium ? 3 : 1;
    int stride = (int)fmax(1, ceil(decades / fmax(most, 1)));
    s->step = 0;
    for (int power = power_of(s->lo); power <= power_of(s->hi) + 1; power++)
        for (size_t i = 0; i < n; i++) {
            double tick = steps[i] * pow(10, power);
            if ((power % stride + stride) % stride == 0 && tick >= s->lo * 0.999999 && tick <= s->hi * 1.000001 &&
                s->n_ticks < SCALE_TICKS_MAX)
                s->ticks[s->n_ticks++] = tick;
        }
}

static void given_ticks(struct scale *s, const struct plot_axis *axis)
{
    s->n_ticks = 0;
    s->given = true;
    for (size_t i = 0; i < axis->n_at && s->n_ticks < SCALE_TICKS_MAX; i++)
        s->ticks[s->n_ticks++] = axis->at[i] * s->factor;
}

static void make_ticks(struct scale *s, const struct plot_axis *axis, double most)
{
    if (axis->at) {
        given_ticks(s, axis);
        return;
    }
    if (s->log)
        log_ticks(s, most);
    if (s->n_ticks >= 2)
        return;
    s->n_ticks = 0; /* less than a decade: plain steps, at logarithmic places */
    linear_ticks(s, axis, most);
}

void scale_make(struct scale *s, const struct plot_axis *axis, double lo, double hi, double pixels, double spacing)
{
    *s = (struct scale){.lo = 0, .hi = 1, .factor = 1, .unit = axis->unit && !axis->percent ? axis->unit : ""};
    if (isfinite(axis->lo) && isfinite(axis->hi) && axis->lo < axis->hi) {
        lo = fmin(lo, axis->lo);
        hi = fmax(hi, axis->hi);
    }
    if (!(lo <= hi))
        return;
    choose_unit(s, axis, fmax(fabs(lo), fabs(hi)));
    s->log = axis->log && lo > 0;
    lo *= s->factor;
    hi *= s->factor;
    if (s->log) {
        double room = fmax(pow(10, fmin((log10(hi) - log10(lo)) * 0.05, 1)), 1.06); /* a decade at most */
        s->lo = lo / room;
        s->hi = hi * room;
        make_ticks(s, axis, pixels / spacing);
        return;
    }
    if (axis->zero) {
        lo = fmin(lo, 0);
        hi = fmax(hi, 0);
    }
    double range = hi - lo;
    if (range <= fabs(hi) * 1e-9)
        range = hi != 0 ? fabs(hi) * 0.2 : 1;
    double room = range * 0.05;
    bool at_zero = axis->zero || (lo >= 0 && lo - room < 0);
    s->lo = at_zero && lo >= 0 ? (axis->zero ? 0 : fmax(lo - room, 0)) : lo - room;
    s->hi = at_zero && hi <= 0 ? fmin(hi + room, 0) : hi + room;
    if (!(s->hi > s->lo)) /* all zero */
        s->hi = s->lo + range;
    if (axis->percent && hi <= 100)
        s->hi = fmin(s->hi, 103);
    make_ticks(s, axis, pixels / spacing);
}

double scale_at(const struct scale *s, double value)
{
    double v = fmin(fmax(value * s->factor, s->lo), s->hi);
    double t = s->log ? (log(v) - log(s->lo)) / (log(s->hi) - log(s->lo)) : (v - s->lo) / (s->hi - s->lo);
    return s->from + t * (s->to - s->from);
}

const char *scale_label(const struct scale *s, size_t tick, char text[SCALE_TEXT_MAX])
{
    double x = s->ticks[tick], largest = fmax(fabs(s->lo), fabs(s->hi));
    if (x == 0) {
        snprintf(text, SCALE_TEXT_MAX, "0");
    } else if (s->given) {
        snprintf(text, SCALE_TEXT_MAX, "%.6g", x);
    } else if (s->step == 0) {
        int power = power_of(x);
        if (needs_power(x) && fabs(x / pow(10, power) - 1) < 1e-6)
            put_power(text, SCALE_TEXT_MAX, power);
        else
            plot_number(x, 1, text);
    } else if (needs_power(largest)) {
        plot_number(x, power_of(x != 0 ? x : 1) - power_of(s->step) + 1, text);
    } else { /* all labels of an axis with the same decimals and the same suffix */
        struct magnitude m = magnitude_of(largest);
        int decimals = -power_of(s->step / m.factor);
        put_decimal(text, SCALE_TEXT_MAX, x / m.factor, decimals > 0 ? decimals : 0, m.suffix);
    }
    return text;
}

const char *scale_title(const struct scale *s, const struct plot_axis *axis, char text[128])
{
    const char *title = axis->title ? axis->title : "";
    if (axis->untitled)
        return strcpy(text, "");
    snprintf(text, 128, *s->unit ? "%.80s%s(%.32s)" : "%.80s", title, *title ? " " : "", s->unit);
    return text;
}
