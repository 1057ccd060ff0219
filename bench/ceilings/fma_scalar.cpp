// SPDX-License-Identifier: MIT
// One value at a time: what a loop reaches that the compiler did not vectorise.
#include "bench/ceilings/loops-inl.hpp"

namespace omnimeans::ceilings {
namespace {

template <class T>
struct Scalar {
  using Value = T;
  using Vector = T;
  static constexpr std::size_t lanes = 1;
  static Vector broadcast(T value) { return value; }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) { return x * factor + addend; }
  static T first(Vector x) { return x; }
};

struct Words {
  static constexpr std::size_t lanes = 1;
  static std::uint64_t zero() { return 0; }
  static std::uint64_t add(std::uint64_t sum, const std::uint64_t* words) { return sum + *words; }
  static void store(std::uint64_t* to, std::uint64_t words) { *to = words; }
};

}  // namespace

extern const Loops loops_scalar;
const Loops loops_scalar = make_loops<Scalar<float>, Scalar<double>, Words, 12>(Isa::scalar);

}  // namespace omnimeans::ceilings
