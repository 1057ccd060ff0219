# SPDX-License-Identifier: MIT
"""What the figures mean: speed-ups, geometric means, shares of the ceilings. No formatting here."""

import math
import statistics
from dataclasses import dataclass

BASELINES = ("naive", "textbook", "simd")
AUTO = "auto"
FASTEST = "fastest exact"


@dataclass
class Headline:
    """How much faster `contender` is than `baseline` over the problems where both were measured."""

    contender: str
    baseline: str
    threads: int
    geomean: float
    worst: float
    worst_row: object
    count: int


def geomean(values):
    values = list(values)
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


class Analysis:
    def __init__(self, run):
        self.run = run
        self._by_problem = {}
        for row in run.rows:
            self._by_problem.setdefault(row.problem, []).append(row)
        self._peaks = run.peaks()
        self._bandwidths = run.bandwidths()

    def thread_counts(self, *groups):
        return sorted({row.threads for row in self.run.group(*(groups or ("fit", "assign")))})

    def baseline(self, row, name):
        """The row of backend `name` on the same problem: same thread count, else one thread, else None."""
        found = {r.threads: r for r in self._by_problem[row.problem] if r.backend == name and r.ok}
        return found.get(row.threads) or found.get(1)

    def speedup(self, row, name):
        """Times faster than backend `name`; None where either is missing or failed.

        The ratio of whole times where both did the same number of iterations, else of the times of an iteration
        (an inexact baseline may stop earlier or later)."""
        if not row.ok:
            return None
        base = self.baseline(row, name)
        return None if base is None else ratio(base, row)

    def peak(self, row):
        """Measured FMA peak, in GFLOP/s, for the row's instruction set, type and thread count; None if unknown."""
        return self._peaks.get((row.isa, row.dtype, row.threads))

    def bandwidth(self, row):
        return self._bandwidths.get(row.threads)

    def peak_share(self, row):
        share = row.counter("peak_share")
        if share is None and row.counter("GFLOPs") is not None and self.peak(row):
            share = gflops(row) / self.peak(row)
        return share

    def intensity(self, row):
        """Arithmetic intensity in FLOP/byte: from the measured traffic if the row has it, else of one pass that reads
        the samples and centroids once and writes the labels."""
        if row.counter("bytes_per_second") and gflops(row):
            return gflops(row) * 1e9 / row.counter("bytes_per_second")
        size = {"f32": 4, "f64": 8}.get(row.dtype)
        if size is None or row.n is None:
            return None
        return 2 * row.n * row.k * row.d / (size * (row.n * row.d + row.k * row.d) + 4 * row.n)

    def headlines(self, group="fit"):
        """Headline figures for `fastest exact` and `auto`, by thread count and baseline; empty ones are left out."""
        found = []
        for threads in self.thread_counts(group):
            chosen = self._contenders(group, threads)
            for contender, rows in chosen.items():
                for name in BASELINES:
                    pairs = [(self.speedup(row, name), row) for row in rows]
                    pairs = [(value, row) for value, row in pairs if value]
                    if pairs:
                        worst, worst_row = min(pairs, key=lambda p: p[0])
                        found.append(Headline(contender, name, threads, geomean(v for v, _ in pairs), worst, worst_row,
                                              len(pairs)))
        return found

    def _contenders(self, group, threads):
        fastest, auto = [], []
        for problem, rows in self._by_problem.items():
            rows = [r for r in rows if r.ok and r.threads == threads]
            if problem[0] != group or not rows:
                continue
            exact = [r for r in rows if r.exact and r.backend != AUTO]
            if exact:
                fastest.append(min(exact, key=lambda r: r.seconds))
            auto += [r for r in rows if r.backend == AUTO]
        return {FASTEST: fastest, AUTO: auto}

    def summary(self, group, name, by):
        """{by(row): {(backend, threads): (geometric mean speed-up over `name`, count)}}, in the order of the file."""
        values = {}
        for row in self.run.group(group):
            value = self.speedup(row, name)
            if value:
                values.setdefault(by(row), {}).setdefault((row.backend, row.threads), []).append(value)
        return {key: {b: (geomean(v), len(v)) for b, v in inner.items()} for key, inner in values.items()}

    def thread_scaling(self, dtype, group="fit"):
        """{backend: {threads: geometric mean of time(1 thread) / time(threads)}}, over problems measured at both."""
        values = {}
        for row in self.run.group(group):
            if not row.ok or row.dtype != dtype:
                continue
            one = [r for r in self._by_problem[row.problem] if r.backend == row.backend and r.threads == 1 and r.ok]
            if one:
                values.setdefault(row.backend, {}).setdefault(row.threads, []).append(ratio(one[0], row))
        return {b: {t: geomean(v) for t, v in sorted(inner.items())} for b, inner in values.items() if len(inner) > 1}

    def sweep(self, axis, group="fit"):
        """The slice that varies `axis` ("n", "d" or "k") over the most sizes, all else fixed:
        (fixed {name: value}, {backend: [(size, seconds)]}), or None if nothing varies. Each backend is shown at the
        largest thread count that it has in the slice."""
        others = [a for a in ("dataset", "dtype", "n", "d", "k") if a != axis]
        slices = {}
        for row in self.run.group(group):
            if row.ok:
                slices.setdefault(tuple(getattr(row, a) for a in others), []).append(row)
        best, score = None, (1, 0)
        for key, rows in slices.items():
            sizes = len({getattr(r, axis) for r in rows})
            if sizes > 1 and (sizes, len(rows)) > score:
                best, score = (key, rows), (sizes, len(rows))
        if best is None:
            return None
        key, rows = best
        lines = {}
        for backend in self.run.backends(group):
            mine = [r for r in rows if r.backend == backend]
            most = max((r.threads for r in mine), default=0)
            points = sorted((getattr(r, axis), r.seconds) for r in mine if r.threads == most)
            if points:
                lines[backend] = (most, points)
        return dict(zip(others, key)), lines


def ratio(base, row):
    """base's time over row's: see Analysis.speedup."""
    ours, theirs = iterations(row), iterations(base)
    if ours is not None and theirs is not None and ours != theirs:
        each, base_each = row.counter("seconds_per_iteration"), base.counter("seconds_per_iteration")
        if each and base_each:
            return base_each / each
    return base.seconds / row.seconds if row.seconds else None


def iterations(row):
    for name in ("n_iter", "fit_iterations"):
        if row.counter(name) is not None:
            return row.counter(name)
    return None


def gflops(row):
    return row.counter("GFLOPs")


def distances_saved(row):
    """Share of the n*k distances of each iteration that were not computed; None if the file does not say."""
    share = row.counter("distances_share")
    return None if share is None else 1.0 - share
