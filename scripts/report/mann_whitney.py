# SPDX-License-Identifier: MIT
"""The Mann-Whitney U test: do the times of one benchmark tend to be longer than those of another?

H. B. Mann and D. R. Whitney 1947, "On a test of whether one of two random variables is stochastically larger than the
other". Exact where no times tie and both sides are small, else the normal approximation with tie and continuity
corrections: what scipy.stats.mannwhitneyu does, without scipy."""

import functools
import math

EXACT_UP_TO = 40  # of the larger side


def u_test(old, new):
    """Two-sided p of the hypothesis that neither side tends to larger values."""
    n, m = len(old), len(new)
    if not n or not m:
        return 1.0
    u = sum((a > b) + (a == b) / 2 for a in old for b in new)
    u = max(u, n * m - u)
    pooled = sorted([*old, *new])
    ties = [pooled.count(value) for value in set(pooled)]
    if max(ties) == 1 and max(n, m) <= EXACT_UP_TO:
        total = math.comb(n + m, n)
        return min(1.0, 2 * sum(_arrangements(n, m, int(i)) for i in range(int(u), n * m + 1)) / total)
    size = n + m
    variance = n * m / 12 * ((size + 1) - sum(t**3 - t for t in ties) / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    z = (u - n * m / 2 - 0.5) / math.sqrt(variance)
    return min(1.0, math.erfc(z / math.sqrt(2)))


def least_p(n, m):
    """What u_test() says at least of n against m values, none of them alike."""
    return min(1.0, 2 / math.comb(n + m, n)) if n and m else 1.0


@functools.cache
def _arrangements(n, m, u):
    """In how many orders of n and m values U is u: the largest value is one of the n, above all m, or one of the m."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return _arrangements(n - 1, m, u - m) + _arrangements(n, m - 1, u)
