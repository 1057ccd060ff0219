# SPDX-License-Identifier: MIT
"""At the limit: the rows of bench_limits as shares of the ceilings, as tables of plain text."""

from dataclasses import dataclass

from . import formatting as fmt
from .analysis import gflops
from .loading import isa_rank

# (what it is called, what it is a share of, whether a shape belongs to it)
CASES = [
    ("d ≥ 64, k ≥ 256", "FMA peak", lambda d, k: d >= 64 and k >= 256),
    ("d ≥ 64, k = 100", "FMA peak", lambda d, k: d >= 64 and k == 100),
    ("d ≥ 64, k = 10", "FMA peak", lambda d, k: d >= 64 and k == 10),
    ("d = 16, k ≥ 256", "FMA peak", lambda d, k: d == 16 and k >= 256),
    ("d ≤ 8, k ≥ 16", "operation bound", lambda d, k: d <= 8 and k >= 16),
]


@dataclass
class Table:
    title: str
    header: list
    rows: list
    left: int = 1  # columns of text
    folded: bool = False


def dense(run):
    return [row for row in run.group("limit") if row.backend == "dense"]


def iterations(run):
    return [row for row in run.group("limit") if row.backend == "iteration"]


def small_fits(run):
    return [row for row in run.group("limit") if row.backend == "fit"]


def peak_share(analysis, row):
    """Of the peak that the report shows. Where several programs of a run measured one, that is the highest."""
    peak = analysis.peak(row)
    return gflops(row) / peak if peak and gflops(row) else row.counter("peak_share")


def bound_share(analysis, row):
    """Of the operation bound, d / (d + a) of the peak, where the row says a."""
    share, a = peak_share(analysis, row), row.counter("argmin_operations")
    return None if share is None or a is None else share * (row.d + a) / row.d


def bandwidth_share(analysis, row, seconds=None):
    """Of the read bandwidth that the report shows; `seconds`: of an iteration that took as long as this."""
    if row.group != "limit" or row.backend != "iteration" or not row.ok:
        return None
    bandwidth, rate = analysis.bandwidth(row), row.counter("bytes_per_second")
    if not bandwidth or not rate:
        return None
    return rate / 1e9 / bandwidth * (row.seconds / seconds if seconds else 1)


def tables(analysis):
    run = analysis.run
    found = [_summary(analysis, [row for row in dense(run) if row.ok]), _iterations(analysis, iterations(run)),
             _small_fits(small_fits(run)), _dense(analysis, dense(run))]
    return [table for table in found if table and table.rows]


def notes(analysis):
    run, lines = analysis.run, []
    if dense(run):
        operations = {row.isa: row.counter("argmin_operations") for row in dense(run) if row.counter("argmin_operations")}
        counts = ", ".join(f"{a:.3g} for {isa}" for isa, a in sorted(operations.items(), key=lambda item: isa_rank(item[0])))
        lines.append("A dense pass is the exhaustive assignment of samples that lie in the second-level cache, by the simd backend: "
                     "packing of the centroids, argmin and proof of the labels included. 2·n·k·d operations count.")
        if counts:
            lines.append("The operation bound is d / (d + a) of the FMA peak: a is what the argmin takes of the units that "
                         f"multiply and add, in multiply-adds a score ({counts}). A CPU that has other units for minima "
                         "(Zen 4 with 512 bits) may be above it.")
    if iterations(run):
        lines.append("A whole iteration is assignment and update of samples in memory, as the history of a fit has it: once no "
                     "label changes, and the first, in which all do. The samples count as read once, whatever is read.")
    return lines


def _percent_range(shares):
    low, high = fmt.percent(min(shares)), fmt.percent(max(shares))
    return low if low == high else f"{low.removesuffix(' %')}–{high}"


def _summary(analysis, rows):
    columns = sorted({(r.dtype, r.threads, r.isa) for r in rows}, key=lambda c: (c[0], c[1], isa_rank(c[2])))
    lines = []
    for case, of, belongs in CASES:
        share = bound_share if of == "operation bound" else peak_share
        cells = []
        for column in columns:
            found = [share(analysis, r) for r in rows if (r.dtype, r.threads, r.isa) == column and belongs(r.d, r.k)]
            found = [value for value in found if value is not None]
            cells.append(_percent_range(found) if found else "")
        if any(cells):
            lines.append([case, of, *cells])
    header = ["case", "share of the", *(f"{dtype}, {isa}, {fmt.threads(threads)}" for dtype, threads, isa in columns)]
    return Table("Dense passes, lowest and highest share", header, lines, left=2)


def _dense(analysis, rows):
    rows = sorted(rows, key=lambda r: (r.dtype, r.threads, isa_rank(r.isa), r.d, r.k))
    header = ["dtype", "isa", "threads", "d", "k", "n", "time", "spread", "GFLOP/s", "% of peak", "% of bound", "re-ranked"]
    lines = []
    for r in rows:
        start = [r.dtype, r.isa, str(r.threads), fmt.count(r.d), fmt.count(r.k), fmt.count(r.n)]
        lines.append(start + (["failed"] + [""] * 5 if not r.ok else [
            fmt.seconds(r.seconds), fmt.percent(r.spread), fmt.plain(gflops(r)), fmt.percent(peak_share(analysis, r)),
            fmt.percent(bound_share(analysis, r)), fmt.percent(r.counter("reranked_share"))]))
    return Table("Dense passes", header, lines, left=2, folded=True)


def _iterations(analysis, rows):
    header = ["dtype", "isa", "d", "k", "n", "threads", "time", "spread", "GB/s", "% of read bandwidth", "first iteration",
              "% of read bandwidth, first"]
    lines = []
    for r in sorted(rows, key=lambda r: (r.dtype, r.d, r.k, r.threads)):
        start = [r.dtype, r.isa, fmt.count(r.d), fmt.count(r.k), fmt.count(r.n), str(r.threads)]
        first = r.counter("first_iteration_seconds")
        lines.append(start + (["failed"] + [""] * 5 if not r.ok else [
            fmt.seconds(r.seconds), fmt.percent(r.spread), fmt.plain((r.counter("bytes_per_second") or 0) / 1e9 or None),
            fmt.percent(bandwidth_share(analysis, r)), fmt.seconds(first),
            fmt.percent(bandwidth_share(analysis, r, first)) if first else ""]))
    return Table("Whole iterations", header, lines, left=2)


def _small_fits(rows):
    header = ["dtype", "isa", "n", "d", "k", "iterations", "threads allowed", "time of a fit", "spread"]
    lines = []
    for r in rows:
        start = [r.dtype, r.isa, fmt.count(r.n), fmt.count(r.d), fmt.count(r.k), fmt.count(r.counter("n_iter")), str(r.threads)]
        lines.append(start + ([fmt.seconds(r.seconds), fmt.percent(r.spread)] if r.ok else ["failed", ""]))
    return Table("Whole fits of the size of the iris data, the call itself included", header, lines, left=2)
