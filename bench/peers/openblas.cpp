// SPDX-License-Identifier: MIT
#include "bench/peers/openblas.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "omnimeans/isa.hpp"

namespace omnimeans::peers {
namespace {

std::string ask() {
  std::array<int, 2> answer{};
  if (::pipe2(answer.data(), O_CLOEXEC) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    using Name = char*();
    void* const library = ::dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    auto* const name =
        library != nullptr ? reinterpret_cast<Name*>(::dlsym(library, "openblas_get_corename")) : nullptr;
    if (name != nullptr) {
      const char* core = name();
      [[maybe_unused]] const auto told = ::write(answer[1], core, std::strlen(core));
    }
    ::_exit(0);
  }
  ::close(answer[1]);
  std::string name;
  std::array<char, 64> part{};
  for (ssize_t got; child > 0 && (got = ::read(answer[0], part.data(), part.size())) > 0;)
    name.append(part.data(), static_cast<std::size_t>(got));
  ::close(answer[0]);
  if (child > 0) ::waitpid(child, nullptr, 0);
  return name;
}

}  // namespace

const std::string& openblas_choice() {
  static const std::string choice = ask();
  return choice;
}

std::string openblas_core(const std::string& choice) {
  static const std::array<std::string, 6> wide{"Haswell", "SkylakeX",  "Cooperlake",
                                               "Zen",     "Excavator", "SapphireRapids"};
  const auto same = [&](const std::string& core) { return ::strcasecmp(core.c_str(), choice.c_str()) == 0; };
  if (choice.empty() || std::ranges::any_of(wide, same)) return {};
#if defined(__x86_64__)
  const std::vector<Isa> usable = usable_isas();
  const auto has = [&](Isa isa) { return std::ranges::find(usable, isa) != usable.end(); };
  if (has(Isa::avx512)) return __builtin_cpu_supports("avx512bf16") ? "Cooperlake" : "SkylakeX";
  if (has(Isa::avx2)) return "Haswell";
#endif
  return {};
}

}  // namespace omnimeans::peers
