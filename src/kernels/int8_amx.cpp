// SPDX-License-Identifier: MIT
// AMX (Sapphire Rapids 2023 and later): tdpbsud multiplies a tile of 16 rows of 64 signed bytes by one of 16
// unsigned columns, 16,384 products in 16 cycles, eight times the rate of VNNI.
#include "kernels/int8-avx512-inl.hpp"

namespace omnimeans::kernels {
namespace {

struct Int8Amx : Int8Avx512 {
  static constexpr std::size_t row_bytes = 64, tile_values = 16 * 16;

  /// Two tiles of rows and two of centroids, for as long as it lives: of its thread.
  class Tiles {
   public:
    Tiles() {
      Config config;
      for (std::size_t t = 0; t < 8; ++t) {
        config.row_bytes[t] = row_bytes;
        config.rows[t] = 16;
      }
      _tile_loadconfig(&config);
    }
    ~Tiles() { _tile_release(); }
    Tiles(const Tiles&) = delete;

    /// products[row / 16][vector][row % 16][lane] from starts[row][lane]: 32 rows, `stride` bytes apart, and
    /// one or two vectors, `pitch` bytes from quad to quad, 64 values a step.
    template <std::size_t V>
    static OMNIMEANS_INLINE void multiply(const std::int8_t* rows, std::size_t stride,
                                          const std::uint8_t* panel, std::size_t pitch, std::size_t n_steps,
                                          const std::int32_t* starts, std::int32_t* products) {
      // g++ does not know that loads of tiles read memory.
      __asm__ volatile("" ::: "memory");
      const std::int8_t* others = rows + 16 * stride;
      _tile_loadd(0, starts, row_bytes);
      _tile_loadd(2, starts + tile_values, row_bytes);
      if constexpr (V == 2) {
        _tile_loadd(1, starts, row_bytes);
        _tile_loadd(3, starts + tile_values, row_bytes);
      }
      for (std::size_t step = 0; step < n_steps; ++step) {
        const std::uint8_t* quads = panel + step * 16 * pitch;
        _tile_loadd(4, rows + step * int8_stride, stride);
        _tile_loadd(6, quads, pitch);
        _tile_dpbsud(0, 4, 6);
        if constexpr (V == 2) {
          _tile_loadd(7, quads + row_bytes, pitch);
          _tile_dpbsud(1, 4, 7);
        }
        _tile_loadd(5, others + step * int8_stride, stride);
        _tile_dpbsud(2, 5, 6);
        if constexpr (V == 2) _tile_dpbsud(3, 5, 7);
      }
      _tile_stored(0, products, row_bytes);
      if constexpr (V == 2) _tile_stored(1, products + tile_values, row_bytes);
      _tile_stored(2, products + V * tile_values, row_bytes);
      if constexpr (V == 2) _tile_stored(3, products + 3 * tile_values, row_bytes);
    }

   private:
    /// What ldtilecfg reads.
    struct alignas(64) Config {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      std::uint16_t row_bytes[16] = {};
      std::uint8_t rows[16] = {};
    };
    static_assert(sizeof(Config) == 64);
  };
};

}  // namespace

extern const Int8Kernels int8_amx;
constexpr Int8Kernels int8_amx = make_int8_kernels<Int8Amx>();

}  // namespace omnimeans::kernels
