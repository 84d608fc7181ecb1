// The tile MVM with AMX-int8.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/kernel_avx512amx.hpp"

namespace xw::analog::kernels {
namespace {

/// The compiler's own functions take only literal numbers of tiles.
struct Amx {
  template <int kTile>
  [[gnu::always_inline]] static void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  template <int kTile>
  [[gnu::always_inline]] static void load(const std::byte* from, std::size_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(kTile) : "memory");
  }
  /// Sums of signed bytes (codes) times unsigned ones (cells).
  template <int kSums, int kCodes, int kCells>
  [[gnu::always_inline]] static void dot() {
    asm volatile("tdpbsud %%tmm%c0, %%tmm%c1, %%tmm%c2" ::"i"(kCells), "i"(kCodes), "i"(kSums));
  }
  template <int kTile>
  [[gnu::always_inline]] static void store(std::byte* to, std::size_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(kTile) : "memory");
  }
};

/// All tiles 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1, start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

}  // namespace

std::uint64_t mvm_avx512amx(const BlockView& block, const MvmBatch& batch, const std::byte* packed,
                            std::byte* scratch) {
  static constexpr TileConfiguration kTiles;
  _tile_loadconfig(&kTiles);
  const std::uint64_t num_saturated = SimdMvm<Avx512Matrix<Amx>>::run(block, batch, packed, scratch);
  _tile_release();
  return num_saturated;
}

}  // namespace xw::analog::kernels
