// SPDX-License-Identifier: MIT
// Files put together byte by byte, independently of the code under test and of this machine's byte order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace omnimeans::io::testing {

template <std::size_t Size>
using Word =
    std::conditional_t<Size == 1, std::uint8_t,
                       std::conditional_t<Size == 2, std::uint16_t,
                                          std::conditional_t<Size == 4, std::uint32_t, std::uint64_t>>>;

template <class V>
std::string encode(V value, bool big_endian = false) {
  const auto word = std::bit_cast<Word<sizeof(V)>>(value);
  std::string bytes;
  for (std::size_t i = 0; i < sizeof(V); ++i) {
    const std::size_t shift = 8 * (big_endian ? sizeof(V) - 1 - i : i);
    bytes += static_cast<char>(static_cast<unsigned char>(word >> shift));
  }
  return bytes;
}

template <class V>
std::string encode_all(std::initializer_list<V> values) {
  std::string bytes;
  for (const V value : values) bytes += encode(value);
  return bytes;
}

/// Everything before the values; `dict` is taken as it is.
inline std::string npy_start(int version, const std::string& dict) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  const auto length = static_cast<std::uint32_t>(dict.size());
  return bytes + encode(length).substr(0, version == 1 ? 2 : 4) + dict;
}

/// A dict as numpy.save writes it, padded to a multiple of 64 bytes.
inline std::string npy_dict(int version, const std::string& descr, bool fortran, const std::string& shape) {
  std::string dict = "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
                     ", 'shape': " + shape + ", }";
  const std::size_t prefix = version == 1 ? 10 : 12;
  while ((prefix + dict.size() + 1) % 64 != 0) dict += ' ';
  return dict + '\n';
}

inline std::string npy(int version, const std::string& descr, bool fortran, const std::string& shape,
                       const std::string& data) {
  return npy_start(version, npy_dict(version, descr, fortran, shape)) + data;
}

/// One row of a .fvecs or .bvecs file.
template <class V>
std::string vecs_row(std::int32_t length, std::initializer_list<V> values) {
  return encode(length) + encode_all(values);
}

}  // namespace omnimeans::io::testing
