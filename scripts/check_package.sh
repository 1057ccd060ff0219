#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: scripts/check_package.sh [--build DIR] [--deb]
#
# Installs a build into a scratch directory and embeds it as others would, outside the tree: find_package of the static
# and the shared library, add_subdirectory, make with pkg-config; each runs a program in C++ and one in C. Looks that no
# flag reaches them, that the shared library exports its interface alone, and that it works beside clang's OpenMP where
# that is installed. --deb makes the Debian packages too and, as root, installs, runs and removes them.
#
#   --build DIR   the build to install (default: build/release)
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

build=$root/build/release deb=''
while (($#)); do
  case $1 in
    -h | --help) show_help && exit 0 ;;
    --deb) deb=1 && shift ;;
    --build)
      need_value "$@"
      build=$2
      shift 2
      ;;
    *) usage_error "unknown argument $1" ;;
  esac
done
[[ -f $build/CMakeCache.txt ]] || die "no build in $build: make one, e.g. with scripts/test.sh"
build=$(cd -- "$build" && pwd)
for tool in cmake make pkg-config nm; do command -v "$tool" >/dev/null || status=2 die "no $tool: install it"; done

work=$(mktemp -d)
installed=''
finish() {
  if [[ -n $installed ]]; then dpkg -r omnimeans libomnimeans-dev "$library" >/dev/null 2>&1 || true; fi
  rm -rf -- "$work"
}
trap finish EXIT
prefix=$work/prefix
cp -r -- "$root/tests/package" "$work/consumers"
consumers=$work/consumers

step "$work/logs/build.log" "libraries and program" cmake --build "$build" -j "$(jobs_count)" \
  --target omnimeans omnimeans_shared omnimeans_cli
step "$work/logs/install.log" "install" cmake --install "$build" --prefix "$prefix"
libdir=$(dirname -- "$(find "$prefix" -name libomnimeans.so)")
version=$("$prefix/bin/omnimeans" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)

# run DIR: both programs of a consumer, which say the version.
run() {
  local program
  for program in consumer_c consumer_cpp; do
    "$1/$program" >"$work/said" || die "$1/$program failed: $(cat -- "$work/said")"
    grep -qF "omnimeans $version" -- "$work/said" || die "$1/$program is not of version $version: $(cat -- "$work/said")"
  done
}

# no_flags DIR: a consumer's compiler was told nothing that it had not asked for.
no_flags() {
  local flags
  flags=$(grep -hoE -- '[[:space:]]-(f|m|O|W|D)[^[:space:]]*' "$1"/compile_commands.json | grep -v -- -std= | sort -u) || true
  [[ -z $flags ]] || die "flags reached the consumer in $1:" "$flags"
}

# linked DIR yes|no: against the shared library, or not; never against anything in the source tree's build.
linked() {
  local program has
  for program in consumer_c consumer_cpp; do
    has=no
    ! readelf -d "$1/$program" | grep -q 'NEEDED.*libomnimeans' || has=yes
    [[ $has == "$2" ]] || die "$1/$program: needs the shared library: $has instead of $2"
  done
}

# built SOURCE DIR [OPTION...]: a consumer, configured and built without a build type.
built() {
  local source=$1 at=$2
  shift 2
  cmake -G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@" -S "$consumers/$source" -B "$at" && cmake --build "$at"
}
for kind in static shared ''; do
  at=$work/find-${kind:-any}
  step "$at.log" "find_package ${kind:-without component}" built installed "$at" -DKIND="$kind" -DCMAKE_PREFIX_PATH="$prefix"
  no_warnings "$at.log"
  run "$at"
  no_flags "$at"
  linked "$at" "$([[ $kind == static ]] && echo no || echo yes)"
done

at=$work/subproject
step "$at.log" "add_subdirectory" built subproject "$at" -DOMNIMEANS_SOURCE="$root" -DOMNIMEANS_SIMD=OFF
no_warnings "$at.log"
run "$at"
linked "$at" no
[[ -z $(find "$at" -perm /111 -type f -name 'omnimeans' -o -name '*_test' -o -name 'bench_*') ]] ||
  die "more than the library was built in $at"

export PKG_CONFIG_PATH=$libdir/pkgconfig
[[ $(pkg-config --modversion omnimeans) == "$version" ]] || die "pkg-config says another version"
[[ $(pkg-config --cflags omnimeans) =~ ^-I[^\ ]*\ *$ ]] || die "pkg-config's flags: $(pkg-config --cflags omnimeans)"
for static in '' 1; do
  at=$work/make-${static:-shared}
  cp -r -- "$consumers" "$at"
  step "$at.log" "make with pkg-config ${static:+, static}" make -C "$at/makefile" ${static:+STATIC=1}
  LD_LIBRARY_PATH=$libdir run "$at/makefile"
  linked "$at/makefile" "$([[ -n $static ]] && echo no || echo yes)"
done

# Beside another OpenMP runtime: the program's own parallel region is clang's, the library's is libgomp's.
clang=$(command -v clang++-14 || command -v clang++ || true)
if [[ -n $clang ]] && echo 'int main(){}' | "$clang" -x c++ -fopenmp=libomp -o "$work/probe" - 2>/dev/null; then
  step "$work/two.log" "beside clang's OpenMP" "$clang" -std=c++20 -fopenmp=libomp -I"$prefix/include" \
    "$consumers/two_runtimes.cpp" -L"$libdir" -Wl,-rpath,"$libdir" -lomnimeans -o "$work/two_runtimes"
  "$work/two_runtimes" || die "the library does not work beside clang's OpenMP"
fi

foreign=$(nm -DC --defined-only -- "$libdir/libomnimeans.so" | cut -c20- | grep -v omnimeans) || true
[[ -z $foreign ]] || die "the shared library exports more than its interface:" "$foreign"
say "   the shared library exports $(nm -D --defined-only -- "$libdir/libomnimeans.so" | wc -l) symbols, all of omnimeans"

[[ -n $deb ]] || exit 0
"$root/scripts/package.sh" --build "$build" --out "$work/deb"
library=$(dpkg-deb -f "$work"/deb/libomnimeans[0-9]*.deb Package)
for package in "$work"/deb/*.deb; do
  if dpkg-deb -c "$package" | grep -F -e "$root" -e "$work"; then die "$package holds paths of this machine"; fi
done
if ((EUID != 0)) || ! command -v dpkg >/dev/null; then
  say "   not root: the packages were made, not installed"
  exit 0
fi
if dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null | grep -qx installed; then
  die "$library is installed already: remove it first"
fi
installed=1
step "$work/logs/dpkg.log" "dpkg -i" dpkg -i "$work"/deb/*.deb
unset PKG_CONFIG_PATH
at=$work/deb-consumer
step "$at.log" "find_package of the packages" built installed "$at"
run "$at"
(cd / && omnimeans generate blobs "$work/points.npy" --n 1000 --d 4 --k 5 >/dev/null && omnimeans fit "$work/points.npy" -k 5 >/dev/null) ||
  die "the installed program failed"
files=$(dpkg -L omnimeans libomnimeans-dev "$library" | sort -u | grep omnimeans)
step "$work/logs/remove.log" "dpkg -r" dpkg -r omnimeans libomnimeans-dev "$library"
installed=''
while IFS= read -r file; do
  [[ ! -e $file ]] || die "$file is left after the packages are removed"
done <<<"$files"
