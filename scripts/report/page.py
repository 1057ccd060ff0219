# SPDX-License-Identifier: MIT
"""results/report.html: one self-contained page. The data are embedded as JSON; page.js draws from them."""

import html
import json
import re
from pathlib import Path

from . import formatting as fmt
from . import limits, peers
from .analysis import AUTO, BASELINES, FASTEST, distances_saved, gflops, iterations
from .style import INK, LINE, MUTED, PAPER, colours, library_colours
from .tables import machine_facts, notes

HERE = Path(__file__).parent
THEME = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)", PAPER: "var(--card)"}


def page(analysis, plots, source):
    run = analysis.run
    parts = {
        "title": html.escape(f"omnimeans: {run.text('cpu_model') or 'results'}"),
        "css": (HERE / "page.css").read_text(encoding="utf-8"),
        "js": (HERE / "page.js").read_text(encoding="utf-8"),
        "charts": (HERE / "charts.js").read_text(encoding="utf-8"),
        "data": _embed(_data(analysis)),
        "subtitle": _subtitle(run),
        "headline": _headline(analysis),
        "machine": _facts(machine_facts(run)),
        "ceilings": _ceilings(run),
        "limits": _limits(analysis),
        "notes": "".join(f"<li>{html.escape(note)}</li>" for note in [*notes(run), *_mark_notes(run)]),
        "plots": "".join(_figure(i, title, svg) for i, (_, title, svg) in enumerate(plots)),
        "failed": _failed(run),
        "source": html.escape(source),
    }
    template = (HERE / "page.html").read_text(encoding="utf-8")
    # One pass, so that nothing in the data can be taken for a name of the template.
    return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m[1]], template)


def _embed(data):
    """JSON that cannot end the <script> around it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _data(analysis):
    run = analysis.run
    order = list(dict.fromkeys(row.backend for row in run.group("fit", "assign")))
    libraries = set(peers.names(run))
    references = _references(run)
    rows = []
    for row in run.group("peer", "own", "map", "curve", "fit", "assign", "kernel", "seeding", "limit"):
        # Libraries and our own algorithms are never in one table; `auto` stands for us among the libraries.
        ours = row.backend not in libraries
        groups = [row.group]
        if row.group in ("peer", "map") and ours:
            groups = ["our" + row.group] + ([row.group] if row.backend == AUTO else [])
        entry = { "dataset": row.dataset, "dtype": row.dtype, "n": row.n, "d": row.d, "k": row.k,
            "backend": row.backend, "threads": row.threads, "isa": row.isa, "exact": row.exact, "error": row.error,
            "ran": row.ran if row.ran != row.backend else "",
        }
        if row.ok:
            entry |= {
                "seconds": row.seconds, "spread": row.spread, "gflops": gflops(row), "peak": analysis.peak_share(row),
                "saved": distances_saved(row), "iterations": iterations(row), "memory": row.counter("memory_bytes"),
                "inertia": row.counter("inertia"), "off": row.counter("inertia_ratio"), "reranked": row.counter("reranked"),
                "distances": row.counter("distances"),
                **(_beside(analysis, row, ours, references) if row.group in ("peer", "own", "map", "curve") else {}),
                "bound": limits.bound_share(analysis, row), "bandwidth": limits.bandwidth_share(analysis, row),
                **{f"x_{name}": analysis.speedup(row, name) for name in BASELINES},
            }
        for group in groups:
            rows.append({key: _short(value) for key, value in ({"group": group} | entry).items() if value not in (None, "")})
    roofs = {"peaks": [[*key, value] for key, value in run.peaks().items()], "bandwidths": run.bandwidths()}
    order += [name for name in dict.fromkeys(row["backend"] for row in rows if row["group"] == "ourpeer") if name not in order]
    return {"rows": rows, "colours": colours(order) | library_colours(peers.names(run)), "roofs": roofs}


def _references(run):
    """Seconds of an iteration of `auto`, and the lowest inertia, by problem."""
    autos, lowest = {}, {}
    for row in run.group("peer", "own", "map"):
        if row.ok and row.backend == AUTO:
            autos[(row.problem, row.threads)] = peers.each(row)
        if row.ok and row.counter("inertia"):
            lowest[row.problem] = min(row.counter("inertia"), lowest.get(row.problem, float("inf")))
    return autos, lowest


def _beside(analysis, row, ours, references):
    """What only rows of bench_peers have."""
    autos, lowest = references
    base, each, least = autos.get((row.problem, row.threads)), peers.each(row), lowest.get(row.problem)
    return {"ours": ours, "iters": row.iters, "each": each, "marks": "" if ours else peers.marks(row),
            "over": each / base if each and base and row.group != "own" else None,
            "intensity": 2 * row.n * row.d * row.k / (4 * row.n * row.d + 4 * row.k * row.d + 4 * row.n) if row.n else None,
            "worse": row.counter("inertia") / least if row.group == "own" and least else None}


def _mark_notes(run):
    rows = [row for row in run.group("peer", "map", "own") if row.ok]
    return [f"Mark “{letter}” beside a library: {text}." for letter, text, applies in peers.MARKS if any(applies(row) for row in rows)]


def _short(value):
    """Six significant digits are more than is shown or sorted by; sizes and counts stay whole."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _subtitle(run):
    parts = [run.text("cpu_model"), run.text("isa"), run.text("integer_products"), run.text("suite") and f"suite {run.text('suite')}",
             run.commit(), run.text("date")[:10]]
    return " <i>·</i> ".join(f"<span>{html.escape(p)}</span>" for p in parts if p)


def _headline(analysis):
    """A card for other libraries, and one for each baseline; in it a figure for each thread count, and `auto` beside the fastest exact."""
    by_baseline = {}
    for h in analysis.headlines():
        by_baseline.setdefault(h.baseline, {}).setdefault(h.threads, {})[h.contender] = h
    cards = [_library_card(run_lead, peers.lead(analysis.run, "map"))] if (run_lead := peers.lead(analysis.run, "peer")) else []
    for baseline in BASELINES:
        counts = by_baseline.get(baseline)
        if counts:
            shown = sorted({min(counts), max(counts)}, reverse=True)
            cards.append(f'<article class="card hero"><h3>over <b>{html.escape(baseline)}</b></h3>'
                         + "".join(_figures(t, counts[t]) for t in shown) + "</article>")
    return "".join(cards) or '<p class="empty">No whole fit in this file has a baseline to compare with.</p>'


def _library_card(found, small):
    """`small`: the same over the grid of small sizes, or None."""
    cards = [(found, "big", "problems")] + ([(small, "small", "small sizes")] if small else [])
    figures = "".join(
        f'<div class="figure {size}"><strong>{fmt.times(lead.geomean)}</strong><span class="who">auto, {lead.count} {what}</span>'
        f'<span class="worst">worst {fmt.times(lead.worst)} <em>{html.escape(fmt.problem(lead.worst_cell.row))}, against '
        f'{html.escape(lead.worst_cell.best.backend)}</em></span></div>' for lead, size, what in cards)
    return ('<article class="card hero"><h3>over <b>the best library of each problem</b></h3>'
            f'<section><h4>{fmt.threads(found.worst_cell.row.threads)}</h4>{figures}</section></article>')


def _figures(threads, by_contender):
    blocks = []
    for contender, h in by_contender.items():
        size = "big" if contender == FASTEST else "small"
        blocks.append(
            f'<div class="figure {size}"><strong>{fmt.times(h.geomean)}</strong>'
            f'<span class="who">{html.escape(contender)}</span>'
            f'<span class="worst" title="{html.escape(fmt.problem(h.worst_row))}">worst {fmt.times(h.worst)}'
            f' <em>{html.escape(fmt.problem(h.worst_row))}</em></span></div>')
    count = max(h.count for h in by_contender.values())
    problems = "1 problem" if count == 1 else f"{count} problems"
    return f'<section><h4>{fmt.threads(threads)} <span>{problems}</span></h4>{"".join(blocks)}</section>'


def _facts(facts):
    return "".join(f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>" for name, value in facts)


def _ceilings(run):
    """FMA peaks as a small table, instruction set by thread count, with the bandwidths as its last line."""
    peaks, bandwidths = run.peaks(), run.bandwidths()
    counts = sorted({t for _, _, t in peaks} | set(bandwidths))
    if not counts:
        return '<p class="empty">The file has no measured ceilings.</p>'
    lines = [(f"FMA peak {isa} {dtype}", [peaks.get((isa, dtype, t)) for t in counts], "GFLOP/s")
             for isa, dtype in dict.fromkeys((isa, dtype) for isa, dtype, _ in peaks)]
    if bandwidths:
        lines.append(("Read bandwidth", [bandwidths.get(t) for t in counts], "GB/s"))
    head = "".join(f"<th>{fmt.threads(t)}</th>" for t in counts)
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{fmt.plain(v)} <small>{unit if v else ''}</small></td>" for v in values) + "</tr>"
        for name, values, unit in lines)
    return f'<table class="plain"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'


def _limits(analysis):
    found = limits.tables(analysis)
    if not found:
        return ""
    tables = "".join(_folded(table) if table.folded else f"<h3>{html.escape(table.title)}</h3>{_plain_table(table)}"
                     for table in found)
    notes_ = "".join(f"<li>{html.escape(note)}</li>" for note in limits.notes(analysis))
    return (f'<section id="limits"><h2>At the limit <small>shares of the ceilings above</small></h2>'
            f'<div class="card limits">{tables}</div><ul class="card notes">{notes_}</ul></section>')


def _folded(table):
    return f"<details><summary>{html.escape(table.title)}: {len(table.rows)} rows</summary>{_plain_table(table)}</details>"


def _plain_table(table):
    def line(cells, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = "".join(line(row, "td") for row in table.rows)
    return f'<table class="plain"><thead>{line(table.header, "th")}</thead><tbody>{body}</tbody></table>'


def _failed(run):
    failed = [row for row in run.rows if not row.ok and not row.skipped]
    if not failed:
        return ""
    items = "".join(
        f"<li><b>{html.escape(row.backend)}</b>, {fmt.threads(row.threads)}, {html.escape(row.group)}: "
        f"{html.escape(fmt.problem(row))}<br><span>{html.escape(row.error)}</span></li>" for row in failed)
    return (f'<section id="failed"><h2>Failed or skipped <span class="count">{len(failed)}</span></h2>'
            f'<ul class="card failures">{items}</ul></section>')


def _figure(number, title, svg):
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", svg, count=2)
    # Ids of different plots must not meet in one page.
    prefix = f"p{number}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}", svg)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    for colour, variable in THEME.items():
        svg = svg.replace(colour, variable)
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    label = html.escape(title, quote=True)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}" style="max-width:{width * 1.45:.0f}px"', 1)
    return f'<figure class="card"><figcaption>{label}</figcaption>{svg}</figure>'
