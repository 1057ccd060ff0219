# SPDX-License-Identifier: MIT
"""The example with a plot runs and draws something."""
import subprocess
import sys
from pathlib import Path

import matplotlib.image

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plot_clusters.py"


def test_plot_clusters(tmp_path):
    picture = tmp_path / "clusters.png"
    done = subprocess.run([sys.executable, EXAMPLE, picture], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{picture}: inertia ")
    pixels = matplotlib.image.imread(picture)
    assert pixels.shape[:2] == (500, 1100) and pixels.std() > 0.1
