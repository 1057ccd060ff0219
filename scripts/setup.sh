#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/setup.sh [PACKAGE...]
#
# Sees to it that the Debian packages needed to build, test and benchmark are there, and those named.
# Installs the missing ones with apt-get as root or where sudo asks for no password; otherwise prints the
# command to run and exits with 2. OMNIMEANS_SKIP_SETUP=1 skips the check (another distribution).
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

packages=(g++ cmake ninja-build libxsimd-dev libbenchmark-dev libgtest-dev libcli11-dev nlohmann-json3-dev libpng-dev
  python3 python3-matplotlib git)
for argument in "$@"; do
  case $argument in
    -h | --help) show_help && exit 0 ;;
    -*) usage_error "unknown option $argument" ;;
    *) packages+=("$argument") ;;
  esac
done

[[ -z ${OMNIMEANS_SKIP_SETUP:-} ]] || exit 0
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  status=2 die "no dpkg and apt-get here. Install what these Debian packages hold, then set OMNIMEANS_SKIP_SETUP=1:
  ${packages[*]}"
fi

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ((EUID == 0)); then
  as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo -n env)
else
  status=2 die "these packages are missing; please run
  sudo apt-get install --no-install-recommends ${missing[*]}"
fi

say "Installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
apt() { "${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null; }
# An update that fails (one mirror of several is down) need not matter; the installation says whether it does.
if ! { apt update || true; apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 40 -- "$log" >&2
  die "apt-get could not install ${missing[*]}"
fi
