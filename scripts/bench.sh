#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/bench.sh [--suite smoke|quick|full] [--peers] [--peers-suite smoke|quick|full] [--only NAME,...]
#                         [--repetitions N] [--filter REGEX] [--data KIND|file:PATH --k K] [--out DIR] [--build DIR]
#                         [--strict]
#
# Runs the benchmark suite and writes its report: installs missing Debian packages when it may, builds, measures,
# and says where the report is.
#
#   --suite NAME     smoke (seconds), quick (about six minutes; the default) or full
#   --peers          compare with other libraries too: installs those that Debian has (quick: six minutes more)
#   --peers-suite NAME  --peers with a suite of its own
#   --only NAMES     these programs alone: bench_fit, bench_assign, bench_kernels, bench_seeding, bench_limits, bench_peers
#   --repetitions N  of each benchmark, instead of the suite's; scripts/compare.sh wants at least 9
#   --filter REGEX   benchmarks whose name matches
#   --data WHAT      your own file (file:points.npy) or a kind of data, instead of the suite's problems; needs --k and
#                    runs bench_fit alone, and bench_peers with --peers
#   --k K            clusters, with --data
#   --out DIR        where <cpu>/<date>-<commit>.json, README.md, losses.md, plots and report.html go (default: out/;
#                    results/ holds the committed run)
#   --build DIR      where to build (default: build/release)
#   --strict         fail if a benchmark failed, e.g. because its labels were not those of naive
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

suite=quick out=$root/out build=$root/build/release strict=() peers='' peers_suite='' only='' repetitions='' filter='' data='' k=''
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --strict) strict=(--strict) && shift ;;
    --peers) peers=1 && shift ;;
    --suite | --peers-suite | --only | --repetitions | --filter | --data | --k | --out | --build)
      need_value "$@"
      name=${1#--}
      declare "${name//-/_}=$2"
      shift 2
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
done
for name in "$suite" ${peers_suite:+"$peers_suite"}; do
  [[ $name =~ ^(smoke|quick|full)$ ]] || usage_error "no suite named $name: smoke, quick or full"
done
[[ -z $peers_suite ]] || peers=1
peers_suite=${peers_suite:-$suite}
[[ -z $data && -z $k || -n $data && -n $k ]] || usage_error "--data and --k go together"

benchmarks=(bench_fit bench_assign bench_kernels bench_seeding bench_limits)
[[ -z $data ]] || benchmarks=(bench_fit)
[[ -z $peers ]] || benchmarks+=(bench_peers)
if [[ -n $only ]]; then
  wanted=() known=" ${benchmarks[*]} bench_peers "
  IFS=, read -ra names <<<"$only"
  for name in "${names[@]}"; do
    [[ $known == *" $name "* ]] || usage_error "no program named $name:${known% }"
    wanted+=("$name")
    [[ $name != bench_peers ]] || peers=1
  done
  benchmarks=("${wanted[@]}")
fi

# What the adapters of bench/peers/ are built against or run with. Without OpenBLAS, FAISS would get the reference BLAS.
peer_packages=(libopenblas-dev libfaiss-dev libopencv-core-dev libarmadillo-dev libdlib-dev libvlfeat-dev libalglib-dev
  python3-sklearn python3-scipy r-base-core)
"$root/scripts/setup.sh" ${peers:+"${peer_packages[@]}"}
mkdir -p -- "$out" "$build"
out=$(cd -- "$out" && pwd)
build=$(cd -- "$build" && pwd)
logs=$build/logs

warn_if_busy  # now: the build is a load of its own
step "$logs/configure.log" "configure" cmake --preset release -S "$root" -B "$build" ${peers:+-DOMNIMEANS_PEERS=ON}
step "$logs/build-bench.log" "build" cmake --build "$build" -j "$(jobs_count)" --target "${benchmarks[@]}" bench_predict seeding_study omnimeans_cli omnimeans_libraries

parts=$(mktemp -d)
trap 'rm -rf -- "$parts"' EXIT

# measure NAME: one executable of the suite. On a terminal it shows what it is doing on stderr.
wrong=() files=()
measure() {
  local name=$1 log=$logs/$1.log start=$SECONDS errors=/dev/stderr code=0 chosen=$suite arguments=()
  [[ $name != bench_peers ]] || chosen=$peers_suite
  arguments=(--suite "$chosen" "--benchmark_out=$parts/$name.json" --benchmark_out_format=json)
  [[ -z $repetitions ]] || arguments+=("--benchmark_repetitions=$repetitions")
  [[ -z $filter ]] || arguments+=("--benchmark_filter=$filter")
  [[ -z $data ]] || arguments+=(--data "$data" -k "$k")
  : >"$log"
  [[ -t 2 ]] || errors=$log
  "$build/bench/$name" "${arguments[@]}" >>"$log" 2>>"$errors" </dev/null || code=$?
  # 1: a result was wrong. The row says so, and belongs into the report like the others.
  if ((code == 1)) && [[ -s $parts/$name.json ]]; then
    wrong+=("$name")
  elif ((code == 2)) && [[ -n $filter ]]; then
    say "   $name: nothing matches the filter"
    return
  elif ((code)); then
    tail -n 40 -- "$log" >&2
    die "$name, suite $chosen failed (exit code $code): $log"
  fi
  files+=("$parts/$name.json")
  say "   $name, suite $chosen: $((SECONDS - start)) s"
}
for name in "${benchmarks[@]}"; do measure "$name"; done
((${#files[@]})) || die "no benchmark matches the filter"

python=$(python_command)
merged=$("$python" "$root/scripts/report.py" --merge-into "$out" "${files[@]}")
if [[ " ${benchmarks[*]} " == *" bench_seeding "* && -z $filter ]]; then
  step "$logs/seeding_study.log" "study of seedings" "$build/bench/seeding_study" --suite "$suite" \
    --out "${merged%.json}.seeding.json"
fi
"$python" "$root/scripts/report.py" ${strict[@]+"${strict[@]}"} --out "$out" "$merged"
say "Data:   $merged"
say "Tables: $out/README.md"
say "Page:   $out/report.html"
((${#wrong[@]} == 0)) || die "wrong or missing results in ${wrong[*]}: see the rows marked as failed"
