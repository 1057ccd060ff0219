# SPDX-License-Identifier: MIT
"""Data and the C++ program, for all tests."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import omnimeans


def make_blobs(n_samples=600, n_features=5, n_groups=7, dtype=np.float64, seed=0):
    """Overlapping groups, so that a fit takes more than a few iterations."""
    rng = np.random.default_rng(seed)
    middles = rng.uniform(-4, 4, size=(n_groups, n_features))
    samples = middles[rng.integers(n_groups, size=n_samples)] + rng.normal(size=(n_samples, n_features))
    return samples.astype(dtype)


@pytest.fixture
def blobs():
    return make_blobs()


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def program(tmp_path):
    """Runs the C++ program's `fit` on arrays; returns centroids, labels, and what it says as JSON."""
    path = os.environ.get("OMNIMEANS_PROGRAM")
    if path is None:
        pytest.skip("built without the program")

    def fit(X, n_clusters, *options, **arrays):
        np.save(tmp_path / "X.npy", X)
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
            options += (f"--{name}", tmp_path / f"{name}.npy")
        outputs = ["--centroids", tmp_path / "c.npy", "--labels", tmp_path / "l.npy", "--json", "-"]
        command = [path, "fit", tmp_path / "X.npy", "-k", n_clusters, *options, *outputs]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        return np.load(tmp_path / "c.npy"), np.load(tmp_path / "l.npy"), json.loads(done.stdout)

    return fit


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a fresh interpreter; returns what it printed. The limit is for a script that hangs."""

    def run(script, *arguments, **environment):
        path = tmp_path / "script.py"
        path.write_text(script)
        # The package under test, wherever it was found.
        environment["PYTHONPATH"] = str(Path(omnimeans.__file__).parent.parent)
        done = subprocess.run(
            [sys.executable, str(path), *map(str, arguments)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
