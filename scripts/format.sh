#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/format.sh [--check]
#
# Formats every C++ file that git knows with clang-format 14; --check changes nothing and fails where it would.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

mode=(-i)
case ${1:-} in
  '') ;;
  --check) mode=(--dry-run --Werror) ;;
  -h | --help) show_help && exit 0 ;;
  *) usage_error "unknown argument $1" ;;
esac

# Another version formats otherwise.
formatter=$(command -v clang-format-14 || command -v clang-format) || status=2 die "no clang-format-14: install it"
[[ $("$formatter" --version) =~ version\ 14\. ]] || status=2 die "$formatter is not version 14: install clang-format-14"

cd -- "$root"
mapfile -d '' files < <(git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.h')
((${#files[@]})) || die "no C++ files found"
"$formatter" --style=file "${mode[@]}" -- "${files[@]}" || die "not formatted: run scripts/format.sh"
