# SPDX-License-Identifier: MIT
"""The types that the package tells to type checkers are those it has, and its own code agrees with them."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

import omnimeans

PACKAGE = Path(omnimeans.__file__).parent

USE = """
import numpy as np
import omnimeans
X = np.zeros((3, 2))
centroids, labels = omnimeans.kmeans(X, 2, n_init=2, init=[[0.0, 1.0], [1.0, 0.0]])
reveal_type(labels)
inertia: float = omnimeans.kmeans(X.tolist(), 2).inertia
reveal_type(omnimeans.kmeans(X, 2).history[0].reason)
omnimeans.KMeans(2).fit(X).predict(X)
omnimeans.kmeans(X, 2, n_clusterz=3)
omnimeans.kmeans(X, "2")
"""


@pytest.fixture
def mypy(tmp_path):
    pytest.importorskip("mypy")

    def run(*arguments):
        environment = {**os.environ, "MYPYPATH": str(PACKAGE.parent), "MYPY_CACHE_DIR": str(tmp_path / "cache")}
        command = [sys.executable, "-m", *map(str, arguments)]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)

    return run


def test_the_code_agrees_with_its_types(mypy):
    done = mypy("mypy", "--strict", "--ignore-missing-imports", "--allow-subclassing-any", "-p", "omnimeans")
    assert done.returncode == 0, done.stdout


def test_the_stub_describes_the_module(mypy):
    done = mypy("mypy.stubtest", "omnimeans._core", "--ignore-missing-stub")
    assert done.returncode == 0, done.stdout


def test_users_code_is_checked(mypy, tmp_path):
    (tmp_path / "use.py").write_text(USE)
    done = mypy("mypy", "--ignore-missing-imports", "use.py")
    notes = [line for line in done.stdout.splitlines() if "note: Revealed" in line]
    errors = [line for line in done.stdout.splitlines() if "error: " in line]
    assert "signedinteger[numpy._typing._32Bit" in notes[0] and "builtins.str" in notes[1]
    assert len(errors) == 2
    assert 'Unexpected keyword argument "n_clusterz"' in errors[0]
    assert 'incompatible type "str"; expected "int"' in errors[1]
