#!/usr/bin/env python3
"""Writes tests/stats/special.json: values of distribution functions from scipy, and the bits of portable.c's log, exp
and lgamma and of whole bootstraps from the same operations carried out here (Python's floats are IEEE doubles, without fused operations).

    pip install scipy==1.17.1 numpy==2.4.6
    python tools/stats_special.py
"""
import json
import math
import os

import scipy
from scipy import special as sp
from scipy import stats as st

LN2_HI, LN2_LO = 6.93147180369123816490e-01, 1.90821492927058770002e-10


def log(x):
    m, e = math.frexp(x)
    if m < 0.70710678118654752440:
        m *= 2
        e -= 1
    s = (m - 1) / (m + 1)
    s2 = s * s
    total = 0.0
    for k in range(23, 2, -2):
        total = (total + 1.0 / k) * s2
    return e * LN2_HI + ((2 * s + 2 * s * total) + e * LN2_LO)


def exp(x):
    k = math.floor(x * 1.44269504088896340736 + 0.5)
    hi, lo = x - k * LN2_HI, k * LN2_LO
    r = hi - lo
    total = 0.0
    for i in range(14, 1, -1):
        total = total * r + 1.0 / math.factorial(i)
    small = (hi - r) - lo
    return math.ldexp(1 + (r + (r * r * total + small)), k)


def lgamma(x):
    shift = 1.0
    while x < 12:
        shift *= x
        x += 1
    c = [1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156]
    r2 = 1 / (x * x)
    total = 0.0
    for v in reversed(c):
        total = total * r2 + v
    return (x - 0.5) * log(x) - x + 0.91893853320467274178 + total / x - log(shift)


rows, bits = [], []


def add(name, y, *x):
    y = float(y)
    assert math.isfinite(y)
    rows.append({"f": name, "x": [float(v) for v in x], "y": y})


zs = [-8.5, -5.1, -2.5, -1.0, -0.3, -1e-5, 0.0, 0.01, 0.7, 1.0, 1.96, 3.3, 6.0, 12.0, 30.0]
ps = [1e-12, 1e-6, 0.001, 0.0158, 0.025, 0.1, 0.3, 0.5, 0.7, 0.8, 0.975, 0.995, 0.9995]
for z in zs:
    add("norm_cdf", sp.ndtr(z), z)
    add("norm_sf", sp.ndtr(-z), z)
for p in ps:
    if p != 0.5:
        add("norm_quantile", sp.ndtri(p), p)
for df in [1, 2, 3.7, 9, 29, 100, 2500.5]:
    for t in [-40.0, -6.0, -2.1, -0.5, 0.0, 0.001, 1.0, 2.262, 9.929, 60.0]:
        add("t_cdf", st.t.cdf(t, df), t, df)
        add("t_sf", st.t.sf(t, df), t, df)
    for p in [1e-6, 0.01, 0.025, 0.2, 0.4, 0.6, 0.9, 0.975, 0.9995]:
        add("t_quantile", st.t.ppf(p, df), p, df)
for df in [1, 2, 4, 11, 50, 333, 10000]:
    for x in [0.01, 0.5, 0.9, 1.0, 1.3, 2.5]:
        y = st.chi2.sf(x * df, df)
        if y > 1e-290:
            add("chi2_sf", y, x * df, df)
for a, b in [(0.5, 0.5), (2.5, 4), (8, 3), (1, 20), (300, 700), (51, 950), (20000, 1000)]:
    for x in [0.001, 0.05, 0.3, 0.5, 0.71, 0.95, 0.999]:
        y = sp.betainc(a, b, x)
        if 1e-200 < y:
            add("beta_cdf", y, x, a, b)
    for p in [1e-4, 0.025, 0.5, 0.975]:
        add("beta_quantile", sp.betaincinv(a, b, p), p, a, b)
for n, q in [(1, 0.5), (10, 0.5), (20, 0.1), (100, 0.9), (1000, 0.99), (5000, 0.05), (1000000, 0.5)]:
    for part in [0.0, 0.02, 0.3, 0.5, 0.9, 0.989, 0.999, 1.0]:
        k = round(part * n)
        for name, y in (("binom_pmf", st.binom.pmf(k, n, q)), ("binom_cdf", st.binom.cdf(k, n, q))):
            if y > 1e-200:
                add(name, y, k, n, q)
for x in [5e-324, 1e-300, 1e-5, 0.1, 0.5, 0.70710678, 0.999999, 1.0000001, 1.5, 2.0, 3.14159, 1e10, 1.7e308]:
    add("log", math.log(x), x)
    bits.append({"f": "log", "x": [x], "hex": log(x).hex()})
for x in [-700.0, -37.3, -1.0, -0.5, -1e-9, 1e-12, 0.3, 0.34657, 0.69314, 1.0, 2.5, 10.1, 88.8, 709.0]:
    add("exp", math.exp(x), x)
    bits.append({"f": "exp", "x": [x], "hex": exp(x).hex()})
for x in [1e-8, 0.5, 1.0, 1.5, 2.0, 3.3, 7.0, 11.999, 12.0, 100.5, 1e6, 1e12]:
    add("lgamma", math.lgamma(x), x)
    bits.append({"f": "lgamma", "x": [x], "hex": lgamma(x).hex()})


def splitmix64(seed):
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def mean(x):
    total = 0.0
    for v in x:  # not sum(): Python 3.12 compensates it
        total += v
    return min(max(total / len(x), min(x)), max(x))


def quantile(x, q):
    x = sorted(x)
    h = (len(x) - 1) * q
    i = int(h)
    if i + 1 >= len(x):
        return x[-1]
    return x[i] if h == i else x[i] + (h - i) * (x[i + 1] - x[i])


def bootstrap(x, statistic, block):
    """Ends of the 95 % percentile interval; 300 resamples, seed 7; circular blocks, of 1 where they are independent."""
    draw = splitmix64(7)
    replicates = []
    for _ in range(300):
        to = []
        while len(to) < len(x):
            at = int((next(draw) >> 11) * 2.0 ** -53 * len(x))
            to += [x[(at + k) % len(x)] for k in range(block)]
        replicates.append(statistic(to[:len(x)]))
    lo = (1 - 0.95) / 2
    return quantile(replicates, lo), quantile(replicates, 1 - lo)


times = [12.1, 11.8, 12.5, 12.0, 11.9, 12.3, 13.9, 12.2, 12.0, 12.4, 0.1]
others = [10.3, 11.1, 9.7, 10.9, 10.1, 12.7, 11.3, 10.7, 9.9, 10.3, 0.3]
for name, x, statistic, block in [
        ("bootstrap_mean", times, mean, 1), ("bootstrap_median", times, lambda v: quantile(v, 0.5), 1),
        ("bootstrap_blocks", times, mean, 4),
        ("bootstrap_ratio", [log(a / b) for a, b in zip(times, others)], lambda v: exp(mean(v)), 1)]:
    given = times + others if name == "bootstrap_ratio" else x
    for end, v in zip(("lo", "hi"), bootstrap(x, statistic, block)):
        bits.append({"f": name + "_" + end, "x": given, "hex": v.hex()})

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "stats", "special.json")
with open(path, "w", encoding="ascii") as f:
    f.write('{"generated_with": "tools/stats_special.py, scipy %s", "tolerance": 2e-12,\n"rows": [\n' % scipy.__version__)
    f.write(",\n".join(json.dumps(r) for r in rows))
    f.write('\n],\n"bits": [\n')
    f.write(",\n".join(json.dumps(r) for r in bits))
    f.write("\n]}\n")
