# SPDX-License-Identifier: MIT
"""Libraries against libraries as Markdown: the tables of results/README.md, losses.md, and the headline of the README."""

from . import formatting as fmt
from . import peers
from .peers import each

CHANCE = ("p is how likely times lie so by chance where neither is faster (Mann-Whitney U test over the repetitions, which alternate at random); "
          "too few: of so few repetitions it cannot be below 0.05.")
APART = "Spread: how far the repetitions lie apart, the larger figure of the two. auto's own: what `auto` itself ended with."
KINDS = [
    ("library", "Another library's iteration takes less time than ours",
     "Up to 25 iterations from the same centroids, all samples in every one; time of an iteration. All are asked for as many iterations as "
     "the fit has until it is at rest; a library marked n does not tell how many it did and counts as having done them."),
    ("defaults", "With its own defaults another library is done sooner, and not worse by more than 0.1 %",
     "Own seeding, stopping rule and limit of iterations."),
    ("inertia", "With its own defaults another library ends with a lower inertia",
     "Own seeding, stopping rule and limit of iterations, one start; whatever time it took, approximate ones included. Inertia found by us, in double: "
     "where only seedings differ this is luck of the draw, either way."),
    ("backend", "`auto` is more than 10 % behind one of our own backends", f"Whole fits, of up to 25 iterations. {CHANCE} It is multiplied by "
     f"the number of backends of which the fastest was picked. {APART}"),
    ("simd", "`auto` is more than 5 % behind `simd`", f"Whole fits, of up to 25 iterations. {CHANCE} {APART}"),
    ("memory", "Another library needs less memory", "Resident memory on top of the samples at its peak; a mebibyte or more apart; less than one counts as one."),
]


def table(header, rows, left=1):
    rule = [":---" if i < left else "---:" for i in range(len(header))]
    return ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
            for line in (header, rule, *rows)] + [""]


def _how_sure(row):
    """What a reader must know of a figure that few repetitions, far apart, stand behind."""
    if row.repetitions < 2 or (row.spread or 0) <= 0.3:
        return ""
    return f" (the {row.repetitions} repetitions of {row.backend} lie {fmt.percent(row.spread)} apart)"


def headline(run):
    """Sentences on `auto` against the best library of each cell; empty without such rows."""
    found = peers.lead(run, "peer")
    if found is None:
        return []
    # As in the lead itself: who approximates is no rival.
    def rival(row):
        return row.ok and row.exact is not False

    libraries = [name for name in peers.names(run) if any(rival(row) for row in run.group("peer") if row.backend == name)]
    worst = found.worst_cell
    took_part = [sum(1 for row in cell.libraries if rival(row) and row.backend in libraries) for cell in peers.cells(run, "peer") if cell.lead]
    a_problem = f"{min(took_part)} to {max(took_part)} a problem" if min(took_part) < max(took_part) else "all on every problem"
    measured_on = ", ".join(filter(None, (fmt.threads(worst.row.threads), fmt.machine(run))))
    lines = [f"**{fmt.times(found.geomean)}** faster than the best of {len(libraries)} implementations in other libraries ({a_problem}), in geometric "
             f"mean over {found.count} problems (25 iterations from the same centroids, {measured_on}); "
             f"**{fmt.times(found.worst)}** in the worst: {fmt.problem(worst.row)}, against {worst.best.backend}{_how_sure(worst.row)}."]
    maps = peers.lead(run, "map")
    if maps:
        lines.append(f"On a grid of {maps.count} small sizes: {fmt.times(maps.geomean)}, {fmt.times(maps.worst)} in the worst "
                     f"({fmt.problem(maps.worst_cell.row)}, against {maps.worst_cell.best.backend}).")
    return lines


def sections(analysis):
    """The part of results/README.md that is about other libraries."""
    run = analysis.run
    if not run.group("peer", "map", "own"):
        return []
    lines = ["## Libraries against libraries", ""]
    lines += [line + "\n" for line in headline(run)]
    lines += ["Problem by problem, and how it was measured: [libraries.md](libraries.md). Where we are behind: [losses.md](losses.md).", ""]
    ratios = peers.by_library(run, "peer")
    if ratios:
        lines += ["How many times longer its iteration takes than that of `auto`:", ""]
        lines += table(["library", "geometric mean", "at least", "problems"],
                       [[name, fmt.times(mean), fmt.times(low), str(count)] for name, (mean, low, count) in ratios.items()])
    return lines + _maps("How many times faster `auto` is than the best library", _leads(run)) + _about(run)


def libraries_page(analysis):
    """libraries.md: every problem of bench_peers, with the libraries alone; empty without such rows."""
    run = analysis.run
    if not run.group("peer", "map", "own"):
        return []
    lines = ["# Libraries against libraries", ""] + _legend(run)
    for cell in peers.cells(run, "peer"):
        lines += _cell(cell)
    return lines + _defaults(run)


def _legend(run):
    rows = [row for row in run.group("peer", "map", "own") if row.ok]
    lines = ["- The same float32 bytes, first centroids, iterations (25, fewer where the fit is at rest sooner; tol = 0) and threads for all; each library in a process of its own, "
             "warmed up by an iteration (of a part of the samples, where it takes long); repetitions interleaved, medians, one alone where it takes long. The time is that of the library's own call; conversion of the samples "
             "is apart. The inertia is found by us, in double.",
             "- GFLOP/s counts 2·n·k·d operations an iteration, whether they are done or proved needless: who skips distances can be above the peak.",
             "- Memory is what is resident on top of the samples at its peak, copies of the samples included."]
    lines += [f"- {letter}: {text}." for letter, text, applies in peers.MARKS if any(applies(row) for row in rows)]
    return lines + [""]


def _cell(cell):
    rows = sorted((row for row in cell.libraries if row.ok), key=lambda row: each(row) or row.seconds)
    rows = ([cell.auto] if cell.auto else []) + rows
    lines = ["<details>", f"<summary>{fmt.problem(cell.row)}: "
             + (f"{fmt.times(cell.lead)} the best, {cell.best.backend}" if cell.lead else "no comparison") + "</summary>", ""]
    base = each(cell.auto) if cell.auto else None
    lines += table(["library", "marks", "an iteration", "× auto", "time", "spread", "iterations", "GFLOP/s", "inertia / naive's", "memory", "conversion"], [
        [f"**{row.backend}** (ours)" if row is cell.auto else row.backend, peers.marks(row), fmt.seconds(each(row)),
         fmt.times(each(row) / base if base and each(row) else None), fmt.seconds(row.seconds), fmt.percent(row.spread),
         fmt.count(row.counter("n_iter")), fmt.plain(row.counter("GFLOPs")), _ratio(row), fmt.size(row.counter("memory_bytes")),
         fmt.seconds(row.counter("conversion_seconds"))] for row in rows], left=2)
    left_out = [row for row in cell.libraries if not row.ok]
    if left_out:
        lines += ["Left out: " + "; ".join(f"{row.backend} ({row.error.removeprefix('skipped: ')})" for row in left_out) + ".", ""]
    return lines + ["</details>", ""]


def _ratio(row):
    ratio = row.counter("inertia_ratio")
    return "" if ratio is None else "same bits" if peers.flag(row, "same_bits") else f"{ratio:.6f}"


def _defaults(run):
    found = peers.cells(run, "own")
    if not found:
        return []
    lines = ["## With everybody's own defaults", "", "Own seeding, stopping rule and limit of iterations; one start. Inertia as a multiple of the lowest.", ""]
    for cell in found:
        rows = sorted((row for row in cell.libraries + ([cell.auto] if cell.auto else []) if row.ok), key=lambda row: row.seconds)
        if not rows:
            continue
        least = min(row.counter("inertia") for row in rows) or 1
        lines += ["<details>", f"<summary>{fmt.problem(cell.row)}</summary>", ""]
        lines += table(["library", "marks", "time", "spread", "inertia", "iterations", "memory"], [
            [row.backend, "".join(mark for mark in peers.marks(row) if mark in "ds≈"), fmt.seconds(row.seconds), fmt.percent(row.spread),
             f"{row.counter('inertia') / least:.4f}", fmt.count(row.counter("n_iter")), fmt.size(row.counter("memory_bytes"))] for row in rows], left=2)
        lines += ["</details>", ""]
    return lines


def _maps(title, values):
    lines = []
    for axis, fixed, across, grid in grids(values):
        name = {"d": "features", "n": "samples"}[axis]
        lines += [f"{title}, blobs, {fixed}, by {name} (down) and clusters (across):", ""]
        lines += table([axis, *(f"k {k}" for k in across)], [[fmt.count(size), *cells] for size, cells in grid])
    return lines


def _winner(analysis):
    return {at: row.backend for at, row in peers.winners(analysis).items()}


def _leads(run):
    return {(cell.row.n, cell.row.d, cell.row.k): f"{fmt.times(cell.lead)} {cell.best.backend}" for cell in peers.cells(run, "map") if cell.lead}


def grids(values):
    """[(down, "n 10 000", ks, [(size, texts)])] of {(n, d, k): text}: over (d, k) for each n and over (n, k) for each d with two or more."""
    found = []
    for down, fixed_axis, at, fixed_at in (("d", "n", 1, 0), ("n", "d", 0, 1)):
        for fixed in sorted({key[fixed_at] for key in values}):
            mine = {(key[at], key[2]): text for key, text in values.items() if key[fixed_at] == fixed}
            sizes, ks = sorted({size for size, _ in mine}), sorted({k for _, k in mine})
            if len(sizes) > 1 and len(ks) > 1:
                found.append((down, f"{fixed_axis} {fmt.count(fixed)}", ks, [(size, [mine.get((size, k), "") for k in ks]) for size in sizes]))
    return found


def ours(analysis):
    """The same problems by our own backends."""
    found = [cell for cell in peers.cells(analysis.run, "peer") if any(row.ok for row in cell.backends)]
    if not found:
        return []
    lines = ["## Algorithms inside our code, on the same problems", "", "The same fits by each of our backends, bit for bit the same result where exact; "
             "never mixed with the tables above.", ""]
    for cell in found:
        rows = sorted((row for row in cell.backends if row.ok), key=lambda row: row.seconds)
        lines += ["<details>", f"<summary>{fmt.problem(cell.row)}: {rows[0].backend} first</summary>", ""]
        lines += table(["backend", "marks", "time", "spread", "an iteration", "iterations", "GFLOP/s", "inertia / naive's", "memory"], [
            [row.backend, "≈" if row.exact is False else "", fmt.seconds(row.seconds), fmt.percent(row.spread), fmt.seconds(each(row)),
             fmt.count(row.counter("n_iter")), fmt.plain(row.counter("GFLOPs")), _ratio(row), fmt.size(row.counter("memory_bytes"))]
            for row in rows], left=2) + ["</details>", ""]
    return lines + _maps("Which exact backend of ours is the fastest (`auto` not counted)", _winner(analysis))


def _about(run):
    rows = [[name, version or why, build] for name, version, build, why in peers.about(run)]
    return ["### Versions", ""] + table(["library", "version", "build"], rows, left=3) if rows else []


def _better(loss):
    """The other's name, marked where `auto` ended with that backend, too."""
    return f"{loss.other.backend} (auto's own)" if loss.row.ran == loss.other.backend else loss.other.backend


def _spread(loss):
    """How far the repetitions of the two lie apart, the larger figure."""
    known = [row.spread for row in (loss.row, loss.other) if row.spread is not None]
    return fmt.percent(max(known)) if known else ""


def _how_likely(loss):
    return "too few" if loss.p is None else f"{loss.p:.2g}"


def auto_beside_ours(analysis):
    """Lines on `auto` against our other exact backends: how often it is behind, and how often that is hardly chance."""
    count = len(peers.beside_ours(analysis.run))
    if not count:
        return []
    found = peers.losses(analysis)

    def behind(kind):
        mine = [loss.p for loss in found if loss.kind == kind]
        known = [p for p in mine if p is not None]
        certain = sum(p < peers.CERTAIN for p in known)
        if not mine:
            return f"0 of {count}"
        chance = f"p < {peers.CERTAIN} in {certain} of the {len(known)} with enough repetitions to tell" if known else \
            "of too few repetitions to tell chance"
        return f"{len(mine)} of {count} ({chance})"

    return [f"Whole fits in which `auto` is more than 10 % behind the fastest of our other exact backends: {behind('backend')}; more than 5 % behind "
            f"`simd`: {behind('simd')}. Row by row: [losses.md](losses.md).", ""]


def losses_page(analysis, source):
    """losses.md: where we are behind, generated like everything else."""
    found = peers.losses(analysis)
    compared = any(cell.libraries for cell in peers.cells(analysis.run, "peer", "own", "map"))
    nowhere = {ours: "Nowhere in this run." if ours or compared else "Not known: no other library was measured (`scripts/bench.sh --peers` does)."
               for ours in (True, False)}
    lines = [f"<!-- Generated from {source} by scripts/report.py; changes are lost. -->", "# Where we lose", "",
             f"Found in `{source}` by comparing every problem that both were measured on; nothing is added by hand. Libraries that "
             "approximate do not count, nor do runs that a limit of time left out: the tables name them. "
             "The figure is how many times better the other is.", "",
             "Measured in: fit, our backends alone, whole fits; peer, beside other libraries from given centroids; map, the same on small sizes; own, "
             "with everybody's own defaults. Marks of a library: " + "; ".join(f"{letter}, {text}" for letter, text, _ in peers.MARKS) + ".", ""]
    for kind, title, how in KINDS:
        mine = [loss for loss in found if loss.kind == kind]
        lines += [f"## {title}", "", how, ""]
        if not mine:
            lines += [nowhere[kind in ("backend", "simd")], ""]
            continue
        last = ["spread", "p"] if kind in ("backend", "simd") else ["its marks"]
        lines += table(["problem", "threads", "measured in", "better", "times", "auto", "the other", *last], [
            [fmt.problem(loss.row), str(loss.row.threads), loss.row.group, _better(loss), fmt.times(loss.times), *_figures(loss),
             *([_spread(loss), _how_likely(loss)] if len(last) == 2 else [peers.marks(loss.other)])] for loss in mine])
    near = sorted((cell for cell in peers.cells(analysis.run) if cell.lead and 1 <= cell.lead < 3), key=lambda cell: cell.lead)
    lines += ["## Ahead of the best library by less than three times", "", "Time of an iteration, as in the first table.", ""]
    if near:
        lines += table(["problem", "threads", "best library", "times ahead", "auto", "the other"], [
            [fmt.problem(cell.row), str(cell.row.threads), cell.best.backend, fmt.times(cell.lead), fmt.seconds(each(cell.auto)), fmt.seconds(each(cell.best))]
            for cell in near])
    else:
        lines += [nowhere[False], ""]
    return "\n".join(lines).rstrip() + "\n"


def _figures(loss):
    if loss.kind == "memory":
        return [fmt.size(loss.row.counter("memory_bytes")), fmt.size(loss.other.counter("memory_bytes"))]
    if loss.kind == "inertia":
        return [f"{loss.row.counter('inertia'):.6g} in {fmt.seconds(loss.row.seconds)}", f"{loss.other.counter('inertia'):.6g} in {fmt.seconds(loss.other.seconds)}"]
    if loss.kind == "library":
        return [fmt.seconds(each(loss.row)), fmt.seconds(each(loss.other))]
    return [fmt.seconds(loss.row.seconds), fmt.seconds(loss.other.seconds)]
