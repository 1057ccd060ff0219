#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/update_generated.sh [--check] [--build DIR]
#
# Brings what is generated and committed up to date: the README's table of backends, from `omnimeans backends
# --markdown`, its headline on other libraries and the tables of docs/which-backend.md, from the committed results.
# --check changes nothing and fails where it would; it also looks whether results/README.md is what its JSON gives.
#
#   --build DIR   the build that has the program (default: build/release)
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

check='' build=$root/build/release
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --check) check=1 && shift ;;
    --build)
      need_value "$@"
      build=$2
      shift 2
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
done

omnimeans=$build/src/cli/omnimeans
[[ -x $omnimeans ]] || die "no program at $omnimeans: build it first, e.g. with scripts/test.sh"
readme=$root/README.md
[[ -f $readme ]] || die "no file $readme"
blocks=(backends)
# A tree without results has no headline.
[[ ! -f $root/results/README.md ]] || blocks+=(headline)
for block in "${blocks[@]}"; do
  for marker in begin end; do
    [[ $(grep -cF -- "<!-- $block:$marker -->" "$readme") == 1 ]] || die "$readme: there must be one line <!-- $block:$marker -->"
  done
done

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
"$omnimeans" backends --markdown >"$work/backends"
[[ -s $work/backends ]] || die "$omnimeans backends --markdown printed nothing"
[[ ! -f $root/results/README.md ]] || "$(python_command)" "$root/scripts/report.py" --headline >"$work/headline"
cp -- "$readme" "$work/readme"
for block in "${blocks[@]}"; do
  awk -v block="$block" -v text="$work/$block" '
    $0 == "<!-- " block ":end -->" { inside = 0 }
    !inside { print }
    $0 == "<!-- " block ":begin -->" { inside = 1; while ((getline line < text) > 0) print line }
  ' "$work/readme" >"$work/next"
  mv -- "$work/next" "$work/readme"
done

if [[ -z $check ]]; then
  # Copied, not moved: the file keeps its owner and mode.
  cmp -s -- "$work/readme" "$readme" || cp -- "$work/readme" "$readme"
  [[ ! -f $root/results/README.md ]] || "$(python_command)" -B "$root/scripts/guide.py"
  exit 0
fi
diff -u --label README.md --label "README.md as generated" -- "$readme" "$work/readme" ||
  die "what is generated in README.md is not current: run scripts/update_generated.sh"
if [[ -f $root/results/README.md ]]; then
  "$(python_command)" "$root/scripts/report.py" --check
  "$(python_command)" -B "$root/scripts/guide.py" --check
fi
