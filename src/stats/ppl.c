#include "stats/ppl.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/portable.h"
#include "stats/sample.h"
#include "stats/special.h"
#include "stats/student.h"

int perplexity_of(struct perplexity *out, const double *nll, const double *tokens, size_t blocks, double level,
                  struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(sample_check("perplexity", nll, blocks, 1, err));
    if (tokens)
        TRY(sample_check_positive("perplexity, tokens", tokens, blocks, 1, err));
    double n = (double)blocks, weight = tokens ? sample_sum(tokens, blocks) : n, sum = 0, squares = 0;
    for (size_t i = 0; i < blocks; i++)
        sum += (tokens ? tokens[i] : 1) * nll[i];
    struct perplexity r = {.nll = sum / weight, .se_nll = NAN, .lo = NAN, .hi = NAN, .se_ppl = NAN, .blocks = blocks};
    r.ppl = stats_exp(r.nll);
    if (blocks > 1) {
        for (size_t i = 0; i < blocks; i++) {
            double d = (tokens ? tokens[i] : 1) * (nll[i] - r.nll);
            squares += d * d;
        }
        r.se_nll = sqrt(squares * n / (n - 1)) / weight;
        double half = r.se_nll > 0 ? t_quantile((1 + level) / 2, n - 1) * r.se_nll : 0;
        r.lo = stats_exp(r.nll - half);
        r.hi = stats_exp(r.nll + half);
        r.se_ppl = r.ppl * r.se_nll;
    }
    *out = r;
    return 0;
}

int perplexity_change(struct perplexity_change *out, const double *nll_a, const double *nll_b, size_t blocks,
                      double level, struct err *err)
{
    TRY(sample_check("perplexity, side a", nll_a, blocks, 2, err));
    TRY(sample_check("perplexity, side b", nll_b, blocks, 2, err));
    double *d = mem_alloc(blocks, sizeof *d, err);
    if (!d)
        return -1;
    for (size_t i = 0; i < blocks; i++)
        d[i] = nll_b[i] - nll_a[i];
    struct t_test t;
    int rc = t_test_one(&t, d, blocks, 0, level, err);
    free(d);
    if (rc == 0)
        *out = (struct perplexity_change){stats_exp(t.estimate), stats_exp(t.ci.lo), stats_exp(t.ci.hi), t.p};
    return rc;
}
