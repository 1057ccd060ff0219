# SPDX-License-Identifier: MIT
"""Two runs, benchmark by benchmark: a Mann-Whitney U test over the times of the repetitions."""

import argparse
import json
import re
import sys
from pathlib import Path

from . import formatting as fmt
from .analysis import geomean
from .loading import ReportError, load
from .mann_whitney import u_test

ENOUGH = 9  # repetitions: what Google Benchmark recommends for its U test


def name_of(row):
    parts = [row.group, row.dataset, row.backend, row.isa if row.group in ("kernel", "limit") else "", f"threads:{row.threads}",
             *(f"{axis}:{getattr(row, axis)}" for axis in ("dtype", "n", "d", "k", "iters") if getattr(row, axis) is not None)]
    return "/".join(part for part in parts if part)


def compare(old, new, alpha, threshold, pattern):
    """[{name, old and new median, change, p, verdict}] of the benchmarks that both have."""
    before, found = {name_of(row): row for row in old.rows}, []
    for row in new.rows:
        name = name_of(row)
        if name not in before or not re.search(pattern, name):
            continue
        base = before[name]
        line = {"name": name}
        if not base.ok or not row.ok:
            line["verdict"] = "same" if base.ok == row.ok else "faster" if row.ok else "slower"
            line["why"] = row.error or base.error
        else:
            change, p = row.seconds / base.seconds - 1, u_test(base.times, row.times)
            line |= {"old_seconds": base.seconds, "new_seconds": row.seconds, "change": change, "p": p,
                     "old_repetitions": len(base.times), "new_repetitions": len(row.times)}
            if min(len(base.times), len(row.times)) < ENOUGH:
                line["verdict"] = "undecided"
            elif p < alpha and abs(change) > threshold:
                line["verdict"] = "slower" if change > 0 else "faster"
            else:
                line["verdict"] = "same"
        found.append(line)
    return found


def verdict_of(lines):
    verdicts = {line["verdict"] for line in lines}
    return next((v for v in ("slower", "undecided", "faster") if v in verdicts), "same")


def arguments(argv):
    parser = argparse.ArgumentParser(prog="compare.sh", usage="scripts/compare.sh OLD.json NEW.json [OPTION]... (see --help)")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--threshold", type=float, default=3, help="percent")
    parser.add_argument("--filter", default="")
    parser.add_argument("--json", default="")
    options = parser.parse_args(argv)
    if not 0 < options.alpha < 1 or options.threshold < 0:
        parser.error("--alpha lies between 0 and 1, --threshold is not negative")
    try:
        re.compile(options.filter)
    except re.error as error:
        parser.error(f"--filter: {error}")
    return options


def main(argv=None):
    options = arguments(argv)
    try:
        old, new = load([options.old]), load([options.new])
        for key, what in (("cpu_model", "CPU"), ("isa", "instruction set"), ("integer_products", "products of integers")):
            if old.text(key, new.text(key)) != new.text(key, old.text(key)):
                raise ReportError(f"two machines cannot be compared: {what} {old.text(key)!r} and {new.text(key)!r}")
        lines = compare(old, new, options.alpha, options.threshold / 100, options.filter)
        if not lines:
            raise ReportError("the files have no benchmark in common")
    except ReportError as error:
        print(f"compare.sh: {error}", file=sys.stderr)
        return 2
    verdict = verdict_of(lines)
    ratios = [line["new_seconds"] / line["old_seconds"] for line in lines if "p" in line]
    summary = {"verdict": verdict, "alpha": options.alpha, "threshold": options.threshold / 100,
               "geometric_mean_ratio": geomean(ratios), "old": old.commit(), "new": new.commit(), "benchmarks": lines}
    text = json.dumps(summary, indent=1) + "\n"
    if options.json == "-":
        sys.stdout.write(text)
    else:
        if options.json:
            Path(options.json).write_text(text, encoding="utf-8")
        _show(lines, summary)
    return {"slower": 1, "undecided": 3}.get(verdict, 0)


def _show(lines, summary):
    width = max(len(line["name"]) for line in lines)
    for line in lines:
        if "p" in line:
            times = f"{fmt.seconds(line['old_seconds']):>9} {fmt.seconds(line['new_seconds']):>9} {100 * line['change']:+7.1f} %  p {line['p']:.4f}"
        else:
            times = line.get("why", "")
        print(f"{line['name']:<{width}}  {times}  {line['verdict']}")
    counts = {v: sum(line["verdict"] == v for line in lines) for v in ("slower", "faster", "same", "undecided")}
    few = [min(line["old_repetitions"], line["new_repetitions"]) for line in lines if line["verdict"] == "undecided"]
    if few:
        print(f"undecided: {min(few)} repetitions where {ENOUGH} are needed")
    ratio = summary["geometric_mean_ratio"]
    if ratio:
        print(f"new / old: {ratio:.3f} in geometric mean; " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    print(summary["verdict"])
