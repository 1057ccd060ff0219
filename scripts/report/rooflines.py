# SPDX-License-Identifier: MIT
"""Operations a second against operations a byte, under the ceilings measured in the same run."""

import math

from . import formatting as fmt
from . import limits
from .analysis import gflops
from .drawing import Line2D, legend, plain_log, plt, swatches
from .loading import isa_rank
from .style import INK, MUTED, PAPER, colours


def chosen_roofline(analysis):
    """(title, function): of what bench_limits measured where it ran, else of fits, passes and kernels."""
    if any(row.ok and gflops(row) for row in limits.dense(analysis.run)):
        return "Roofline: dense assignment and whole iterations under the measured ceilings", limit_roofline
    return "Roofline: fits and assignment passes under the measured ceilings", roofline


def limit_roofline(analysis):
    """Dense assignment of cached samples under the FMA peaks, whole iterations from memory under the bandwidth."""
    dense = [r for r in limits.dense(analysis.run) if r.ok and gflops(r)]
    streamed = [r for r in limits.iterations(analysis.run) if r.ok and gflops(r)]
    dtypes = sorted({r.dtype for r in dense})
    isas = sorted({r.isa for r in dense}, key=isa_rank)
    fewest = min(r.threads for r in dense)
    shades = colours([f"isa {isa}" for isa in isas])
    figure, panels = plt.subplots(1, len(dtypes), figsize=(6.2 * len(dtypes), 5.2), squeeze=False, sharey=True)
    for axes, dtype in zip(panels[0], dtypes):
        mine = [r for r in dense + streamed if r.dtype == dtype]
        x = [analysis.intensity(r) for r in mine]
        low, high = min(x) / 2, max(x) * 5
        axes.set(xscale="log", yscale="log", xlim=(low, high), xlabel="FLOP per byte of samples",
                 title=f"{dtype}")
        top = 0
        for isa, threads in sorted({(r.isa, r.threads) for r in mine}, key=lambda c: (isa_rank(c[0]), c[1])):
            if peak := analysis.run.peaks().get((isa, dtype, threads)):
                top = max(top, peak)
                axes.plot([low, high], [peak, peak], color=shades[f"isa {isa}"], linewidth=1.2, linestyle="-" if threads == fewest else "--")
                axes.annotate(f"{isa}, {fmt.threads(threads)}: {fmt.three(peak)}", (high, peak), (-3, 2), ha="right",
                              textcoords="offset points", fontsize=7.5, color=INK)
        for threads, bandwidth in analysis.run.bandwidths().items():
            if any(r.threads == threads for r in mine) and top > low * bandwidth:
                axes.plot([low, top / bandwidth], [low * bandwidth, top], color=MUTED, linewidth=1.2,
                          linestyle="-" if threads == fewest else "--")
                x = top / bandwidth * 0.94
                axes.text(x, x * bandwidth, f"read {fmt.three(bandwidth)} GB/s, {fmt.threads(threads)} ", fontsize=7.5, color=MUTED,
                          ha="right", va="bottom", rotation=math.degrees(math.atan(bandwidth)), rotation_mode="anchor",
                          transform_rotates_text=True)
        for row in mine:
            shape = {"marker": "D", "color": INK} if row in streamed else {"marker": "o", "color": shades[f"isa {row.isa}"]}
            axes.scatter(analysis.intensity(row), gflops(row), s=26, linewidths=1.1, zorder=4, **shape,
                         **({} if row.threads == fewest else {"facecolors": PAPER}))
        _name_features(axes, analysis, [r for r in dense if (r.dtype, r.isa, r.threads) == (dtype, isas[-1], fewest)])
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)
    panels[0][0].set_ylabel("GFLOP/s (2·n·k·d a pass)")
    handles = [Line2D([], [], color=shades[f"isa {isa}"], marker="o", linestyle="", label=f"dense pass, {isa}") for isa in isas]
    if streamed:
        handles.append(Line2D([], [], color=INK, marker="D", linestyle="", label="whole iteration, samples from memory"))
    if any(r.threads != fewest for r in dense + streamed):
        handles.append(Line2D([], [], color=MUTED, marker="o", markerfacecolor=PAPER, linestyle="--", label="all threads"))
    legend(figure, handles, columns=6)
    return figure


def _name_features(axes, analysis, rows):
    """"d 64, 128" right of the points; those that nearly coincide share their name."""
    close = []
    for row in sorted(rows, key=gflops):
        at = (analysis.intensity(row), gflops(row))
        near = next((c for c in close if all(max(a, b) / min(a, b) < 1.1 for a, b in zip(at, c[0]))), None)
        if near:
            near[1].add(row.d)
        else:
            close.append((at, {row.d}))
    for at, features in close:
        axes.annotate("d " + ", ".join(map(str, sorted(features))), at, (6, 0), textcoords="offset points", va="center",
                      fontsize=7.5, color=INK, zorder=6)


def roofline(analysis):
    """Every point faint, the best of each backend and kernel strong, under the ceilings measured in the same run.
    The rate is effective (2nkd a pass): who skips distances may rise above the roof."""
    rows = [r for r in analysis.run.group("fit", "assign", "kernel") if r.ok and gflops(r) and analysis.intensity(r)]
    dtypes = sorted({r.dtype for r in rows})
    if not rows:
        return None
    palette = colours(analysis.run.backends())
    figure, panels = plt.subplots(1, len(dtypes), figsize=(5.8 * len(dtypes), 4.8), squeeze=False, sharey=True)
    for axes, dtype in zip(panels[0], dtypes):
        mine = [r for r in rows if r.dtype == dtype]
        x = [analysis.intensity(r) for r in mine]
        low, high = min(x) / 3, max(x) * 14
        _roofs(axes, analysis, dtype, low, high)
        best = {}
        for row in sorted(mine, key=gflops):
            best[(row.group == "kernel", row.backend)] = row
            axes.scatter(analysis.intensity(row), gflops(row), s=14, alpha=0.3, linewidths=0.8, **_mark(row, palette))
        for row in best.values():
            edge = {} if row.group == "kernel" else {"edgecolors": PAPER}
            axes.scatter(analysis.intensity(row), gflops(row), s=62, linewidths=1.1, zorder=5, **_mark(row, palette), **edge)
        _point_labels(axes, analysis, best.values())
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlim(low, high)
        plain_log(axes.xaxis)
        plain_log(axes.yaxis)
        axes.set_title(f"{dtype}: the best of each is large")
        axes.set_xlabel("FLOP per byte")
    panels[0][0].set_ylabel("GFLOP/s (2·n·k·d a pass)")
    handles = swatches(analysis, list(dict.fromkeys(r.backend for r in rows if r.group != "kernel")))
    handles += [Line2D([], [], color=MUTED, marker=marker, linestyle="", label=label)
                for group, (marker, label) in SHAPES.items() if any(r.group == group for r in rows)]
    legend(figure, handles, columns=10)
    return figure


SHAPES = {"fit": ("o", "whole fit"), "assign": ("^", "one pass"), "kernel": ("x", "kernel")}


def _mark(row, palette):
    return {"marker": SHAPES[row.group][0], "color": INK if row.group == "kernel" else palette[row.backend]}


def _point_labels(axes, analysis, rows):
    """Names right of the points, from the lowest up, each pushed above the one before where they would overlap."""
    floor = 0.0
    for row in sorted(rows, key=gflops):
        at = max(gflops(row), floor)
        floor = at * 1.26
        axes.annotate(row.backend, (analysis.intensity(row), gflops(row)), (analysis.intensity(row) * 1.22, at),
                      va="center", fontsize=7.5, color=INK, zorder=6,
                      bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.6})


def _roofs(axes, analysis, dtype, low, high):
    """One roof for each instruction set at the most threads, and a dotted one for the best on one thread."""
    bandwidths = analysis.run.bandwidths()
    peaks = {(isa, t): value for (isa, dtype_, t), value in analysis.run.peaks().items() if dtype_ == dtype}
    if not peaks:
        return
    most = max(t for _, t in peaks)
    single = max(((value, isa) for (isa, t), value in peaks.items() if t == 1), default=None)
    roofs = [(isa, t, value) for (isa, t), value in peaks.items() if t == most]
    if single and most != 1:
        roofs.append((single[1], 1, single[0]))
    for isa, threads, value in roofs:
        bandwidth = bandwidths.get(threads)
        knee = value / bandwidth if bandwidth else low
        xs, ys = ([low, knee, high], [low * bandwidth, value, value]) if low < knee < high else ([low, high], [value] * 2)
        axes.plot(xs, ys, color=MUTED, linewidth=1.3, linestyle="-" if threads == most else ":")
        if threads == most and value == max(v for _, t, v in roofs if t == most) and low < knee < high:
            axes.annotate(f"{fmt.three(bandwidth)} GB/s", (knee * 0.8, value), (0, -2), textcoords="offset points",
                          ha="right", fontsize=7.5, color=MUTED)
        axes.annotate(f"{isa}, {fmt.threads(threads)}: {fmt.three(value)}", (high, value),
                      (-4, 3 if threads == most else -9), textcoords="offset points", ha="right", fontsize=7.5, color=MUTED)
