# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts share; sourced, not run.

# shellcheck disable=SC2034  # used by those who source this
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
program=$(basename -- "$0")

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "$program" "$*" >&2
  exit "${status:-1}"
}
usage_error() { status=2 die "$* (see $program --help)"; }

# need_value OPTION [VALUE]...: ends the script unless the option has a value.
need_value() { [[ -n ${2:-} ]] || usage_error "$1 needs a value"; }

# The comment block at the top of the script is its help; the first line (#!) and the licence are left out.
show_help() { sed -n '3,/^[^#]/{/^#/{s/^# \{0,1\}//;p}}' "$0"; }

jobs_count() { nproc 2>/dev/null || echo 2; }

# The Python of the system: Debian's matplotlib belongs to it, not to another one earlier in the PATH.
python_command() {
  if [[ -n ${OMNIMEANS_PYTHON_COMMAND:-} ]]; then
    printf '%s' "$OMNIMEANS_PYTHON_COMMAND"
  elif [[ -x /usr/bin/python3 ]]; then
    printf '%s' /usr/bin/python3
  else
    printf '%s' python3
  fi
}

# step LOG WHAT COMMAND...: runs the command with its output in LOG; says what and how long it took. On a terminal the
# output is shown, too. On failure the end of LOG is shown and the script ends.
step() {
  local log=$1 what=$2 start=$SECONDS failed=0
  shift 2
  mkdir -p -- "$(dirname -- "$log")"
  say "== $what"
  if [[ -t 1 ]]; then
    "$@" 2>&1 | tee -- "$log" || failed=1
  else
    "$@" >"$log" 2>&1 || failed=1
  fi
  if ((failed)); then
    [[ -t 1 ]] || tail -n 80 -- "$log" >&2
    die "$what failed after $((SECONDS - start)) s: $log"
  fi
  say "   $what: $((SECONDS - start)) s"
}

# warn_if_busy: one line where the load of the last minute says that other work will show in what is measured.
warn_if_busy() {
  local load
  load=$(cut -d' ' -f1 /proc/loadavg 2>/dev/null) || return 0
  if awk -v load="$load" -v cores="$(jobs_count)" 'BEGIN { exit !(load > cores / 4) }'; then
    say "   load $load before anything is measured: other work on this machine makes times longer and noisy"
  fi
}

# no_warnings LOG: ends the script if the compiler, linker or CMake warned.
no_warnings() {
  if grep -nE '(warning:|CMake Warning|CMake Deprecation)' -- "$1" >&2; then
    die "there are warnings: $1"
  fi
}
