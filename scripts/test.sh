#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/test.sh [--build DIR] [CTEST ARGUMENT...]
#
# Runs all tests, those of the Python package included: installs missing Debian packages when it may, builds with
# warnings as errors, and calls ctest with the output of what fails. Further arguments go to ctest, e.g. -R predict.
#
#   --build DIR   where to build (default: build/release)
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

build=$root/build/release
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --build)
      need_value "$@"
      build=$2
      shift 2
      ;;
    *) break ;;
  esac
done

"$root/scripts/setup.sh" pybind11-dev python3-dev python3-numpy python3-pybind11 python3-pytest python3-sklearn \
  python3-joblib python3-pandas python3-pip python3-venv python3-wheel mypy
mkdir -p -- "$build"
build=$(cd -- "$build" && pwd)
step "$build/logs/configure.log" "configure" cmake --preset release -S "$root" -B "$build" -DOMNIMEANS_PYTHON=ON
no_warnings "$build/logs/configure.log"
step "$build/logs/build.log" "build" cmake --build "$build" -j "$(jobs_count)"
no_warnings "$build/logs/build.log"
# ctest's own progress and closing lines are what one wants to see here.
ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(jobs_count)" "$@"
