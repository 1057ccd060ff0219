# SPDX-License-Identifier: MIT
"""What the plots share: matplotlib without a screen, names, scales, legends."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator  # noqa: E402

from . import formatting as fmt  # noqa: E402
from .style import colours  # noqa: E402

__all__ = ["Line2D", "legend", "name_of", "plain_log", "plt", "swatches"]


def name_of(analysis, backend):
    inexact = any(r.exact is False for r in analysis.run.group("fit", "assign") if r.backend == backend)
    return f"{backend} ≈" if inexact else backend


def plain_log(axis, values=None):
    """Log ticks as plain numbers; `values`: exactly these."""
    if values is not None:
        axis.set_ticks(values)
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda v, _: fmt.count(v) if v >= 1 else f"{v:g}"))
    axis.set_minor_formatter(NullFormatter())


def legend(figure, handles, columns=9):
    """Below the axes; savefig's tight box makes the room."""
    figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncol=min(columns, len(handles)))


def swatches(analysis, backends):
    palette = colours(analysis.run.backends())
    return [Line2D([], [], color=palette[b], marker="s", markersize=8, linestyle="", label=name_of(analysis, b))
            for b in backends]
