#include "report/plot_palette.h"

#include <math.h>
#include <string.h>

/* After Okabe & Ito (2008) and Tol's muted scheme (2021), moved apart in lightness where fourteen came too near. */
const struct engine_color engine_colors[] = {
    {"native", 0x0072B2, 0x56B4E9, MARKER_CIRCLE},
    {"llamacpp", 0xD55E00, 0xFF8A3D, MARKER_SQUARE},
    {"vllm", 0xE69F00, 0xF5C242, MARKER_UP},
    {"sglang", 0x009E73, 0x2FD0A0, MARKER_DIAMOND},
    {"transformers", 0x3B3B3B, 0xD8D8D8, MARKER_DOWN},
    {"pytorch", 0xCC79A7, 0xE8A0C8, MARKER_UP},
    {"tinygrad", 0x882255, 0xC4578E, MARKER_PLUS},
    {"lemonade", 0xA89A00, 0xF0E442, MARKER_CIRCLE},
    {"ollama", 0x56B4E9, 0x9AD4F5, MARKER_SQUARE},
    {"mlc", 0x332288, 0x9C8CFF, MARKER_UP},
    {"tensorrt", 0x117733, 0x5DBB6E, MARKER_DOWN},
    {"onnxruntime", 0xAA4499, 0xD681CA, MARKER_DIAMOND},
    {"openai", 0x44AA99, 0x7FD9CB, MARKER_PLUS},
    {"fake", 0x8C8C8C, 0x8C8C8C, MARKER_CROSS},
    {"", 0x7A5C3E, 0xC9A57E, MARKER_CIRCLE},
};
const size_t engine_color_count = sizeof engine_colors / sizeof engine_colors[0];

const struct engine_color *engine_color_find(const char *engine)
{
    size_t len = strcspn(engine, ":@ ");
    for (size_t i = 0; i + 1 < engine_color_count; i++)
        if (strlen(engine_colors[i].engine) == len && strncmp(engine_colors[i].engine, engine, len) == 0)
            return &engine_colors[i];
    return &engine_colors[engine_color_count - 1];
}

#define GREY(x) {(x) / 255.0, (x) / 255.0, (x) / 255.0, 1}

const struct theme *theme_of(bool dark)
{
    static const struct theme light = {false, GREY(255), GREY(26), GREY(96), GREY(128), GREY(232), GREY(242)};
    static const struct theme night = {true, GREY(24), GREY(236), GREY(166), GREY(128), GREY(52), GREY(40)};
    return dark ? &night : &light;
}

struct rgb rgb_of(unsigned hex)
{
    return (struct rgb){(hex >> 16 & 255) / 255.0, (hex >> 8 & 255) / 255.0, (hex & 255) / 255.0, 1};
}

struct rgb rgb_mix(struct rgb a, struct rgb b, double t)
{
    return (struct rgb){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t, a.a + (b.a - a.a) * t};
}

struct rgb rgb_alpha(struct rgb c, double a)
{
    c.a = a;
    return c;
}

struct rgb rgb_shade(struct rgb c, size_t n, const struct theme *theme)
{
    static const double toward[] = {0, 0.42, 0.68, 0.22, 0.55};
    return rgb_mix(c, theme->paper, toward[n % 5]);
}

struct rgb ramp_color(double t, const struct theme *theme)
{
    static const unsigned light[] = {0xF7FBFF, 0xDEEBF7, 0xC6DBEF, 0x9ECAE1, 0x6BAED6, 0x4292C6, 0x2171B5, 0x08519C, 0x08306B};
    static const unsigned night[] = {0x1E2226, 0x1D3247, 0x1B4468, 0x1A588B, 0x2A6FAB, 0x4A8BC4, 0x74A9D6, 0xA5CAE8, 0xD9EBF8};
    const unsigned *stops = theme->dark ? night : light;
    t = fmin(fmax(t, 0), 1) * 8;
    int low = (int)fmin(floor(t), 7);
    return rgb_mix(rgb_of(stops[low]), rgb_of(stops[low + 1]), t - low);
}

static double linear(double c)
{
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

struct rgb rgb_on(struct rgb c)
{
    double luminance = 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
    return luminance > 0.2 ? rgb_of(0x101010) : rgb_of(0xFFFFFF); /* either has a contrast of 4.2 or more */
}
