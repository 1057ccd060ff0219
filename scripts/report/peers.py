# SPDX-License-Identifier: MIT
"""Libraries against libraries: what the rows of bench_peers say. No formatting here but the marks."""

import statistics
from dataclasses import dataclass

from .analysis import AUTO, geomean
from .mann_whitney import least_p, u_test

CELLS = ("peer", "map")  # 25 iterations from given centroids

# A letter beside a library, and what it means. The order is that of the letters in a cell.
MARKS = [
    ("e", "stopped before the iterations that were asked for", lambda row: flag(row, "stopped_early")),
    ("c", "cannot be given the centroids: it starts from its own", lambda row: flag(row, "own_start")),
    ("l", "is given the labels that the centroids imply, which spares it a pass", lambda row: flag(row, "start_by_labels")),
    ("i", "ends with an inertia that differs from naive's by more than 0.1 %", lambda row: row.counter("same_end") == 0),
    ("d", "computes in double", lambda row: flag(row, "float64")),
    ("n", "does not tell its iterations: taken to be those asked for", lambda row: row.counter("told_iterations") == 0),
    ("s", "looks at a random sample of the data alone (subsampled)", lambda row: (row.counter("used_share") or 1) < 1),
    ("≈", "is approximate: it does not look at all samples in every iteration", lambda row: row.exact is False),
]


def flag(row, name):
    return bool(row.counter(name))


def marks(row):
    return "".join(letter for letter, _, applies in MARKS if row.ok and applies(row))


def is_ours(row):
    """Rows that failed have no counters: libraries are those that the context names."""
    return flag(row, "ours")


def each(row):
    """Seconds of one iteration."""
    return row.counter("seconds_per_iteration")


@dataclass
class Cell:
    """One problem of bench_peers."""

    group: str
    problem: tuple
    auto: object  # the row of `auto`, or None
    libraries: list  # rows of other libraries, the failed ones too
    backends: list  # rows of ours

    @property
    def rivals(self):
        """Libraries that do what was asked: all samples in every iteration."""
        return [row for row in self.libraries if row.ok and row.exact is not False and each(row)]

    @property
    def best(self):
        return min(self.rivals, key=each, default=None)

    @property
    def lead(self):
        """How many times faster `auto` is than the best library, by the time of an iteration."""
        return each(self.best) / each(self.auto) if self.auto and each(self.auto) and self.best else None

    @property
    def row(self):
        return self.auto or (self.libraries + self.backends)[0]


def names(run):
    """Libraries in the order of the run."""
    known = {key.removeprefix("peer/") for key in run.context if key.startswith("peer/")}
    return list(dict.fromkeys(row.backend for row in run.group("peer", "map", "own", "curve")
                              if row.backend in known or (row.ok and not is_ours(row))))


def cells(run, *groups):
    libraries, found = set(names(run)), {}
    for row in run.group(*(groups or CELLS)):
        cell = found.setdefault((row.problem, row.threads), Cell(row.group, row.problem, None, [], []))
        if row.backend in libraries:
            cell.libraries.append(row)
        else:
            cell.backends.append(row)
            if row.backend == AUTO and row.ok:
                cell.auto = row
    return list(found.values())


@dataclass
class Lead:
    """`auto` against the best library of each cell."""

    geomean: float
    worst: float
    worst_cell: Cell
    count: int
    behind: int


def lead(run, *groups):
    measured = [cell for cell in cells(run, *groups) if cell.lead]
    if not measured:
        return None
    worst = min(measured, key=lambda cell: cell.lead)
    return Lead(geomean(cell.lead for cell in measured), worst.lead, worst, len(measured), sum(cell.lead < 1 for cell in measured))


def by_library(run, *groups):
    """{library: (geometric mean, lowest, cells)} of how many times longer its iteration takes than that of `auto`."""
    ratios = {}
    for cell in cells(run, *groups):
        for row in cell.libraries:
            if row.ok and each(row) and cell.auto and each(cell.auto):
                ratios.setdefault(row.backend, []).append(each(row) / each(cell.auto))
    return {name: (geomean(ratios[name]), min(ratios[name]), len(ratios[name])) for name in names(run) if name in ratios}


def about(run):
    """[(library, version, build, marks or why it was left out)]"""
    lines = []
    for key, value in run.context.items():
        if key.startswith("peer/"):
            # An adapter whose library is missing says so; earlier ones ended like this.
            if value == "left out: it died with exit code 1":
                value = "left out: not installed (its adapter ended at once, with exit code 1)"
            fields = [part.strip() for part in str(value).split(" | ")]
            lines.append((key.removeprefix("peer/"), *(fields + ["", ""])[:3]))
    return sorted(lines)


def curves(run):
    """{problem: {name: [(seconds, inertia)]}}: the prefixes of a fit, and the whole."""
    found = {}
    for row in run.group("curve"):
        if row.ok and row.counter("inertia") is not None:
            found.setdefault(row.problem[1:], {}).setdefault(row.backend, []).append((row.seconds, row.counter("inertia")))
    for row in run.group("peer"):
        points = found.get(row.problem[1:], {}).get(row.backend)
        if points and row.ok and row.counter("inertia") is not None:
            points.append((row.seconds, row.counter("inertia")))
    return {problem: {name: sorted(points) for name, points in lines.items()} for problem, lines in found.items()}


@dataclass
class Loss:
    kind: str
    row: object  # of `auto`
    other: object
    times: float  # how many times better the other is
    p: float | None = None  # of its being chance; None: another library's, or too few repetitions to tell


def beside_ours(run):
    """[(row of `auto`, rows of our other exact backends)] of every problem that both did whole fits of."""
    groups = {}
    for row in run.group("fit", "peer", "map"):
        groups.setdefault((row.problem, row.threads), []).append(row)
    found = []
    for rows in groups.values():
        auto = next((row for row in rows if row.backend == AUTO and row.ok), None)
        ours = [row for row in rows if row.ok and row.exact and row.backend != AUTO and (row.group == "fit" or is_ours(row))]
        if auto and ours:
            found.append((auto, ours))
    return found


CERTAIN = 0.05


def _chance(row, other, choices=1):
    """p of two rows of ours, whose repetitions alternate, `other` the fastest of so many (Bonferroni); None if it cannot be below CERTAIN."""
    if choices * least_p(len(row.times), len(other.times)) >= CERTAIN:
        return None
    return min(1.0, choices * u_test(row.times, other.times))


def losses(analysis):
    """Where something else is better than `auto`, worst first, by kind."""
    run, found = analysis.run, []
    for cell in cells(run):
        if cell.auto is None or not each(cell.auto):
            continue
        for row in cell.rivals:
            if each(row) < each(cell.auto):
                found.append(Loss("library", cell.auto, row, each(cell.auto) / each(row)))
        for row in cell.rivals:
            ours, theirs = cell.auto.counter("memory_bytes"), row.counter("memory_bytes")
            # Less than a mebibyte apart is noise of the allocator.
            if cell.group == "peer" and ours is not None and theirs is not None and ours - theirs > 2**20:
                found.append(Loss("memory", cell.auto, row, ours / max(theirs, 2**20)))
    for cell in cells(run, "own"):
        for row in cell.libraries:
            if not cell.auto or not row.ok:
                continue
            ours, theirs = cell.auto.counter("inertia"), row.counter("inertia")
            if row.seconds < cell.auto.seconds and theirs <= 1.001 * ours:
                found.append(Loss("defaults", cell.auto, row, cell.auto.seconds / row.seconds))
            # Whatever time it took, and however it works.
            if theirs < ours * (1 - 1e-3):
                found.append(Loss("inertia", cell.auto, row, ours / theirs if theirs > 0 else float("inf")))
    for auto, ours in beside_ours(run):
        best = min(ours, key=lambda row: row.seconds)
        if auto.seconds > 1.1 * best.seconds:
            found.append(Loss("backend", auto, best, auto.seconds / best.seconds, _chance(auto, best, len(ours))))
        simd = next((row for row in ours if row.backend == "simd"), None)
        if simd and auto.seconds > 1.05 * simd.seconds:
            found.append(Loss("simd", auto, simd, auto.seconds / simd.seconds, _chance(auto, simd)))
    return sorted(found, key=lambda loss: -loss.times)


def winners(analysis, *groups):
    """{(n, d, k): the exact backend of ours, without `auto`, that takes the least time} over the maps of blobs."""
    best = {}
    for row in analysis.run.group(*(groups or ("map",))):
        if row.ok and is_ours(row) and row.exact and row.backend != AUTO:
            at = (row.n, row.d, row.k)
            if at not in best or row.seconds < best[at].seconds:
                best[at] = row
    return best


def spread_note(run):
    spreads = [row.spread for row in run.group(*CELLS) if row.ok and row.spread is not None]
    return statistics.median(spreads) if spreads else None
