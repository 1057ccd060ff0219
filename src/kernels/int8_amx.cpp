// SPDX-License-Identifier: MIT
// AMX (Sapphire Rapids 2023 and later): tdpbsud multiplies a tile of 16 rows of 64 signed bytes by one of 16
// unsigned columns, 16,384 products in 16 cycles, eight times the rate of VNNI.
#include "kernels/int8-avx512-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// What ldtilecfg reads: eight tiles of 16 rows of 64 bytes.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);
// Not written at run time: g++ 12 takes ldtilecfg to read eight bytes, and could leave the others unwritten.
alignas(64) constexpr TileConfig tile_config;

struct Int8Amx : Int8Avx512 {
  /// This thread's tiles, for as long as the object lives: four of sums, two of rows and two of centroids; or
  /// two of sums, four of rows and two of centroids.
  class Tiles {
   public:
    static constexpr std::size_t rows = int8_tile_rows;

    Tiles() { _tile_loadconfig(&tile_config); }
    ~Tiles() { _tile_release(); }
    Tiles(const Tiles&) = delete;

    /// Where multiply<V>() puts the products of row `row`, a multiple of 16, and a vector of V; the 15 rows
    /// behind it follow.
    template <std::size_t V>
    static constexpr std::size_t place(std::size_t row, std::size_t vector) {
      return (row / 16 * V + vector) * tile_values;
    }

    /// The products of `rows` rows, `stride` bytes apart, and V vectors (1 or 2), `pitch` bytes from quad to
    /// quad, `n_steps` times int8_stride values, added to `starts`, int8_lanes for a row. between(step) is
    /// what the CPU may do meanwhile.
    template <std::size_t V, class Between>
    static OMNIMEANS_INLINE void multiply(const std::int8_t* first, std::size_t stride,
                                          const std::uint8_t* panel, std::size_t pitch, std::size_t n_steps,
                                          const std::int32_t* starts, std::int32_t* products,
                                          Between&& between) {
      // g++ does not know that loads of tiles read memory.
      __asm__ volatile("" ::: "memory");
      const std::int8_t* others = first + 16 * stride;
      _tile_loadd(0, starts, line);
      _tile_loadd(2, starts + tile_values, line);
      if constexpr (V == 2) {
        _tile_loadd(1, starts, line);
        _tile_loadd(3, starts + tile_values, line);
      }
      for (std::size_t step = 0; step < n_steps; ++step) {
        const std::uint8_t* quads = panel + step * 16 * pitch;
        _tile_loadd(4, first + step * int8_stride, stride);
        _tile_loadd(6, quads, pitch);
        _tile_dpbsud(0, 4, 6);
        if constexpr (V == 2) {
          _tile_loadd(7, quads + line, pitch);
          _tile_dpbsud(1, 4, 7);
        }
        _tile_loadd(5, others + step * int8_stride, stride);
        _tile_dpbsud(2, 5, 6);
        if constexpr (V == 2) _tile_dpbsud(3, 5, 7);
        between(step);
      }
      _tile_stored(0, products + place<V>(0, 0), line);
      if constexpr (V == 2) _tile_stored(1, products + place<V>(0, 1), line);
      _tile_stored(2, products + place<V>(16, 0), line);
      if constexpr (V == 2) _tile_stored(3, products + place<V>(16, 1), line);
    }

    /// `rows` rows of one or two chunks, for multiply_held().
    template <std::size_t Chunks>
    static OMNIMEANS_INLINE void hold(const std::int8_t* first, std::size_t stride) {
      const std::int8_t* others = first + 16 * stride;
      __asm__ volatile("" ::: "memory");
      _tile_loadd(4, first, stride);
      _tile_loadd(5, others, stride);
      if constexpr (Chunks == 2) {
        _tile_loadd(6, first + int8_stride, stride);
        _tile_loadd(7, others + int8_stride, stride);
      }
    }

    /// As multiply<V>(), of the rows that are held, vector v of them. between(0 ... 3) is what the CPU may do
    /// meanwhile.
    template <std::size_t Chunks, std::size_t V, std::size_t v, class Between>
    static OMNIMEANS_INLINE void multiply_held(const std::uint8_t* panel, std::size_t pitch,
                                               const std::int32_t* starts, std::int32_t* products,
                                               Between&& between) {
      __asm__ volatile("" ::: "memory");
      _tile_loadd(0, starts, line);
      _tile_loadd(2, panel, pitch);
      _tile_dpbsud(0, 4, 2);
      between(0);
      if constexpr (Chunks == 2) {
        _tile_loadd(3, panel + 16 * pitch, pitch);
        _tile_dpbsud(0, 6, 3);
        between(1);
      }
      _tile_loadd(1, starts + tile_values, line);
      _tile_dpbsud(1, 5, 2);
      between(Chunks);
      _tile_stored(0, products + place<V>(0, v), line);
      if constexpr (Chunks == 2) {
        _tile_dpbsud(1, 7, 3);
      } else {
        between(2);
      }
      between(3);
      _tile_stored(1, products + place<V>(16, v), line);
    }

   private:
    static constexpr std::size_t line = 64,
                                 tile_values = 16 * int8_lanes;  ///< bytes of a row, sums of a tile
    static_assert(rows == 32 && int8_stride == line);
  };
};

}  // namespace

extern const Int8Kernels int8_amx;
constexpr Int8Kernels int8_amx = make_int8_kernels<Int8Amx>();

}  // namespace omnimeans::kernels
