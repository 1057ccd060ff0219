# SPDX-License-Identifier: MIT
"""results/README.md, the headline and the ceilings, and the pages beside it with every row that was measured."""

import re

from . import formatting as fmt
from . import limits, peer_tables
from .analysis import BASELINES, distances_saved, gflops, iterations

GROUPS = {"fit": "Whole fits", "assign": "One assignment pass"}


def _noise(run):
    """How quiet the machine was: what ran beside the benchmarks when they began, and how far repetitions lay apart."""
    loads = run.context.get("load_avg") or []
    spreads = [row.spread for row in run.rows if row.ok and row.spread is not None]
    parts = []
    if loads:
        parts.append(f"load average {loads[0]:.1f} at the start")
    if spreads:
        share = sum(spread > 0.3 for spread in spreads) / len(spreads)
        parts.append(f"repetitions more than 30 % apart in {fmt.percent(share)} of the rows")
    return ", ".join(parts)


def machine_facts(run):
    """(name, value) pairs about the machine and build, without the empty ones."""
    ram = run.text("ram_bytes")
    facts = [
        ("CPU", run.text("cpu_model")),
        ("Instruction set", run.text("isa")),
        ("Products of integers", run.text("integer_products")),
        ("Threads available", run.text("threads_available") or run.text("num_cpus")),
        ("Memory", fmt.size(float(ram)) if ram.replace(".", "", 1).isdigit() else ram),
        ("Compiler", run.text("compiler")),
        ("Flags", run.text("build_flags")),
        ("Version", run.text("omnimeans_version")),
        ("Commit", run.commit()),
        ("Suite", run.text("suite")),
        ("Date", _date(run.text("date"))),
        ("Noise", _noise(run)),
    ]
    return [(name, value) for name, value in facts if value]


def _date(text):
    """"2026-03-02T10:11:12+00:00" without the seconds and the letter between."""
    match = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(.*)", text)
    if not match:
        return text
    day, time, zone = match.groups()
    return f"{day} {time} {'UTC' if zone in ('Z', '+00:00') else zone}".strip()


def notes(run):
    """What a reader must know to read the figures rightly."""
    failed = [row for row in run.rows if not row.ok and not row.skipped]
    skipped = sum(row.skipped for row in run.rows)
    inexact_rows = [row for row in run.group("fit", "assign") if row.ok and row.exact is False]
    ratios = [row.counter("inertia_ratio") for row in inexact_rows if row.counter("inertia_ratio")]
    inexact = sorted({row.backend for row in run.group("fit", "assign") if row.exact is False})
    lines = [
        "Times are wall-clock medians of the repetitions; spread is (slowest − fastest) / median.",
        "Speed-up over a backend is its time on the same problem, at the same thread count if it was measured there, "
        "else on one thread, divided by the row's. Where two backends stop after different numbers of iterations, the "
        "times of one iteration are compared.",
        "GFLOP/s counts 2·n·k·d operations a pass, whether a backend does them or proves that it need not: one that "
        "skips distances can exceed 100 % of the peak.",
        "“Fastest exact” is the fastest exact backend on each problem: the choice that a perfect selector makes.",
    ]
    if inexact:
        lines.append(f"≈ marks what is not exact and serves as a baseline only: {', '.join(inexact)}. Its labels may "
                     "differ from the canonical ones; it never counts as “fastest exact”.")
    if ratios:
        off = sum(abs(ratio - 1) > 0.01 for ratio in ratios)
        lines.append(f"The inertia of what is not exact is {min(ratios):.4f} to {max(ratios):.4f} times the right one; "
                     f"{off} of {len(ratios)} rows are off by more than 1 %.")
    lines.append(f"{len(failed)} of {len(run.rows)} rows failed; they are listed as such and count nowhere."
                 if failed else f"None of the {len(run.rows)} rows failed.")
    if skipped:
        lines.append(f"{skipped} rows are left out, because a fit would have taken longer than the limit, or the library failed: "
                     "the tables say which and why.")
    if run.unknown:
        lines.append(f"{len(run.unknown)} benchmarks have a name that the report does not know and are left out.")
    return lines


def _table(header, rows, left=1):
    if not rows:
        return []
    rule = [":---" if i < left else "---:" for i in range(len(header))]
    # A column without a single value says nothing.
    keep = [i for i in range(len(header)) if any(row[i] for row in rows)]
    lines = [header, rule, *rows]
    return ["| " + " | ".join(_cell(line[i]) for i in keep) + " |" for line in lines] + [""]


def _cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def backend_name(row):
    """With ≈ where it is not exact, and with what "auto" chose."""
    if row.ran and row.ran != row.backend:
        return f"{row.backend} → {row.ran}"
    return f"{row.backend} ≈" if row.exact is False else row.backend


def pages(analysis, plots, source):
    """{file name: text}: README.md, and a page for each topic that has rows."""
    run = analysis.run
    topics = {
        "libraries.md": ("Every problem with other libraries", peer_tables.libraries_page(analysis)),
        "backends.md": ("Every backend of ours: whole fits, assignment passes, and the problems of the libraries", _backends_page(analysis)),
        "kernels.md": ("Kernels by instruction set, and dense passes at the limit", _titled("Kernels", _limit_rows(analysis) + _kernel_section(analysis))),
        "seeding.md": ("Seeding", _titled("Seeding", _seeding_section(run))),
    }
    topics = {name: (title, lines) for name, (title, lines) in topics.items() if lines}
    found = {"README.md": _readme(analysis, plots, source, {name: title for name, (title, _) in topics.items()}),
             "losses.md": peer_tables.losses_page(analysis, source)}
    for name, (_, lines) in topics.items():
        found[name] = _text([_generated(source), lines[0], "", "[All results](README.md)", *lines[1:]])
    return found


PAGES = ("README.md", "losses.md", "libraries.md", "backends.md", "kernels.md", "seeding.md")


def _generated(source):
    return f"<!-- Generated from {source} by scripts/report.py; changes are lost. -->"


def _data_links(source):
    """A name with a folder lies below the page; another one may be anywhere."""
    return ", ".join(f"[`{name}`]({name})" if "/" in name else f"`{name}`" for name in source.split(", "))


def _text(lines):
    return "\n".join(lines).rstrip() + "\n"


def _titled(title, lines):
    return [f"# {title}", "", *lines] if lines else []


def _readme(analysis, plots, source, topics):
    run = analysis.run
    lines = [_generated(source), "# Results", "", f"Measured data: {_data_links(source)} · interactive page: [report.html](report.html)", ""]
    if topics:
        lines += [f"- [{title}]({name})" for name, title in topics.items()] + ["- [Where we lose](losses.md)", ""]
    lines += _table(["Machine", ""], [[name, value] for name, value in machine_facts(run)], left=2)
    lines += _headline_section(analysis)
    lines += peer_tables.sections(analysis) + _ceiling_section(run) + _limit_section(analysis)
    lines += ["## How to read this", ""] + [f"- {note}" for note in notes(run)] + [""]
    if plots:
        lines += ["## Plots", ""]
        for name, title in plots:
            lines += [f"![{title}](plots/{name})", ""]
    for group, title in GROUPS.items():
        lines += _summary_section(analysis, group, title)
    return _text(lines + _failed_section(run))


def _backends_page(analysis):
    lines = []
    for group, title in GROUPS.items():
        lines += _fit_section(analysis, group, title)
    return _titled("Backends", lines + peer_tables.ours(analysis))


def _headline_section(analysis):
    rows = {}
    for h in analysis.headlines():
        cell = f"**{fmt.times(h.geomean)}** (worst {fmt.times(h.worst)}; {h.count} problems)"
        rows.setdefault((h.threads, h.contender), {})[h.baseline] = cell
    if not rows:
        return []
    table = [[contender, str(threads), *(cells.get(b, "") for b in BASELINES)]
             for (threads, contender), cells in rows.items()]
    header = ["Geometric-mean speed-up", "threads", *(f"over {b}" for b in BASELINES)]
    return ["## Headline", ""] + _table(header, table) + peer_tables.auto_beside_ours(analysis)


def _ceiling_section(run):
    table = [[f"FMA peak, {isa}, {dtype}", str(threads), f"{fmt.plain(value)} GFLOP/s"]
             for (isa, dtype, threads), value in run.peaks().items()]
    table += [["Read bandwidth", str(threads), f"{fmt.plain(value)} GB/s"]
              for threads, value in run.bandwidths().items()]
    if not table:
        return []
    return ["## Ceilings of this machine, measured in the same run", ""] + _table(["Ceiling", "threads", "value"], table)


def _limit_section(analysis):
    found = limits.tables(analysis)
    if not found:
        return []
    lines = ["## At the limit", ""] + [f"- {note}" for note in limits.notes(analysis)] + [""]
    for table in found:
        if table.folded:
            lines += [f"{table.title}: {len(table.rows)} rows in [kernels.md](kernels.md).", ""]
        else:
            lines += [f"{table.title}:", "", *_table(table.header, table.rows, left=table.left)]
    return lines


def _limit_rows(analysis):
    """The tables that are too long for the summary."""
    lines = []
    for table in limits.tables(analysis):
        if table.folded:
            lines += [f"## {table.title}", "", "<details>", f"<summary>{len(table.rows)} rows</summary>", "",
                      *_table(table.header, table.rows, left=table.left), "</details>", ""]
    return lines


def _summary_section(analysis, group, title):
    summary = analysis.summary(group, "naive", lambda row: row.dataset)
    if not summary:
        return []
    rows = analysis.run.group(group)
    columns = list(dict.fromkeys((r.backend, r.threads) for r in rows))
    columns.sort(key=lambda c: (analysis.run.backends(group).index(c[0]), c[1]))
    table = [[f"{b}, {fmt.threads(t)}", *(fmt.times(s.get((b, t), (None, 0))[0]) for s in summary.values())] for b, t in columns]
    return [f"## {title}", "", "Geometric-mean speed-up over `naive`; every row is in [backends.md](backends.md):", ""] + _table(["backend", *summary], table)


def _fit_section(analysis, group, title):
    rows = analysis.run.group(group)
    if not rows:
        return []
    lines = [f"## {title}", ""]
    header = ["dtype", "n", "d", "k", "threads", "backend", "isa", "time", "spread", "× naive", "× textbook", "× simd",
              "GFLOP/s", "% of peak", "distances", "saved", "iterations", "memory"]
    for dataset in dict.fromkeys(row.dataset for row in rows):
        mine = [row for row in rows if row.dataset == dataset]
        order = analysis.run.backends(group)
        mine.sort(key=lambda r: (r.dtype, r.n, r.d, r.k, r.threads, order.index(r.backend)))
        lines += ["<details>", f"<summary>{dataset}: {len(mine)} rows</summary>", ""]
        lines += _table(header, [_fit_row(analysis, row) for row in mine]) + ["</details>", ""]
    return lines


def _fit_row(analysis, row):
    start = [row.dtype, fmt.count(row.n), fmt.count(row.d), fmt.count(row.k), str(row.threads), backend_name(row), row.isa]
    if not row.ok:
        return start + [row.error.removeprefix("skipped: ") if row.skipped else "failed"] + [""] * 10
    return start + [
        fmt.seconds(row.seconds), fmt.percent(row.spread), *(fmt.times(analysis.speedup(row, b)) for b in BASELINES),
        fmt.plain(gflops(row)), fmt.percent(analysis.peak_share(row)), fmt.count(row.counter("distances")),
        fmt.percent(distances_saved(row)),
        fmt.count(iterations(row)), fmt.size(row.counter("memory_bytes"))]


def _kernel_section(analysis):
    rows = analysis.run.group("kernel")
    if not rows:
        return []
    table = [[r.backend, r.isa, r.dtype, fmt.count(r.n), fmt.count(r.d), fmt.count(r.k), fmt.seconds(r.seconds) if r.ok else "failed",
              fmt.percent(r.spread), fmt.plain(gflops(r)), fmt.percent(analysis.peak_share(r)),
              fmt.plain((r.counter("bytes_per_second") or 0) / 1e9 or None)] for r in rows]
    header = ["kernel", "isa", "dtype", "n", "d", "k", "time", "spread", "GFLOP/s", "% of peak", "GB/s"]
    words = ["`nearest_int16` and `nearest_int8` find the same labels from products in sixteen and eight bits: GFLOP/s are those of the float",
             "multiply-adds that they replace, which may be more than the peak of these.", ""]
    return (["## By instruction set", "", *words, "<details>", f"<summary>{len(rows)} rows</summary>", ""]
            + _table(header, table, left=2) + ["</details>", ""])


def _seeding_section(run):
    rows = run.group("seeding")
    if not rows:
        return []
    table = [[r.backend, r.dataset, r.dtype, fmt.count(r.n), fmt.count(r.d), fmt.count(r.k), str(r.threads),
              fmt.seconds(r.seconds) if r.ok else "failed", fmt.percent(r.spread), fmt.times(r.counter("dense_passes")),
              fmt.count(r.counter("passes")), fmt.count(r.counter("distances")), fmt.count(r.counter("candidates")),
              fmt.plain(r.counter("inertia"))] for r in rows]
    header = ["method", "data set", "dtype", "n", "d", "k", "threads", "time", "spread", "time / dense pass",
              "passes over the data", "distances", "candidates", "inertia"]
    return (["<details>", f"<summary>{len(rows)} rows</summary>", ""]
            + _table(header, table, left=2) + ["</details>", ""])


def _failed_section(run):
    failed = [row for row in run.rows if not row.ok and not row.skipped]
    table = [[row.group, fmt.problem(row), f"{row.backend}, {fmt.threads(row.threads)}", row.error] for row in failed]
    return (["## Failed or skipped", ""] + _table(["group", "problem", "backend", "why"], table, left=4)) if table else []
