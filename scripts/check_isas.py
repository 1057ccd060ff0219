#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that each instruction set stays where it belongs.

Without --qemu: the object files of the library in BUILD_DIR (x86-64). No object may hold an instruction that the
CPUs it is meant for lack, and no per-ISA object may define a weak symbol, which the linker could pick for an older
CPU.

With --qemu: the library runs on emulated CPUs that lack the newer instruction sets, and, cross-built, on AArch64.
Dispatch must pick what the CPU has, nothing may fault, and the results must be the bits of every instruction set run
natively. Needs qemu-user and g++-aarch64-linux-gnu; what it builds goes to BUILD_DIR/check_isas.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
EMULATED = [("Nehalem", "sse42"), ("SandyBridge", "sse42"), ("Haswell", "avx2")]

# Newest first: an instruction is of the first level whose pattern it matches.
BASELINE, SSE42, AVX2, AVX512, NEWER = range(5)
LEVEL_NAMES = ["the x86-64 baseline", "SSE4.2", "AVX2 and FMA", "AVX-512 F/BW/DQ/VL/CD", "newer than any table"]
# What dispatch never asks for: bit manipulation, half precision, AVX-512 beyond F/BW/DQ/VL/CD.
NEWER_MNEMONICS = re.compile(
    r"\{vex\} |(andn|bextr|bls(i|r|msk)|bzhi|mulx|pdep|pext|rorx|s[ahr]lx|shrx|lzcnt|adcx|adox|movbe|rdrand|rdseed|"
    r"v?aes\w+|v?pclmul\w+|v?gf2p8\w+|vcvtph2ps|vcvtps2ph|vpdpb\w+|vpdpw\w+|vpmadd52\w+|vperm[it]?2?b|vpmultishiftqb|"
    r"vpopcnt\w+|vpsh[lr]d\w+|vpcompress[bw]|vpexpand[bw]|vpshufbitqmb|vdpbf16ps|vcvtne\w+|v\w+(sh|ph)|vp2intersect\w+|"
    r"v4\w+|vexp2p[sd]|vrcp28\w+|vrsqrt28\w+|vgatherpf\w+|vscatterpf\w+|t(ile|dp)\w+|(ld|st)tilecfg)$")
AVX512_OPERANDS = re.compile(r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])|%k[0-7]|\{1to\d+\}")
AVX_MNEMONICS = re.compile(r"v(?!err|erw)\w+$")
AVX_OPERANDS = re.compile(r"%ymm")
SSE42_MNEMONICS = re.compile(
    r"(addsubp[sd]|h(add|sub)p[sd]|mov(ddup|shdup|sldup|ntdqa)|lddqu|fisttp\w*|p(shufb|h(add|sub)\w+|maddubsw|abs[bwd]|"
    r"alignr|sign[bwd]|mulhrsw|blend(vb|w)|mul(dq|ld)|minsb|minu[wd]|minsd|maxsb|maxu[wd]|maxsd|ackusdw|mov[sz]x\w+|test|"
    r"cmpeqq|cmpgtq|cmp[ei]str\w+|extr[bdq]|insr[bdq]|hminposuw)|blendv?p[sd]|round[ps][sd]|dpp[sd]|insertps|"
    r"extractps|crc32\w?|popcnt\w?|mpsadbw)$")

INSTRUCTION = re.compile(r"\s+[0-9a-f]+:\s+(?:(?:rep[nz]*|lock|data16|notrack|bnd|cs|ds) )*((?:\{vex\} )?\S+)\s*(.*)")

# What an object may hold, by the end of its name; and beyond that, what else dispatch asks for. CPUs with AVX-VNNI alone
# lack the other encoding of the same instructions, which a compiler prefers.
PER_ISA = {"sse42": SSE42, "avx2": AVX2, "avx512": AVX512, "avxvnni": AVX2, "avx512vnni": AVX512, "amx": AVX512}
PRODUCTS = {"avxvnni": {"{vex} vpdpbusd", "{vex} vpdpwssd"}, "avx512vnni": {"vpdpbusd", "vpdpwssd"},
            "amx": {"vpdpbusd", "ldtilecfg", "tileloadd", "tdpbsud", "tilestored", "tilerelease"}}


class Failed(Exception):
    """Something does not hold; the message says what."""


def level_of(mnemonic, operands):
    if NEWER_MNEMONICS.match(mnemonic):
        return NEWER
    if AVX512_OPERANDS.search(operands):
        return AVX512
    if AVX_MNEMONICS.match(mnemonic) or AVX_OPERANDS.search(operands):
        return AVX2
    return SSE42 if SSE42_MNEMONICS.match(mnemonic) else BASELINE


def output_of(command, **options):
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failed(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def isa_of(object_file):
    """The instruction set that an object is named after, or None."""
    stem = object_file.name.split(".")[0]
    match = re.match(r"(?:kernels|textbook_loops)_(\w+)$|int(?:8|16)_(avx\w+|amx)$", stem)
    return (match.group(1) or match.group(2)) if match else None


def check_instructions(object_file):
    isa = isa_of(object_file)
    allowed, products = PER_ISA.get(isa, BASELINE), PRODUCTS.get(isa, ())
    errors, function, seen, count = [], "?", set(), 0
    for line in output_of(["objdump", "-d", "-C", "--no-show-raw-insn", object_file]).splitlines():
        if header := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            function = header.group(1)
            continue
        if not (instruction := INSTRUCTION.match(line)):
            continue
        count += 1
        if instruction.group(1) in products:
            continue
        level = level_of(instruction.group(1), instruction.group(2).split("<")[0])
        if level > allowed and function not in seen:
            seen.add(function)
            errors.append(f"{object_file.name}: {function}: \"{' '.join(instruction.groups()).strip()}\" is of "
                          f"{LEVEL_NAMES[level]}, this object is for {LEVEL_NAMES[allowed]}")
    return errors, count


def defined_symbols(object_file):
    """(kind, name) of each global symbol that the object defines; kinds as nm prints them."""
    for line in output_of(["nm", "-C", "--defined-only", "--extern-only", object_file]).splitlines():
        if match := re.match(r"[0-9a-f]*\s+(\S) (.*)$", line):
            yield match.groups()


def check_symbols(objects):
    owners, errors = {}, []
    for object_file in objects:
        for kind, name in defined_symbols(object_file):
            owners.setdefault(name, []).append((object_file, kind))
    for name, definitions in owners.items():
        for object_file, kind in definitions:
            if isa_of(object_file) is None:
                continue
            others = sorted(other.name for other, _ in definitions if other != object_file)
            if kind in "WVu" or others:
                errors.append(f"{object_file.name}: {'weak' if kind in 'WVu' else 'global'} symbol {name}" +
                              (f" is also in {', '.join(others)}" if others else " could be picked for another object"))
            elif isa_of(object_file) not in name:
                errors.append(f"{object_file.name}: the global symbol {name} does not name its instruction set")
    return errors


def check_objects(build):
    directory = build / "src" / "CMakeFiles" / "omnimeans.dir"
    objects = sorted(directory.rglob("*.o"))
    found = {isa_of(o) for o in objects}
    if missing := ({"scalar"} | set(PER_ISA)) - found:
        raise Failed(f"{directory} has no object for {', '.join(sorted(missing))}")
    errors, total = check_symbols(objects), 0
    for object_file in objects:
        found_errors, count = check_instructions(object_file)
        errors += found_errors
        total += count
    if errors:
        raise Failed("\n".join(errors))
    print(f"{len(objects)} objects, {total} instructions: each within its instruction set, no shared symbols")


def cached(build, name):
    match = re.search(rf"^{name}:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.MULTILINE)
    return match.group(1) if match else ""


def compile_isa_bits(compiler, build, out):
    """The test program, without CMake: for a cross build no test framework is at hand."""
    out.parent.mkdir(parents=True, exist_ok=True)
    output_of([compiler, "-std=c++20", "-O2", "-ffp-contract=off",
               f"-I{ROOT}/include", f"-I{build}/include", f"-I{ROOT}/tests",
               ROOT / "tests/kernels/isa_bits.cpp", build / "src/libomnimeans.a", "-fopenmp", "-o", out])
    return out


def cross_build(build):
    # The kernels are optimised whatever the flags; the rest compiles sooner at -O1, and is checked as such.
    output_of(["cmake", "-G", "Ninja", "-S", ROOT, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DOMNIMEANS_WERROR=ON",
               "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",
               f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/toolchains/aarch64-linux-gnu.cmake",
               *(f"-DOMNIMEANS_BUILD_{part}=OFF" for part in ("CLI", "TESTS", "BENCHMARKS", "EXAMPLES"))])
    output_of(["cmake", "--build", build])
    return compile_isa_bits("aarch64-linux-gnu-g++", build, build / "isa_bits")


def bits(command, isa, environment=None):
    """The lines of isa_bits after the first, which must name `isa`."""
    clean = {name: value for name, value in os.environ.items() if name != "OMNIMEANS_ISA"}
    first, rest = output_of(command, env=clean | (environment or {})).split("\n", 1)
    if first != f"isa {isa}":
        raise Failed(f"{shlex.join(str(word) for word in command)} says \"{first}\", not \"isa {isa}\"")
    return rest


def check_emulated(build):
    program = compile_isa_bits(cached(build, "CMAKE_CXX_COMPILER"), build, build / "check_isas" / "isa_bits")
    expected = bits([program], "scalar", {"OMNIMEANS_ISA": "scalar"})
    problems = expected.count("\n")

    def compare(where, lines):
        if lines != expected:
            parted = next(pair for pair in zip(lines.splitlines(), expected.splitlines()) if pair[0] != pair[1])
            raise Failed(f"{where} differs from the scalar kernels:\n  {parted[0]}\n  {parted[1]}")
        print(f"{where}: the same bits in {problems} fits")

    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    needed = {"sse42": ["sse4_2"], "avx2": ["avx2", "fma"],
              "avx512": [f"avx512{part}" for part in ("f", "bw", "dq", "vl", "cd")]}
    for isa, names in needed.items():
        if all(name in flags for name in names):
            compare(f"native, {isa}", bits([program], isa, {"OMNIMEANS_ISA": isa}))
    cli = build / "src" / "cli" / "omnimeans"
    for cpu, isa in EMULATED:
        emulator = ["qemu-x86_64", "-cpu", cpu]
        compare(f"{cpu}, {isa} by itself", bits([*emulator, program], isa))
        info = cli.exists() and output_of([*emulator, cli, "info", "--json", "--no-ceilings"])
        if info and json.loads(info)["isa_default"] != isa:
            raise Failed(f"omnimeans info on {cpu} does not say {isa}")
    arm = cross_build(build / "check_isas" / "aarch64")
    for isa in ("scalar", "neon"):
        emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", arm]
        compare(f"AArch64, {isa}", bits(emulator, isa, {} if isa == "neon" else {"OMNIMEANS_ISA": isa}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", metavar="BUILD_DIR", type=pathlib.Path, help="where the library is built")
    parser.add_argument("--qemu", action="store_true", help="run on emulated CPUs instead of reading the objects")
    args = parser.parse_args()
    try:
        (check_emulated if args.qemu else check_objects)(args.build.resolve())
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
