# SPDX-License-Identifier: MIT
"""Lets CMake build the extension module; the rest of the package's description is in pyproject.toml.

OMNIMEANS_BUILD_DIR names a CMake build tree, configured with OMNIMEANS_PYTHON=ON, to take the module from: where the
library is built already, that saves minutes.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


def version() -> str:
    """The one place where the version stands is project() in CMakeLists.txt."""
    found = re.search(r"^project\(omnimeans VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("CMakeLists.txt has no project(omnimeans VERSION ...)")
    return found[1]


def configure(build: Path) -> list[str]:
    command = ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"]
    command += ["-DOMNIMEANS_PYTHON=ON", f"-DPython_EXECUTABLE={sys.executable}", "-DBUILD_SHARED_LIBS=OFF"]
    command += [f"-DOMNIMEANS_BUILD_{part}=OFF" for part in ("CLI", "TESTS", "BENCHMARKS", "EXAMPLES")]
    try:
        import pybind11
    except ImportError:
        return command  # CMake may know where it is
    return [*command, f"-Dpybind11_DIR={pybind11.get_cmake_dir()}"]


class CMakeBuild(build_ext):
    def build_extension(self, ext: Extension) -> None:
        given = os.environ.get("OMNIMEANS_BUILD_DIR")
        build = Path(given or self.build_temp).resolve()
        if not given:
            subprocess.run(configure(build), check=True)
        jobs = str(os.cpu_count() or 1)
        subprocess.run(["cmake", "--build", str(build), "--target", "omnimeans_python", "-j", jobs], check=True)
        module = Path(self.get_ext_fullpath(ext.name)).resolve()
        module.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(build / "python" / "omnimeans" / module.name, module)


# The tools of the system do; only where they are missing, pip brings its own.
tools = [package for program, package in (("cmake", "cmake>=3.25"), ("ninja", "ninja")) if not shutil.which(program)]
setup(
    version=version(),
    ext_modules=[Extension("omnimeans._core", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
    setup_requires=tools,
)
