# SPDX-License-Identifier: MIT
"""The command line of scripts/report.py."""

import argparse
import os
import re
import sys
from pathlib import Path

from . import formatting as fmt
from . import peer_tables
from .analysis import Analysis
from .loading import ReportError, compact, load, merge, text_of
from .tables import PAGES, pages

DESCRIPTION = """\
Turns Google Benchmark JSON of the omnimeans suite into a report: README.md (tables), plots/*.svg, summary.png and
report.html, one self-contained page. Several files are taken as the parts of one run. The same input gives the same output.
"""


def arguments(argv):
    parser = argparse.ArgumentParser(prog="report.py", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", nargs="*", type=Path, help="results/<cpu>/<date>-<sha>.json, or the parts of one run")
    parser.add_argument("--out", type=Path, default=None, help="folder to write to (default: results/ of this project)")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--merge-into", type=Path, metavar="FOLDER",
                        help="write no report: merge the parts into FOLDER/<cpu>/<date>-<sha>.json and print its path")
    action.add_argument("--headline", action="store_true",
                        help="write nothing: print what the main README says about other libraries (its JSON is that of README.md in --out)")
    action.add_argument("--check", action="store_true",
                        help="write nothing: fail unless README.md in --out is what its JSON gives")
    parser.add_argument("--strict", action="store_true", help="fail, once the report is written, if a row failed")
    options = parser.parse_args(argv)
    options.out = options.out or Path(__file__).resolve().parents[2] / "results"
    if not options.json and not options.check and not options.headline:
        parser.error("no JSON file given")
    return options


def main(argv=None):
    options = arguments(argv)
    try:
        if options.merge_into:
            print(merge_into(options.json, options.merge_into))
        elif options.headline:
            print("\n\n".join(peer_tables.headline(load(options.json or sources_of(options.out)))))
        elif options.check:
            check(options.json, options.out)
        else:
            write(options.json, options.out, options.strict)
    except ReportError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 1
    return 0


def source_name(paths, out):
    """How the report names its input: relative to its folder, where it lies in it."""
    names = []
    for path in paths:
        relative = os.path.relpath(path.resolve(), out.resolve())
        names.append(path.name if relative.startswith("..") else Path(relative).as_posix())
    return ", ".join(names)


def merge_into(paths, folder):
    document = merge(paths)
    context = document["context"]
    date = re.sub(r"[^0-9-]", "", str(context.get("date", ""))[:10]) or "undated"
    commit = re.sub(r"[^0-9A-Za-z-]", "", str(context.get("git_commit", "")))
    # A commit may carry "-dirty": it stays in the name.
    short = (commit[:10] + ("-dirty" if commit.endswith("dirty") else "")) or "nocommit"
    target = folder / fmt.slug(str(context.get("cpu_model", ""))) / f"{date}-{short}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    _replace(target, text_of(compact(document)))
    return target


def write(paths, out, strict=False):
    # Only here, so that --check and --merge-into do without matplotlib.
    try:
        from . import plots, seeding
    except ImportError as error:
        raise ReportError(f"{error}: install python3-matplotlib") from error
    from .page import page

    run = load(paths)
    analysis = Analysis(run)
    source = source_name(paths, out)
    drawn = plots.all_plots(analysis) + seeding.all_plots(paths, plots.to_svg)
    (out / "plots").mkdir(parents=True, exist_ok=True)
    for name, _, svg in drawn:
        _replace(out / "plots" / name, svg)
    plots.summary_png(analysis, out / "summary.png")
    written = pages(analysis, [(name, title) for name, title, _ in drawn], source)
    for name in PAGES:
        if name in written:
            _replace(out / name, written[name])
        elif _is_generated(out / name):  # of an older run
            (out / name).unlink()
    _replace(out / "report.html", page(analysis, drawn, source))
    tell_failures(run, strict)


def _is_generated(path):
    return path.exists() and path.read_text(encoding="utf-8").startswith("<!-- Generated from")


def tell_failures(run, strict):
    failed = [row for row in run.rows if not row.ok and not row.skipped]
    for row in failed[:20]:
        print(f"failed: {row.group}/{row.backend}, {fmt.threads(row.threads)}, {fmt.problem(row)}: {row.error}", file=sys.stderr)
    for name in run.unknown[:20]:
        print(f"unknown name, left out: {name}", file=sys.stderr)
    if strict and (failed or run.unknown):
        raise ReportError(f"{len(failed)} rows failed, {len(run.unknown)} names are unknown")


def sources_of(out):
    """The files that README.md in `out` was generated from."""
    target = out / "README.md"
    found = re.match(r"<!-- Generated from (.+?) by scripts/report\.py", target.read_text(encoding="utf-8")) if target.exists() else None
    if not found:
        raise ReportError(f"{target}: does not name the JSON that it was generated from")
    return [out / name for name in found[1].split(", ")]


def check(paths, out):
    target = out / "README.md"
    if not target.exists():
        raise ReportError(f"{target}: no such file")
    text = target.read_text(encoding="utf-8")
    paths = paths or sources_of(out)
    shown = re.findall(r"^!\[(.*?)\]\(plots/(.*?)\)$", text, flags=re.M)
    analysis = Analysis(load(paths))
    expected = pages(analysis, [(name, title) for title, name in shown], source_name(paths, out))
    for name in PAGES:
        found = out / name
        if (found.read_text(encoding="utf-8") if found.exists() else None) != expected.get(name):
            raise ReportError(f"{found}: not what {source_name(paths, out)} gives: run scripts/report.py on it again")


def _replace(path, text):
    """All or nothing: a reader never sees half a file."""
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
