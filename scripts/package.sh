#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/package.sh [--build DIR] [--out DIR]
#
# Makes Debian packages (the library, what a compiler needs, the program) from a build, which it makes if need be.
#
#   --build DIR   the build (default: build/release)
#   --out DIR     where the packages go (default: out)
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

build=$root/build/release out=$root/out
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --build | --out)
      need_value "$@"
      [[ $1 == --build ]] && build=$2 || out=$2
      shift 2
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
done
command -v dpkg-shlibdeps >/dev/null || status=2 die "no dpkg-shlibdeps: install dpkg-dev"
mkdir -p -- "$build" "$out"
build=$(cd -- "$build" && pwd) out=$(cd -- "$out" && pwd)

# Where Debian keeps its libraries follows from the prefix; nothing is compiled again for it. The build gets its own
# prefix back.
work=$(mktemp -d)
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
finish() {
  rm -rf -- "$work"
  [[ ! -f $build/CMakeCache.txt ]] || cmake -S "$root" -B "$build" -DCMAKE_INSTALL_PREFIX="${prefix:-/usr/local}" \
    -DCMAKE_SKIP_INSTALL_ALL_DEPENDENCY=OFF >/dev/null || true
}
trap finish EXIT
step "$build/logs/package-configure.log" "configure" cmake --preset release -S "$root" -B "$build" \
  -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_SKIP_INSTALL_ALL_DEPENDENCY=ON
step "$build/logs/package-build.log" "build" cmake --build "$build" -j "$(jobs_count)" --target omnimeans omnimeans_shared omnimeans_cli
# Of all that the build knows only what is installed is wanted.
step "$build/logs/package.log" "cpack" cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work"
mv -- "$work"/*.deb "$out/"
for package in "$out"/*.deb; do say "   $package: $(dpkg-deb -f "$package" Package Version Depends | tr '\n' ' ')"; done
