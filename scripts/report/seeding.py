# SPDX-License-Identifier: MIT
"""The study of seeding methods (bench/seeding_study.cpp): what a seeding costs, and what it is worth.

It is a file of its own beside that of the run: <date>-<sha>.seeding.json.
"""

import json

from . import formatting as fmt
from .drawing import Line2D, legend, plain_log, plt
from .loading import ReportError
from .style import MUTED, RC, colours


def path_of(run_path):
    """Where the study of a run lies."""
    return run_path.with_name(run_path.stem + ".seeding.json")


def load(paths):
    """The study beside one of the run's files, or None."""
    for path in map(path_of, paths):
        if not path.exists():
            continue
        try:
            study = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ReportError(f"{path}: not JSON: {error}") from error
        if not isinstance(study, dict) or not isinstance(study.get("sets"), list):
            raise ReportError(f"{path}: no 'sets' list: not a study of seedings")
        return study
    return None


def all_plots(paths, to_svg):
    """[(file name, title, svg text)]; to_svg(figure) closes the figure."""
    study = load(paths)
    if not study or not study["sets"]:
        return []
    figures = [
        ("seeding-inertia.svg", "Seeding: its time, and inertia before (hollow) and after ten iterations", cost_and_worth),
        ("seeding-time-to-inertia.svg", "Seeding: inertia over time, ten iterations included", curves),
    ]
    drawn = []
    for name, title, draw in figures:
        with plt.rc_context({**RC, "svg.hashsalt": name}):
            drawn.append((name, f"{title}; medians of {study['seeds']} seeds", to_svg(draw(study))))
    return drawn


def lowest(data):
    """The lowest median inertia of a set's methods after ten iterations: 1 in the plots."""
    return min(method["inertia"][-1] for method in data["methods"])


def _panels(study):
    """A figure, (axes, data set) pairs, three a row, and a colour for each method."""
    sets = study["sets"]
    rows = (len(sets) + 2) // 3
    figure, panels = plt.subplots(rows, 3, figsize=(11, 3.2 * rows), squeeze=False)
    flat = list(panels.flat)
    for axes in flat[len(sets):]:
        axes.set_visible(False)
    for axes, data in zip(flat, sets):
        axes.set_title(f"{data['dataset']}, n {fmt.count(data['n'])}, d {data['d']}, k {data['k']}")
        axes.set_xscale("log")
        axes.axhline(1, color=MUTED, linewidth=1)
    for row in panels:
        row[0].set_ylabel("inertia / lowest")
    palette = colours(list(dict.fromkeys(m["name"] for data in sets for m in data["methods"])))
    legend(figure, [Line2D([], [], color=colour, marker="s", markersize=8, linestyle="", label=name)
                    for name, colour in palette.items()])
    return figure, list(zip(flat, sets)), palette


def cost_and_worth(study):
    figure, panels, palette = _panels(study)
    for axes, data in panels:
        least = lowest(data)
        for method in data["methods"]:
            colour, time = palette[method["name"]], method["seconds"][0] * 1e3
            before, after = method["inertia"][0] / least, method["inertia"][-1] / least
            axes.plot([time, time], [after, before], color=colour, linewidth=1)
            axes.plot([time], [before], color=colour, marker="o", markerfacecolor="none")
            axes.plot([time], [after], color=colour, marker="o")
        axes.set_xlabel("seeding, ms")
        plain_log(axes.xaxis)
    return figure


def curves(study):
    figure, panels, palette = _panels(study)
    for axes, data in panels:
        least = lowest(data)
        for method in data["methods"]:
            axes.plot([s * 1e3 for s in method["seconds"]], [i / least for i in method["inertia"]],
                      color=palette[method["name"]], marker=".", markersize=4, linewidth=1.3)
        axes.set_xlabel("ms since the start")
        plain_log(axes.xaxis)
    return figure
