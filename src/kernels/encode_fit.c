#include "kernels/encode_fit.h"

#include <math.h>
#include <string.h>

#include "kernels/halffloat.h"

/* Magnitudes below this are zero in float16 after any division by the largest integer: no scale can carry them. */
static const float TINY = 1e-20f;

static float clampf(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* Nearest integer, ties to even, for |x| < 2^22 (the callers clamp first): one addition, so that loops vectorise. */
static float nearest(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

/* float16 with the largest finite value instead of infinity. */
static float to_half(float x)
{
    return f16_to_f32(f16_from_f32(clampf(x, -65504.0f, 65504.0f)));
}

void fit_round(int n, const float *x, float scale, float offset, int lo, int hi, int8_t *q)
{
    float inverse = fabsf(scale) > 0 ? 1.0f / scale : 0;
    if (!(fabsf(inverse) < INFINITY))
        inverse = 0;
    for (int i = 0; i < n; i++)
        q[i] = (int8_t)nearest(clampf((x[i] - offset) * inverse, (float)lo, (float)hi));
}

/* Sums run in lanes that are added at the end: a fixed order, and one that a compiler can vectorise. */
enum { LANES = 8 };

static float total(const float lanes[LANES])
{
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* What integers chosen with one inverse scale can reach: the best scale for them is xl / ll, and the error is
 * sum(w x x) - xl^2 / ll, so the largest gain wins. */
struct symmetric_sums {
    float xl, ll;
};

static struct symmetric_sums symmetric_sums(int n, const float *x, const float *w, float inverse, int lo, int hi)
{
    float xl[LANES] = {0}, ll[LANES] = {0};
    for (int i = 0; i < n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            float l = nearest(clampf(x[i + k] * inverse, (float)lo, (float)hi));
            xl[k] += w[i + k] * x[i + k] * l;
            ll[k] += w[i + k] * l * l;
        }
    }
    return (struct symmetric_sums){total(xl), total(ll)};
}

static float gain(struct symmetric_sums s)
{
    return s.ll > 0 ? s.xl * s.xl / s.ll : 0;
}

float fit_symmetric(int n, const float *x, const float *w, int lo, int hi)
{
    float extreme = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(extreme))
            extreme = x[i];
    if (fabsf(extreme) < TINY)
        return 0;
    /* The extreme value goes near either end of the integers, up to a step and a half short of it or beyond: a few
     * values clipped may cost less than all rounded coarsely. */
    enum { STEPS = 12 };
    float best_gain = -1, best_scale = 0;
    struct symmetric_sums best = {0, 0};
    for (int end = 0; end < 2; end++) {
        for (int step = -STEPS; step <= STEPS; step++) {
            float inverse = ((float)(end ? hi : lo) + 0.125f * (float)step) / extreme;
            struct symmetric_sums s = symmetric_sums(n, x, w, inverse, lo, hi);
            if (gain(s) > best_gain) {
                best_gain = gain(s);
                best = s;
                best_scale = 1.0f / inverse;
            }
        }
    }
    for (int round = 0; round < 6 && best.ll > 0 && fabsf(best.xl) > 0; round++) {
        best_scale = best.xl / best.ll;
        struct symmetric_sums s = symmetric_sums(n, x, w, 1.0f / best_scale, lo, hi);
        if (!(gain(s) > best_gain))
            break;
        best_gain = gain(s);
        best = s;
    }
    return best_scale;
}

/* The least-squares scale and offset for the integers that one (inverse scale, offset) gives. */
struct affine {
    float scale, offset, error;
};

static struct affine affine_solve(int n, const float *x, const float *w, float inverse, float offset, int hi,
                                  bool negative_offset)
{
    float w_[LANES] = {0}, x_[LANES] = {0}, l_[LANES] = {0}, ll_[LANES] = {0}, xl_[LANES] = {0}, xx_[LANES] = {0};
    for (int i = 0; i < n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            float l = nearest(clampf((x[i + k] - offset) * inverse, 0, (float)hi));
            float wx = w[i + k] * x[i + k], wl = w[i + k] * l;
            w_[k] += w[i + k];
            x_[k] += wx;
            l_[k] += wl;
            ll_[k] += wl * l;
            xl_[k] += wx * l;
            xx_[k] += wx * x[i + k];
        }
    }
    float sw = total(w_), sx = total(x_), sl = total(l_), sll = total(ll_), sxl = total(xl_), sxx = total(xx_);
    struct affine a = {0, 0, 0};
    float det = sw * sll - sl * sl;
    if (det > 1e-12f * sw * sll) {
        a.scale = (sw * sxl - sx * sl) / det;
        a.offset = (sll * sx - sl * sxl) / det;
    } else {
        a.offset = sw > 0 ? sx / sw : 0;
    }
    if (negative_offset && a.offset > 0) {
        a.offset = 0;
        a.scale = sll > 0 ? sxl / sll : 0;
    }
    a.error = sxx + a.scale * a.scale * sll + a.offset * a.offset * sw - 2 * a.scale * sxl - 2 * a.offset * sx +
              2 * a.scale * a.offset * sl;
    return a;
}

void fit_affine(int n, const float *x, const float *w, int hi, bool negative_offset, float *scale, float *offset)
{
    float least = x[0], most = x[0];
    for (int i = 1; i < n; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    if (negative_offset && least > 0)
        least = 0;
    *scale = 0;
    *offset = least;
    if (most - least < TINY)
        return;
    enum { STEPS = 20 };
    struct affine best = {.error = INFINITY};
    for (int step = 0; step <= STEPS; step++) {
        /* the range may be a little narrower or wider than the values: up to one integer at its end */
        float inverse = ((float)hi - 1.0f + 0.1f * (float)step) / (most - least);
        struct affine a = affine_solve(n, x, w, inverse, least, hi, negative_offset);
        if (a.scale > 0 && a.error < best.error)
            best = a;
    }
    if (!(best.scale > 0)) {
        *scale = (most - least) / (float)hi;
        return;
    }
    for (int round = 0; round < 6; round++) {
        struct affine a = affine_solve(n, x, w, 1.0f / best.scale, best.offset, hi, negative_offset);
        if (!(a.scale > 0 && a.error < best.error))
            break;
        best = a;
    }
    *scale = best.scale;
    *offset = best.offset;
}

/* The error of a sub-block when its integers are chosen anew for this scale and offset. */
static float rounded_error(int n, const float *x, const float *w, float scale, float offset, int lo, int hi)
{
    float inverse = fabsf(scale) > 0 ? 1.0f / scale : 0;
    float error[LANES] = {0};
    for (int i = 0; i < n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            float l = nearest(clampf((x[i + k] - offset) * inverse, (float)lo, (float)hi));
            float d = x[i + k] - offset - scale * l;
            error[k] += w[i + k] * d * d;
        }
    }
    return total(error);
}

/* Given d: the scale of each sub-block, and its integers, that decode nearest. Returns the error. */
static float choose_symmetric(const float *x, const float *w, int len, int q_lo, int q_hi, int s_lo, int s_hi,
                              const float *wish, struct super_fit *f)
{
    float error = 0;
    for (int s = 0; s < SUPER / len; s++) {
        const float *xs = x + s * len, *ws = w + s * len;
        int near = (int)nearest(clampf(wish[s] / f->d, (float)s_lo, (float)s_hi));
        float best = INFINITY;
        for (int k = near - 1; k <= near + 1; k++) {
            if (k < s_lo || k > s_hi)
                continue;
            float e = rounded_error(len, xs, ws, f->d * (float)k, 0, q_lo, q_hi);
            if (e < best) {
                best = e;
                f->scale[s] = k;
            }
        }
        fit_round(len, xs, f->d * (float)f->scale[s], 0, q_lo, q_hi, f->q + s * len);
        error += best;
    }
    return error;
}

void fit_super_symmetric(const float *x, const float *w, int len, int q_lo, int q_hi, int s_lo, int s_hi,
                         struct super_fit *f)
{
    memset(f, 0, sizeof *f);
    float wish[SUBS_MAX], extreme = 0;
    for (int s = 0; s < SUPER / len; s++) {
        wish[s] = fit_symmetric(len, x + s * len, w + s * len, q_lo, q_hi);
        if (fabsf(wish[s]) > fabsf(extreme))
            extreme = wish[s];
    }
    f->d = to_half(extreme / (float)s_lo);
    if (!(fabsf(f->d) > 0))
        return;
    float error = choose_symmetric(x, w, len, q_lo, q_hi, s_lo, s_hi, wish, f);
    for (int round = 0; round < 3; round++) {
        /* with all integers fixed, the best d is a quotient of two sums */
        float xl = 0, ll = 0;
        for (int i = 0; i < SUPER; i++) {
            float l = (float)(f->scale[i / len] * f->q[i]);
            xl += w[i] * x[i] * l;
            ll += w[i] * l * l;
        }
        struct super_fit next = *f;
        next.d = ll > 0 ? to_half(xl / ll) : 0;
        if (!(fabsf(next.d) > 0) || next.d == f->d)
            return;
        float e = choose_symmetric(x, w, len, q_lo, q_hi, s_lo, s_hi, wish, &next);
        if (!(e < error))
            return;
        error = e;
        *f = next;
    }
}

static float choose_affine(const float *x, const float *w, int len, int q_hi, int s_hi, const float *wish,
                           const float *wish_min, struct super_fit *f)
{
    float error = 0;
    for (int s = 0; s < SUPER / len; s++) {
        const float *xs = x + s * len, *ws = w + s * len;
        int near = f->d > 0 ? (int)nearest(clampf(wish[s] / f->d, 0, (float)s_hi)) : 0;
        int near_min = f->dmin > 0 ? (int)nearest(clampf(wish_min[s] / f->dmin, 0, (float)s_hi)) : 0;
        float best = INFINITY;
        for (int k = near - 1; k <= near + 1; k++) {
            for (int m = near_min - 1; m <= near_min + 1; m++) {
                if (k < 0 || k > s_hi || m < 0 || m > s_hi)
                    continue;
                float e = rounded_error(len, xs, ws, f->d * (float)k, -f->dmin * (float)m, 0, q_hi);
                if (e < best) {
                    best = e;
                    f->scale[s] = k;
                    f->min[s] = m;
                }
            }
        }
        fit_round(len, xs, f->d * (float)f->scale[s], -f->dmin * (float)f->min[s], 0, q_hi, f->q + s * len);
        error += best;
    }
    return error;
}

void fit_super_affine(const float *x, const float *w, int len, int q_hi, int s_hi, struct super_fit *f)
{
    memset(f, 0, sizeof *f);
    float wish[SUBS_MAX], wish_min[SUBS_MAX], most = 0, most_min = 0;
    for (int s = 0; s < SUPER / len; s++) {
        float offset;
        fit_affine(len, x + s * len, w + s * len, q_hi, true, &wish[s], &offset);
        wish_min[s] = -offset;
        most = wish[s] > most ? wish[s] : most;
        most_min = wish_min[s] > most_min ? wish_min[s] : most_min;
    }
    f->d = to_half(most / (float)s_hi);
    f->dmin = to_half(most_min / (float)s_hi);
    float error = choose_affine(x, w, len, q_hi, s_hi, wish, wish_min, f);
    for (int round = 0; round < 3; round++) {
        /* with all integers fixed, d and dmin solve x ~ d a - dmin b */
        float aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
        for (int i = 0; i < SUPER; i++) {
            float a = (float)(f->scale[i / len] * f->q[i]), b = (float)f->min[i / len];
            aa += w[i] * a * a;
            ab += w[i] * a * b;
            bb += w[i] * b * b;
            xa += w[i] * x[i] * a;
            xb += w[i] * x[i] * b;
        }
        float det = aa * bb - ab * ab;
        if (!(det > 1e-6f * aa * bb))
            return;
        struct super_fit next = *f;
        next.d = to_half((xa * bb - xb * ab) / det);
        next.dmin = to_half((xa * ab - xb * aa) / det);
        if (!(next.d > 0) || next.dmin < 0 || (next.d == f->d && next.dmin == f->dmin))
            return;
        float e = choose_affine(x, w, len, q_hi, s_hi, wish, wish_min, &next);
        if (!(e < error))
            return;
        error = e;
        *f = next;
    }
}
