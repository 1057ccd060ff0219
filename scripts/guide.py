#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fills the tables of docs/which-backend.md from the committed benchmark results.

Usage: scripts/guide.py [--check]

The results are those that results/README.md was generated from. --check writes nothing and fails where the page would
change.
"""

import re
import sys
from pathlib import Path

from report import formatting as fmt
from report.analysis import AUTO, geomean
from report.loading import ReportError, load

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "which-backend.md"
NEAR = 1.1  # as good as the fastest: within what two runs differ by


def committed_results():
    """The JSON files behind results/README.md."""
    readme = ROOT / "results" / "README.md"
    found = re.match(r"<!-- Generated from (.+?) by scripts/report\.py", readme.read_text(encoding="utf-8"))
    if not found:
        raise ReportError(f"{readme}: does not name the JSON that it was generated from")
    return [readme.parent / name for name in found[1].split(", ")]


def table(head, aligned, rows):
    lines = [head, aligned] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def contests(run, threads):
    """{problem: {backend: row}}: exact backends, and auto, on the fits of that many threads, in the order of the file."""
    found = {}
    for row in run.group("fit"):
        if row.ok and row.threads == threads and row.exact:
            found.setdefault(row.problem, {})[row.backend] = row
    return {problem: rows for problem, rows in found.items() if len(rows) > 2 and "simd" in rows}


def rivals(rows):
    """Without auto, fastest first."""
    return sorted((row for name, row in rows.items() if name != AUTO), key=lambda row: row.seconds)


def case_table(contest):
    lines = []
    by_size = sorted(contest.values(), key=lambda rows: (rows["simd"].d, rows["simd"].k, rows["simd"].dtype))
    for rows in by_size:
        dense, ranked, auto = rows["simd"], rivals(rows), rows.get(AUTO)
        first = ranked[0]
        near = [f"`{row.backend}`" for row in ranked[1:] if row.seconds <= NEAR * first.seconds]
        iterations = dense.counter("n_iter")
        lines.append([str(dense.d), str(dense.k), f"{dense.dataset} {dense.dtype}", fmt.count(dense.n),
                      fmt.count(iterations) if iterations else "", f"`{first.backend}`", ", ".join(near),
                      fmt.times(dense.seconds / first.seconds),
                      fmt.times(first.seconds / auto.seconds) if auto else ""])
    return table(["features", "clusters", "data", "samples", "iterations", "fastest", "within 10 %", "speed over `simd`",
                  "speed of `auto` over the fastest"], ["---:", "---:", ":---", "---:", "---:", ":---", ":---", "---:", "---:"], lines)


def backend_table(contest):
    times, first, near = {}, {}, {}
    for rows in contest.values():
        ranked = rivals(rows)
        best = ranked[0].seconds
        for row in ranked:
            times.setdefault(row.backend, []).append(row.seconds / best)
            first[row.backend] = first.get(row.backend, 0) + (row is ranked[0])
            near[row.backend] = near.get(row.backend, 0) + (row.seconds <= NEAR * best)
    lines = [[f"`{name}`", str(first[name]), str(near[name]), str(len(values)), fmt.times(geomean(values)),
              fmt.times(max(values))] for name, values in sorted(times.items(), key=lambda item: geomean(item[1]))]
    return table(["backend", "fastest in", "within 10 % in", "cases", "time over the fastest's, geometric mean", "at worst"],
                 [":---", "---:", "---:", "---:", "---:", "---:"], lines)


def tables():
    paths = committed_results()
    run = load(paths)
    threads = max(row.threads for row in run.group("fit"))
    contest = contests(run, threads)
    if not contest:
        raise ReportError("the committed results have no fits to compare")
    source = ", ".join(path.relative_to(ROOT).as_posix() for path in paths)
    return (f"Measured on {fmt.machine(run)}, {run.text('isa')}, {fmt.threads(threads)}, suite {run.text('suite')}, "
            f"commit {run.commit()} (`{source}`). Whole fits from the same first centroids to convergence or the "
            f"suite's limit; all these backends give the same bits.\n\n### Case by case\n\n{case_table(contest)}\n\n"
            f"### Backend by backend\n\nOver the same {len(contest)} cases:\n\n{backend_table(contest)}")


def main(argv):
    if argv not in ([], ["--check"]):
        print(__doc__.strip(), file=sys.stderr)
        return 0 if argv in (["-h"], ["--help"]) else 2
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- results:begin -->\n", "<!-- results:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ReportError(f"{PAGE}: there must be one line {begin.strip()} and one {end}")
    start, rest = text.split(begin)
    made = f"{start}{begin}{tables()}\n{end}{rest.split(end)[1]}"
    if argv and made != text:
        raise ReportError(f"{PAGE}: not what the committed results give: run scripts/update_generated.sh")
    if not argv and made != text:
        PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ReportError, OSError) as error:
        print(f"guide.py: {error}", file=sys.stderr)
        sys.exit(1)
