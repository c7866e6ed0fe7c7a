#!/usr/bin/env python3
"""Writes tests/stats/methods.json: results of other implementations (scipy, numpy, brute force from the definition) for
the statistics that stat_vectors.json does not cover, or covers with a single case.

    pip install scipy==1.17.1 numpy==2.4.6
    python tools/stats_methods.py
"""
import json
import math
import os

import numpy as np
import scipy
from scipy import integrate, special
from scipy import stats as st

rng = np.random.default_rng(20260101)
cases = []


def case(f, want, **given):
    cases.append({"f": f, **given, "want": want})


def arr(x):
    return [float(v) for v in x]


for m, n, ties in [(4, 5, 0), (9, 14, 0), (30, 40, 0), (60, 70, 0), (12, 12, 1), (80, 50, 1), (3, 2, 0)]:
    a, b = rng.normal(size=m), rng.normal(0.4, 1.5, n)
    if ties:
        a, b = np.round(2 * a), np.round(2 * b)
    exact = not ties and m * n <= 2500
    method = "exact" if exact else "asymptotic"
    p = {alt: st.mannwhitneyu(a, b, alternative=alt, method=method).pvalue for alt in ("two-sided", "less", "greater")}
    u = st.mannwhitneyu(a, b, method=method).statistic
    d = np.sort((b[:, None] - a[None, :]).ravel())
    case("mann_whitney", {"u_a": float(u), "p": p["two-sided"], "p_less": p["less"], "p_more": p["greater"],
                          "shift": float(np.median(d))}, a=arr(a), b=arr(b), exact=exact)

for n, ties in [(5, 0), (17, 0), (50, 0), (80, 0), (25, 1), (60, 1)]:
    d = rng.normal(0.3, 1, n)
    if ties:
        d = np.round(2 * d)
    exact = not ties and n <= 50
    kw = {"method": "exact"} if exact else {"method": "approx", "correction": True}
    p = {alt: st.wilcoxon(d, zero_method="wilcox", alternative=alt, **kw).pvalue
         for alt in ("two-sided", "less", "greater")}
    walsh = [0.5 * (d[i] + d[j]) for i in range(n) for j in range(i, n)]
    case("wilcoxon", {"p": p["two-sided"], "p_less": p["less"], "p_more": p["greater"],
                      "centre": float(np.median(walsh))}, d=arr(d), exact=exact)

for n, rounding in [(6, 9), (20, 9), (200, 9), (50, 0), (200, 0)]:
    x = rng.normal(size=n)
    y = 0.5 * x + rng.normal(size=n)
    x, y = np.round(x, rounding), np.round(y, rounding)
    case("correlation", {"pearson": st.pearsonr(x, y).statistic, "spearman": st.spearmanr(x, y).statistic,
                         "kendall": st.kendalltau(x, y).statistic}, x=arr(x), y=arr(y))

for n1, n2 in [(8, 9), (40, 25)]:
    t1, t2 = rng.integers(1, 30, n1), rng.integers(1, 40, n2)
    e1, e2 = rng.random(n1) < 0.7, rng.random(n2) < 0.5
    c1 = st.CensoredData.right_censored(t1, ~e1)
    c2 = st.CensoredData.right_censored(t2, ~e2)
    lr = st.logrank(c1, c2)
    sf = st.ecdf(c1).sf
    at = [0, 3, 7.5, 12, 20, 29]
    case("survival", {"z_abs": abs(lr.statistic), "p": lr.pvalue, "share": [float(v) for v in sf.evaluate(at)]},
         t1=arr(t1), e1=arr(e1), t2=arr(t2), e2=arr(e2), at=at)

for n in [2, 9, 40]:
    x, y = rng.normal(10, 1, n), rng.normal(10.5, 3, n + 3)
    w = st.ttest_ind(x, y, equal_var=False)
    lo, hi = w.confidence_interval(0.9)
    one = st.ttest_1samp(x, 9.5)
    m, s = x.mean(), x.std(ddof=1) / math.sqrt(n)
    tost = max(st.t.sf((m - 9) / s, n - 1), st.t.cdf((m - 11) / s, n - 1))
    case("t", {"t": w.statistic, "df": w.df, "p": w.pvalue, "lo": lo, "hi": hi, "one_t": one.statistic,
               "one_p": one.pvalue, "tost": tost}, x=arr(x), y=arr(y))

for n in [3, 10, 150]:
    p, q = rng.dirichlet(np.ones(n) * 0.5), rng.dirichlet(np.ones(n) * 0.5)
    p, q = np.maximum(p, 1e-12), np.maximum(q, 1e-12)
    p, q = p / p.sum(), q / q.sum()
    mid = 0.5 * (p + q)
    la, lb = np.log(p) * 1.0 + 3, np.log(q) - 2
    la, lb = la.astype(np.float32), lb.astype(np.float32)
    pa, pb = special.softmax(la.astype(np.float64)), special.softmax(lb.astype(np.float64))
    centred = la.astype(np.float64) - lb
    centred -= centred.mean()
    case("divergence", {"kl": st.entropy(p, q), "js": 0.5 * st.entropy(p, mid) + 0.5 * st.entropy(q, mid),
                        "tvd": 0.5 * np.abs(p - q).sum(), "logit_kl": st.entropy(pa, pb),
                        "logit_js": 0.5 * st.entropy(pa, (pa + pb) / 2) + 0.5 * st.entropy(pb, (pa + pb) / 2),
                        "logit_tvd": 0.5 * np.abs(pa - pb).sum(),
                        "logit_rmse": math.sqrt((centred ** 2).mean()), "logit_max": np.abs(centred).max(),
                        "same_top": bool(la.argmax() == lb.argmax())}, p=arr(p), q=arr(q), la=arr(la), lb=arr(lb))

for n in [1, 7, 40]:
    p = rng.random(n) ** 3
    case("multiplicity", {"bh": arr(st.false_discovery_control(p, method="bh")),
                          "by": arr(st.false_discovery_control(p, method="by"))}, p=arr(p))

for k in [2, 5, 9]:
    a, b = rng.multinomial(300, rng.dirichlet(np.ones(k) * 5)), rng.multinomial(200, np.ones(k) / k)
    a, b = a + 10, b + 10
    c = st.chi2_contingency([a, b], correction=False)
    g = st.chi2_contingency([a, b], correction=False, lambda_="log-likelihood")
    case("chi2", {"chi2": c.statistic, "p": c.pvalue, "g": g.statistic, "p_g": g.pvalue}, a=arr(a), b=arr(b))


def ljung_box(x, h):
    n, d = len(x), x - x.mean()
    r = [float((d[:-k] * d[k:]).sum() / (d * d).sum()) for k in range(1, h + 1)]
    q = n * (n + 2) * sum(v * v / (n - k) for k, v in enumerate(r, 1))
    return r, q, st.chi2.sf(q, h)


def best_partition(x, penalty):
    """Every set of changes tried by the plain O(n^2) recursion, no pruning."""
    n, d = len(x), np.diff(x)
    sigma = np.median(np.abs(d - np.median(d))) / (math.sqrt(2) * 0.67448975019608171)
    y = (x - x.mean()) / sigma
    best, back = [-penalty], [0]
    for t in range(1, n + 1):
        cost, s = min((best[s] + ((y[s:t] - y[s:t].mean()) ** 2).sum() + penalty, s) for s in range(t))
        best.append(cost)
        back.append(s)
    changes, t = [], back[n]
    while t > 0:
        changes.append(t)
        t = back[t]
    return sorted(changes)


for steps in [[0], [3, 0], [0, 4, 0, 2], [8, 2, 0]]:
    x = np.concatenate([rng.normal(s, 1, 40) for s in steps])
    r, q, p = ljung_box(x, 5)
    case("series", {"rho": r, "q": q, "p": p, "changes": best_partition(x, 3 * math.log(len(x)))}, x=arr(x))

for n, q in [(1, 0.5), (2, 0.5), (11, 0.9), (100, 0.99), (53, 0.0), (53, 1.0), (250, 0.123)]:
    x = rng.lognormal(size=n)
    case("quantile", {"value": float(np.quantile(x, q))}, x=arr(x), q=q)

for n, persistence in [(1, 0.9), (10, 0.9), (10, 0.5)]:
    a = rng.permutation(2 * n)[:n]
    b = rng.permutation(2 * n)[:n]
    part = [len(set(a[:d].tolist()) & set(b[:d].tolist())) / d for d in range(1, n + 1)]
    total = (1 - persistence) / persistence * sum(persistence ** d * part[d - 1] for d in range(1, n + 1))
    case("rbo", {"value": total + persistence ** n * part[-1]}, a=arr(a), b=arr(b), persistence=persistence)

blocks = rng.normal(2.3, 0.2, 12)
tokens = rng.integers(50, 500, 12)
mean = float((blocks * tokens).sum() / tokens.sum())
case("perplexity", {"nll": mean, "ppl": math.exp(mean),
                    "se": math.sqrt(12 / 11 * ((tokens * (blocks - mean)) ** 2).sum()) / float(tokens.sum())},
     nll=arr(blocks), tokens=arr(tokens))


def pocock_size(looks, z):
    """Chance that a standard normal random walk crosses +-z sqrt(k) at one of the looks, by recursive integration."""
    grid = np.linspace(-z, z, 401)
    h, density = grid[1] - grid[0], st.norm.pdf(grid)
    for k in range(2, looks + 1):
        half = z * math.sqrt(k)
        new = np.linspace(-half, half, 401)
        kernel = st.norm.pdf(new[:, None] - grid[None, :])
        density = integrate.simpson(kernel * density[None, :], dx=h, axis=1)
        grid, h = new, new[1] - new[0]
    return 1 - integrate.simpson(density, dx=h)


for looks in range(2, 11):
    lo, hi = 1.9, 2.9
    for _ in range(34):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if pocock_size(looks, mid) > 0.05 else (lo, mid)
    case("pocock", {"level": 2 * st.norm.sf(lo)}, looks=looks)


def plain(v):
    if isinstance(v, dict):
        return {k: plain(w) for k, w in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(w) for w in v]
    if isinstance(v, (bool, np.bool_)):
        return bool(v)
    if isinstance(v, (int, str)):
        return v
    assert math.isfinite(float(v)), v
    return float(v)


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "stats", "methods.json")
with open(path, "w", encoding="ascii") as f:
    f.write('{"generated_with": "tools/stats_methods.py, scipy %s, numpy %s",\n"cases": [\n'
            % (scipy.__version__, np.__version__))
    f.write(",\n".join(json.dumps(plain(c)) for c in cases))
    f.write("\n]}\n")
