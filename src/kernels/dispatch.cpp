// SPDX-License-Identifier: MIT
// Which kernels this CPU runs: asked once, best last, forced by OMNIMEANS_ISA or by an option. Compiled at
// the baseline.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#if defined(OMNIMEANS_X86)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#include "kernels/int16.hpp"
#include "kernels/int8.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans {
namespace kernels {

extern const KernelTable table_scalar;
#if defined(OMNIMEANS_X86)
extern const KernelTable table_sse42;
extern const KernelTable table_avx2;
extern const KernelTable table_avx512;
extern const Int8Kernels int8_amx;
extern const Int8Kernels int8_avx512vnni;
extern const Int8Kernels int8_avxvnni;
extern const Int8Kernels int8_avx2;
extern const Int16Kernels int16_avx512vnni;
extern const Int16Kernels int16_avxvnni;
extern const Int16Kernels int16_avx2;
#elif defined(OMNIMEANS_AARCH64)
extern const KernelTable table_neon;
#endif

namespace {

constexpr std::array all_tables {
  &table_scalar,
#if defined(OMNIMEANS_X86)
      &table_sse42, &table_avx2, &table_avx512,
#elif defined(OMNIMEANS_AARCH64)
      &table_neon,
#endif
};

/// What the CPU has and the operating system saves (the builtins look at XGETBV too).
bool runs_here(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return true;
#if defined(OMNIMEANS_X86)
    case Isa::sse42:
      return __builtin_cpu_supports("sse4.2");
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx2") &&
             __builtin_cpu_supports("fma");
#elif defined(OMNIMEANS_AARCH64)
    case Isa::neon:
      return true;
#endif
    default:
      return false;
  }
}

#if defined(OMNIMEANS_X86)
/// CPUID leaf 7, sub-leaf 1: clang 14 has no builtin for it. The system saves what AVX2 needs if AVX2 runs.
/// Asked once: in a virtual machine the instruction goes to the hypervisor, for tens of microseconds.
bool has_avx_vnni() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1u) != 0;
  }();
  return has;
}

/// CPUID leaf 7, EDX: whether the CPU has all of these.
bool cpu_has_features(unsigned bits) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & bits) == bits;
}

/// Products of tiles of bytes.
bool cpu_has_amx_int8() {
  constexpr unsigned tile = 1u << 24, int8 = 1u << 25;
  static const bool has = cpu_has_features(tile | int8);
  return has;
}

/// Arithmetic of 16-bit floats: of the CPUs that may have AMX, also where a virtual machine has none of it.
bool cpu_has_avx512_fp16() {
  constexpr unsigned fp16 = 1u << 23;
  static const bool has = cpu_has_features(fp16);
  return has;
}

/// Zen 5 with vectors of 512 bits in one piece: AMD's family 1Ah, of servers (models 00h to 1Fh) and desktops
/// (40h to 4Fh). Of the others some halve them (20h to 2Fh, 60h to 6Fh); none is told from those.
bool cpu_is_wide_zen5() {
  static const bool is = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    constexpr unsigned auth = 0x68747541;  // "AuthenticAMD"
    if (__get_cpuid(0, &a, &b, &c, &d) == 0 || b != auth || __get_cpuid(1, &a, &b, &c, &d) == 0) return false;
    const unsigned family = (a >> 8 & 0xf) + (a >> 20 & 0xff), model = (a >> 4 & 0xf) | (a >> 12 & 0xf0);
    return family == 0x1a && (model < 0x20 || (model >= 0x40 && model < 0x50));
  }();
  return is;
}

/// Products of tiles of bytes, where Linux lets this process use them, which it does if asked.
/// OMNIMEANS_AMX=0 does not ask.
bool has_amx_int8() {
#if defined(__linux__)
  static const bool has = [] {
    const char* wanted = std::getenv("OMNIMEANS_AMX");
    if (wanted != nullptr && std::string_view(wanted) == "0") return false;
    if (!cpu_has_amx_int8()) return false;
    constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    const int before = errno;
    const bool allowed = syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
    errno = before;
    return allowed;
  }();
  return has;
#else
  return false;
#endif
}
#endif

}  // namespace

std::span<const KernelTable* const> tables() {
  return all_tables;
}

const KernelTable& table(Isa isa) {
  const auto found =
      std::find_if(all_tables.begin(), all_tables.end(), [&](auto* t) { return t->isa == isa; });
  return found != all_tables.end() ? **found : table_scalar;
}

const Int8Kernels* int8_kernels(Isa isa, bool vnni, bool tiles) {
#if defined(OMNIMEANS_X86)
  if (isa == Isa::avx512 && vnni && __builtin_cpu_supports("avx512vnni"))
    return tiles && has_amx_int8() ? &int8_amx : &int8_avx512vnni;
  if (isa == Isa::avx2) return vnni && has_avx_vnni() ? &int8_avxvnni : &int8_avx2;
#endif
  static_cast<void>(isa);
  static_cast<void>(vnni);
  static_cast<void>(tiles);
  return nullptr;
}

const Int16Kernels* int16_kernels(Isa isa, bool vnni) {
#if defined(OMNIMEANS_X86)
  if (isa == Isa::avx512 && vnni && __builtin_cpu_supports("avx512vnni")) return &int16_avx512vnni;
  if (isa == Isa::avx2) return vnni && has_avx_vnni() ? &int16_avxvnni : &int16_avx2;
#endif
  static_cast<void>(isa);
  static_cast<void>(vnni);
  return nullptr;
}

bool is_wide_zen5(Isa isa) {
#if defined(OMNIMEANS_X86)
  return isa == Isa::avx512 && cpu_is_wide_zen5();
#else
  static_cast<void>(isa);
  return false;
#endif
}

bool has_two_float_units(Isa isa) {
#if defined(OMNIMEANS_X86)
  return isa == Isa::avx512 && (cpu_has_amx_int8() || cpu_has_avx512_fp16() || is_wide_zen5(isa));
#else
  static_cast<void>(isa);
  return false;
#endif
}

bool has_fast_int16(Isa isa) {
  const Int16Kernels* int16 = int16_kernels(isa);
  return int16 != nullptr && int16->rate >= 2;
}

}  // namespace kernels

std::string_view to_string(Isa isa) noexcept {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::sse42:
      return "sse42";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::neon:
      return "neon";
  }
  return "unknown";
}

std::vector<Isa> compiled_isas() {
  std::vector<Isa> isas;
  for (const auto* table : kernels::tables()) isas.push_back(table->isa);
  return isas;
}

std::vector<Isa> usable_isas() {
  std::vector<Isa> isas = compiled_isas();
  std::erase_if(isas, [](Isa isa) { return !kernels::runs_here(isa); });
  return isas;
}

std::string_view integer_products(Isa isa) {
  const kernels::Int8Kernels* int8 = kernels::int8_kernels(isa);
  if (int8 == nullptr) return "";
  return int8->in_tiles ? "AMX" : kernels::has_fast_int16(isa) ? "VNNI" : "AVX2";
}

namespace {

Isa named_isa(std::string_view name, std::string_view asked_by) {
  const std::vector<Isa> usable = usable_isas();
  for (Isa isa : usable) {
    if (to_string(isa) == name) return isa;
  }
  std::string list;
  for (Isa isa : usable) list += (list.empty() ? "" : ", ") + std::string(to_string(isa));
  const std::vector<Isa> compiled = compiled_isas();
  const bool known =
      std::any_of(compiled.begin(), compiled.end(), [&](Isa isa) { return to_string(isa) == name; });
  throw UnsupportedIsa(std::string(asked_by) + " = \"" + std::string(name) + "\" " +
                       (known ? "is not supported by this CPU" : "is not an instruction set of this build") +
                       "; usable here: " + list);
}

}  // namespace

Isa default_isa() {
  const char* forced = std::getenv("OMNIMEANS_ISA");
  if (forced != nullptr && *forced != '\0') return named_isa(forced, "OMNIMEANS_ISA");
  static const Isa best = usable_isas().back();
  return best;
}

Isa find_isa(std::string_view name) {
  return name.empty() ? default_isa() : named_isa(name, "isa");
}

}  // namespace omnimeans
