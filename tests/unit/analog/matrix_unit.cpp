// The tile MVM for AMX with tile registers in plain C++. No std:: templates here: this unit is compiled for AVX-512.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/analog/matrix_unit.hpp"

#include "models/analog/kernel_avx512amx.hpp"

namespace xw::analog::test {
namespace {

/// 8 tile registers of 16 rows of 64 bytes; the operations as Intel's manual defines TILEZERO, TILELOADD, TDPBSUD, TILESTORED.
struct PlainTiles {
  inline static unsigned char registers[8][16][64];

  template <int kTile>
  static void zero() {
    __builtin_memset(registers[kTile], 0, sizeof registers[kTile]);
  }
  template <int kTile>
  static void load(const std::byte* from, std::size_t stride) {
    for (std::size_t row = 0; row < 16; ++row) __builtin_memcpy(registers[kTile][row], from + row * stride, 64);
  }
  template <int kSums, int kCodes, int kCells>
  static void dot() {
    for (std::size_t m = 0; m < 16; ++m) {
      for (std::size_t k = 0; k < 16; ++k) {
        for (std::size_t n = 0; n < 16; ++n) {
          std::int32_t sum = 0;
          __builtin_memcpy(&sum, &registers[kSums][m][4 * n], 4);
          for (std::size_t i = 0; i < 4; ++i) {
            sum += static_cast<std::int8_t>(registers[kCodes][m][4 * k + i]) *
                   static_cast<std::int32_t>(registers[kCells][k][4 * n + i]);
          }
          __builtin_memcpy(&registers[kSums][m][4 * n], &sum, 4);
        }
      }
    }
  }
  template <int kTile>
  static void store(std::byte* to, std::size_t stride) {
    for (std::size_t row = 0; row < 16; ++row) __builtin_memcpy(to + row * stride, registers[kTile][row], 64);
  }
};

using Mvm = kernels::SimdMvm<kernels::Avx512Matrix<PlainTiles>>;

}  // namespace

std::uint64_t mvm_plain_tiles(const BlockView& block, const MvmBatch& batch, const std::byte* packed,
                              std::byte* scratch) {
  return Mvm::run(block, batch, packed, scratch);
}

void pack_plain_tiles(const BlockView& block, std::byte* packed, std::byte* scratch) {
  Mvm::pack(block, packed, scratch);
}

}  // namespace xw::analog::test
