# SPDX-License-Identifier: MIT
"""pip: a source archive that has all it takes, installed into a fresh virtual environment, used, and removed.

The module is taken from the build at hand; compiling the archive anew would take minutes.
"""
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ["CMakeLists.txt", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"]
FOLDERS = ["cmake", "include", "python", "src"]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pip_installs_the_source_archive(tmp_path):
    if "OMNIMEANS_BUILD_DIR" not in os.environ:
        pytest.skip("there is no build to take the module from")
    source = tmp_path / "source"
    source.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, source)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))

    env = tmp_path / "env"
    run(sys.executable, "-m", "venv", "--system-site-packages", env)
    python = env / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    make = "from setuptools import build_meta; print(build_meta.build_sdist('..'))"
    archive = tmp_path / run(python, "-c", make, cwd=source, env=environment).splitlines()[-1]

    with tarfile.open(archive) as tar:
        packed = {name.partition("/")[2] for name in tar.getnames()}
    files = [path.relative_to(source) for name in FOLDERS for path in (source / name).rglob("*") if path.is_file()]
    wanted = {str(path) for path in files if ".egg-info" not in str(path)}
    assert wanted <= packed and {"CMakeLists.txt", "LICENSE", "setup.py"} <= packed

    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--no-build-isolation", "--no-deps", "--no-index", archive, env=environment)
    use = "import omnimeans; print(omnimeans.__file__, len(omnimeans.kmeans([[0], [1]], 2).labels), omnimeans.__version__)"
    where, labels, version = run(python, "-c", use, cwd=tmp_path, env=environment).split()
    assert Path(where).is_relative_to(env) and labels == "2" and f"omnimeans-{version}." in archive.name
    for name in ("py.typed", "_core.pyi"):
        assert (Path(where).parent / name).exists()
    run(*pip, "uninstall", "--yes", "omnimeans", env=environment)
    assert not Path(where).exists()
