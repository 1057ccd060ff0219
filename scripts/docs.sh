#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/docs.sh [--out DIR]
#
# Writes the reference of the C++ and C interfaces, and the guides, as HTML with Doxygen. A warning is an error.
#
#   --out DIR   where the pages go (default: out/docs)
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

out=$root/out/docs
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --out)
      need_value "$@"
      out=$2
      shift 2
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
done
command -v doxygen >/dev/null || status=2 die "no doxygen: install it, e.g. with scripts/setup.sh doxygen"
mkdir -p -- "$out"
out=$(cd -- "$out" && pwd)
version=$(sed -n 's/^project(omnimeans VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
[[ -n $version ]] || die "no version in CMakeLists.txt"
cd -- "$root"
configuration=$(cat docs/Doxyfile && printf 'PROJECT_NUMBER = %s\nOUTPUT_DIRECTORY = "%s"\n' "$version" "$out")
doxygen - <<<"$configuration" || die "Doxygen has warnings"
say "   reference: $out/html/index.html"
