#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/bench.sh [--suite smoke|quick|full] [--out DIR] [--build DIR] [--strict]
#
# Runs the benchmark suite and writes its report: installs missing Debian packages when it may, builds, measures,
# and says where the report is.
#
#   --suite NAME  smoke (seconds), quick (about three minutes; the default) or full
#   --out DIR     where <cpu>/<date>-<commit>.json, README.md, plots and report.html go (default: out/;
#                 results/ holds the committed run)
#   --build DIR   where to build (default: build/release)
#   --strict      fail if a benchmark failed, e.g. because its labels were not those of naive
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

suite=quick out=$root/out build=$root/build/release strict=()
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --strict) strict=(--strict) && shift ;;
    --suite | --out | --build)
      need_value "$@"
      declare "${1#--}=$2"
      shift 2
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
done
[[ $suite =~ ^(smoke|quick|full)$ ]] || usage_error "no suite named $suite: smoke, quick or full"

"$root/scripts/setup.sh"
mkdir -p -- "$out" "$build"
out=$(cd -- "$out" && pwd)
build=$(cd -- "$build" && pwd)
logs=$build/logs
benchmarks=(bench_fit bench_assign bench_kernels bench_seeding bench_limits)

step "$logs/configure.log" "configure" cmake --preset release -S "$root" -B "$build"
step "$logs/build-bench.log" "build" cmake --build "$build" -j "$(jobs_count)" --target "${benchmarks[@]}" seeding_study omnimeans_cli

parts=$(mktemp -d)
trap 'rm -rf -- "$parts"' EXIT

# measure NAME: one executable of the suite. On a terminal it shows what it is doing on stderr.
wrong=() files=()
measure() {
  local name=$1 log=$logs/$1.log start=$SECONDS errors=/dev/stderr code=0
  : >"$log"
  [[ -t 2 ]] || errors=$log
  "$build/bench/$name" --suite "$suite" "--benchmark_out=$parts/$name.json" --benchmark_out_format=json \
    >>"$log" 2>>"$errors" </dev/null || code=$?
  # 1: a result was wrong. The row says so, and belongs into the report like the others.
  if ((code == 1)) && [[ -s $parts/$name.json ]]; then
    wrong+=("$name")
  elif ((code)); then
    tail -n 40 -- "$log" >&2
    die "$name, suite $suite failed (exit code $code): $log"
  fi
  files+=("$parts/$name.json")
  say "   $name, suite $suite: $((SECONDS - start)) s"
}
for name in "${benchmarks[@]}"; do measure "$name"; done

python=$(python_command)
merged=$("$python" "$root/scripts/report.py" --merge-into "$out" "${files[@]}")
step "$logs/seeding_study.log" "study of seedings" "$build/bench/seeding_study" --suite "$suite" \
  --out "${merged%.json}.seeding.json"
"$python" "$root/scripts/report.py" ${strict[@]+"${strict[@]}"} --out "$out" "$merged"
say "Data:   $merged"
say "Tables: $out/README.md"
say "Page:   $out/report.html"
((${#wrong[@]} == 0)) || die "wrong or missing results in ${wrong[*]}: see the rows marked as failed"
