# SPDX-License-Identifier: MIT
"""The static plots. Each function draws one figure, or returns None where the data have nothing for it."""

import io

from . import formatting as fmt
from . import peers
from .analysis import gflops
from .drawing import Line2D, legend, name_of, plain_log, plt, swatches
from .loading import isa_rank
from .rooflines import chosen_roofline
from .style import INK, MUTED, RC, colours, library_colours

MARKERS = "osD^vPX*<>hp"


def all_plots(analysis):
    """[(file name, title, svg text)] of those that the data allow."""
    figures = [
        ("speedup.svg", "Speed-up over naive, by data set", speedup),
        ("sweeps.svg", "Time of a fit against n, d and k, each backend on the most threads that it was measured with", sweeps),
        ("threads.svg", "Thread scaling", thread_scaling),
        ("roofline.svg", *chosen_roofline(analysis)),
        ("kernels.svg", "Kernels by instruction set", kernels),
    ]
    drawn = []
    for name, title, draw in figures:
        with plt.rc_context({**RC, "svg.hashsalt": name}):
            figure = draw(analysis)
            if figure is not None:
                drawn.append((name, title, to_svg(figure)))
    return drawn


def to_svg(figure):
    text = io.StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", pad_inches=0.1, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    return text.getvalue()


def summary_png(analysis, path):
    """The picture for the main README: who is how much faster, among libraries and among our backends."""
    panels = [panel for panel, drawable in ((_libraries, peers.by_library(analysis.run, "peer")), (_overview, analysis.summary("fit", "naive", lambda row: "all")))
              if drawable]
    sweeps_found = [(axis, analysis.sweep(axis)) for axis in "knd" if analysis.sweep(axis)]
    if len(panels) < 2 and sweeps_found:
        panels.append(lambda _, axes: _summary_sweep(axes, analysis, *sweeps_found[0]))
    with plt.rc_context(RC):
        # Two bars a backend, each as high as its figures.
        bars = max(len(peers.by_library(analysis.run, "peer")), 1.7 * len(analysis.run.backends("fit")))
        figure, axes = plt.subplots(1, max(len(panels), 1), figsize=(11 if len(panels) > 1 else 8, max(4.3, 1 + 0.24 * bars)), squeeze=False)
        for panel, place in zip(panels, axes[0]):
            panel(analysis, place)
        if not panels:
            axes[0][0].set_visible(False)
        run = analysis.run
        facts = [run.text("cpu_model"), run.text("isa"), run.commit(), run.text("date")[:10]]
        figure.supxlabel(" · ".join(f for f in facts if f), fontsize=8.5, color=MUTED)
        figure.savefig(path, format="png", dpi=150, metadata={"Software": None})
        plt.close(figure)


def _summary_sweep(axes, analysis, axis, sweep):
    _sweep(axes, analysis, axis, sweep)
    axes.set_title(f"Seconds for a fit against {axis}")


def _libraries(analysis, axes):
    """How many times longer an iteration of each library takes than that of `auto`; the lowest problem as a tick."""
    ratios = peers.by_library(analysis.run, "peer")
    inexact = {row.backend for row in analysis.run.group("peer") if row.exact is False}
    palette = library_colours(peers.names(analysis.run))
    shown = sorted(ratios.items(), key=lambda item: item[1][0])
    total = max(count for _, _, count in ratios.values())
    for y, (name, (mean, low, count)) in enumerate(shown):
        axes.barh(y, mean, 0.72, color=palette[name])
        axes.plot([low, low], [y - 0.36, y + 0.36], color=INK, linewidth=1.4)
        axes.annotate(f"{fmt.times(mean)}" + (f"  ({count}/{total})" if count < total else ""), (mean, y), (5, 0), textcoords="offset points",
                      va="center", fontsize=8, color=INK)
    axes.axvline(1, color=MUTED, linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [f"{name} ≈" if name in inexact else name for name, _ in shown], color=INK)
    axes.grid(axis="y", visible=False)
    left, right = axes.get_xlim()
    axes.set_xlim(min(left, 0.8), right * (right / min(left, 0.8)) ** 0.22)
    plain_log(axes.xaxis)
    axes.set_title("An iteration of other libraries, in those of auto")
    axes.set_xlabel("geometric mean; tick: the problem where it is closest", fontsize=8.5)


def _overview(analysis, axes):
    """Geometric-mean speed-up over naive of every backend, at one thread and at the most."""
    counts = analysis.thread_counts("fit")
    shown = sorted({counts[0], counts[-1]}) if counts else []
    pooled = analysis.summary("fit", "naive", lambda row: "all").get("all", {})
    backends = [b for b in analysis.run.backends("fit") if any((b, t) in pooled for t in shown)]
    backends.sort(key=lambda b: max(pooled[(b, t)][0] for t in shown if (b, t) in pooled))
    palette = colours(analysis.run.backends())
    height = 0.8 / max(len(shown), 1)
    for y, backend in enumerate(backends):
        mine = [t for t in shown if (backend, t) in pooled]
        for i, threads in enumerate(mine):
            value = pooled[(backend, threads)][0]
            offset = (i - (len(mine) - 1) / 2) * height
            axes.barh(y + offset, value, height * 0.9, color=palette[backend],
                      alpha=1.0 if threads == shown[-1] or len(shown) == 1 else 0.55)
            axes.annotate(f"{fmt.times(value)}  {fmt.threads(threads)}", (value, y + offset), (4, 0), textcoords="offset points",
                          va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(backends)), [name_of(analysis, b) for b in backends], color=INK)
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.25)
    axes.margins(y=0.01)
    axes.set_title("Whole fits: speed-up over naive, geometric mean")


def speedup(analysis):
    """Bars from 1x on a logarithmic scale: one panel for one thread, one for the most."""
    counts = analysis.thread_counts("fit")
    summary = analysis.summary("fit", "naive", lambda row: row.dataset)
    if not summary:
        return None
    shown = sorted({counts[0], counts[-1]})
    palette = colours(analysis.run.backends())
    backends = [b for b in analysis.run.backends("fit") if any((b, t) in s for s in summary.values() for t in shown)]
    figure, panels = plt.subplots(len(shown), 1, figsize=(11, 3.1 * len(shown)), squeeze=False, sharex=True)
    width = 0.84 / len(backends)
    for axes, threads in zip(panels[:, 0], shown):
        for x, values in enumerate(summary.values()):
            present = [b for b in backends if (b, threads) in values]
            for i, backend in enumerate(present):
                value = values[(backend, threads)][0]
                at = x + (i - (len(present) - 1) / 2) * width
                axes.bar(at, value - 1, width * 0.92, bottom=1, color=palette[backend])
                if len(summary) * len(backends) <= 60:
                    axes.annotate(fmt.three(value), (at, max(value, 1)), (0, 2), textcoords="offset points",
                                  ha="center", fontsize=7, color=INK, rotation=90 if len(summary) * len(backends) > 36 else 0)
        axes.set_yscale("log")
        axes.margins(y=0.12)
        axes.axhline(1, color=MUTED, linewidth=1)
        axes.grid(axis="x", visible=False)
        plain_log(axes.yaxis)
        axes.set_title(f"{fmt.threads(threads)} (naive always runs on one)")
        axes.set_ylabel("times faster")
        axes.set_xticks(range(len(summary)), list(summary), color=INK)
    legend(figure, swatches(analysis, backends))
    return figure


def sweeps(analysis):
    found = [(axis, analysis.sweep(axis)) for axis in "ndk"]
    found = [(axis, sweep) for axis, sweep in found if sweep]
    if not found:
        return None
    figure, panels = plt.subplots(1, len(found), figsize=(3.7 * len(found), 3.6), squeeze=False)
    drawn = []
    for axes, (axis, sweep) in zip(panels[0], found):
        drawn += _sweep(axes, analysis, axis, sweep, legend=False)
    panels[0][0].set_ylabel("seconds for a fit")
    legend(figure, swatches(analysis, [b for b in analysis.run.backends("fit") if b in drawn]))
    return figure


def _sweep(axes, analysis, axis, sweep, legend=True):
    fixed, lines = sweep
    palette = colours(analysis.run.backends())
    ticks = set()
    for i, (backend, (threads, points)) in enumerate(lines.items()):
        sizes, times = zip(*points)
        ticks.update(sizes)
        axes.plot(sizes, times, color=palette[backend], marker=MARKERS[i % len(MARKERS)],
                  label=f"{name_of(analysis, backend)}, {fmt.threads(threads)}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = sorted(ticks)
    plain_log(axes.xaxis, ticks if len(ticks) <= 6 else None)
    plain_log(axes.yaxis)
    rest = ", ".join(f"{a} {fmt.count(v)}" if a in "ndk" else str(v) for a, v in fixed.items())
    axes.set_title(f"against {axis}")
    axes.set_xlabel(f"{axis}   ({rest})")
    if legend:
        axes.legend(loc="best", fontsize=8)
    return list(lines)


def thread_scaling(analysis):
    dtypes = sorted({row.dtype for row in analysis.run.group("fit")})
    scaling = {dtype: analysis.thread_scaling(dtype) for dtype in dtypes}
    scaling = {dtype: lines for dtype, lines in scaling.items() if lines}
    if not scaling:
        return None
    palette = colours(analysis.run.backends())
    figure, panels = plt.subplots(1, len(scaling), figsize=(5.5 * len(scaling), 3.8), squeeze=False, sharey=True)
    for axes, (dtype, lines) in zip(panels[0], scaling.items()):
        counts = sorted({t for line in lines.values() for t in line})
        axes.plot([1, counts[-1]], [1, counts[-1]], color=MUTED, linestyle="--", linewidth=1.2, label="ideal")
        for i, (backend, line) in enumerate(lines.items()):
            axes.plot(list(line), list(line.values()), color=palette[backend], marker=MARKERS[i % len(MARKERS)],
                      label=f"{name_of(analysis, backend)}  {fmt.times(line[max(line)])} at {max(line)}")
        axes.set_xticks(counts)
        axes.set_xlabel("threads")
        axes.set_title(f"{dtype}, whole fits, geometric mean")
        axes.legend(loc="upper left")
    panels[0][0].set_ylabel("times faster than on one thread")
    return figure


def kernels(analysis):
    """Best GFLOP/s of each kernel by instruction set; a tick marks the measured peak."""
    rows = [r for r in analysis.run.group("kernel") if r.ok and gflops(r)]
    if not rows:
        return None
    dtypes = sorted({r.dtype for r in rows})
    names = list(dict.fromkeys(r.backend for r in rows))
    isas = sorted({r.isa for r in rows}, key=isa_rank)
    shades = colours([f"isa {isa}" for isa in isas])
    figure, panels = plt.subplots(1, len(dtypes), figsize=(5.5 * len(dtypes), 1.2 + 0.24 * len(names) * len(isas)),
                                  squeeze=False, sharey=True)
    height = 0.82 / len(isas)
    for axes, dtype in zip(panels[0], dtypes):
        for y, name in enumerate(names):
            for i, isa in enumerate(isas):
                mine = [r for r in rows if (r.backend, r.isa, r.dtype) == (name, isa, dtype)]
                if not mine:
                    continue
                best = max(mine, key=gflops)
                at = y + (i - (len(isas) - 1) / 2) * height
                axes.barh(at, gflops(best), height * 0.9, color=shades[f"isa {isa}"])
                peak = analysis.peak(best)
                axes.annotate(f"{fmt.three(gflops(best))}  (d {best.d}, k {best.k})", (max(gflops(best), peak or 0), at),
                              (6, 0), textcoords="offset points", va="center", fontsize=7.5, color=INK)
                if peak:
                    axes.plot([peak, peak], [at - height * 0.45, at + height * 0.45], color=INK, linewidth=1.6)
        axes.set_yticks(range(len(names)), names, color=INK)
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, axes.get_xlim()[1] * 1.22)
        axes.set_title(f"{dtype}, best GFLOP/s over the sizes")
        axes.set_xlabel("GFLOP/s")
    panels[0][0].invert_yaxis()  # shared: once for all panels
    handles = [Line2D([], [], color=shades[f"isa {isa}"], marker="s", markersize=8, linestyle="", label=isa) for isa in isas]
    handles.append(Line2D([], [], color=INK, marker="|", markersize=10, linestyle="", label="measured FMA peak"))
    legend(figure, handles)
    return figure
