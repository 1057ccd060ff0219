# SPDX-License-Identifier: MIT
"""Colours and matplotlib settings shared by the plots and the page."""

# The page replaces the first four by its own variables, so that the plots follow its light and dark theme.
INK, MUTED, LINE, PAPER = "#1b2433", "#5d6b82", "#dfe4ec", "#fefefe"

NEUTRAL = {"naive": "#8e9bb0", "textbook": "#c2a07a", "auto": "#e0385c"}
PALETTE = ["#3b82f6", "#f2a413", "#12b07f", "#8b5cf6", "#06a9c9", "#e05fb0", "#7cb518", "#f4743b", "#5b6ee1", "#159f96",
           "#b9770e", "#a855c7"]

RC = {
    "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE, "axes.facecolor": PAPER, "figure.facecolor": PAPER, "savefig.facecolor": PAPER,
    "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.8, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.titlepad": 10, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelsize": 9, "ytick.labelsize": 9, "legend.frameon": False, "legend.fontsize": 9,
    "lines.linewidth": 2, "lines.markersize": 5, "svg.fonttype": "path", "figure.constrained_layout.use": True,
}


LIBRARIES = ["#1d4e89", "#a4461b", "#2f7d4f", "#7a3e9d", "#0f7b8a", "#b0307a", "#6b7d12", "#c0392b", "#4a55c2", "#8a6d1b", "#546e7a",
             "#d35400", "#16a085", "#9b59b6", "#7f5539", "#2c7be5"]


def library_colours(libraries):
    """Other libraries have a palette of their own, darker than ours."""
    return {name: LIBRARIES[i % len(LIBRARIES)] for i, name in enumerate(libraries)}


def colours(backends):
    """{backend: colour}: baselines and auto have their own, the others take the palette in the order of the registry."""
    chosen, free = {}, 0
    for backend in backends:
        if backend in NEUTRAL:
            chosen[backend] = NEUTRAL[backend]
        else:
            chosen[backend] = PALETTE[free % len(PALETTE)]
            free += 1
    return chosen
