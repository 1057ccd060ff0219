#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/compare.sh OLD.json NEW.json [--alpha P] [--threshold PERCENT] [--filter REGEX] [--json FILE]
#
# Is NEW slower than OLD? For each benchmark of both files a two-sided Mann-Whitney U test over the times of its repetitions,
# as Google Benchmark's compare.py does: at least 9 repetitions a side, e.g. of
#   scripts/bench.sh --only bench_fit --repetitions 9 --filter 'blobs.*auto' --out out/old
# A benchmark is slower (faster) where p < alpha and the medians differ by more than the threshold. The last line is the
# verdict: "same", "faster", "slower" or "undecided".
#
#   --alpha P            significance (default: 0.05)
#   --threshold PERCENT  smaller differences of the medians are left alone (default: 3)
#   --filter REGEX       benchmarks whose name matches
#   --json FILE          the verdict and every figure for programs; - for the standard output, instead of the table
#
# Exit code: 0 nothing is slower, 1 something is, 2 wrong usage or file, 3 too few repetitions to tell.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  -h | --help) show_help && exit 0 ;;
esac
exec "$(python_command)" "$root/scripts/compare.py" "$@"
