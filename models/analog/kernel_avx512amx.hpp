// Private: the tile MVM with a matrix unit of AMX's shape, 16 x 16 x 64 products per instruction, and AVX-512 VNNI for few vectors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/analog/kernel_avx512vnni.hpp"

namespace xw::analog::kernels {
namespace {

/// Tiles: zero, load, dot and store of tile registers, 16 rows of 64 bytes each; tests have one without AMX.
/// Tile 0..3: sums of 16 vectors and the 16 columns of a register of the panel. Tile 4: 64 codes of 16 vectors. Tile 5..7, the
/// first one twice: 64 cells of 16 columns. Four rows of cells stand in a word as VNNI packs them, so both use one layout.
template <class Tiles>
struct Avx512Matrix : Avx512Vnni {
  static constexpr std::uint32_t kMatrixVectors = 16;

  static void multiply_matrix(const std::byte* packed, const std::byte* x, std::size_t x_stride, std::size_t groups,
                              std::byte* sums) {
    constexpr std::size_t kRow = 4 * std::size_t{kBytes};  // from one step of the panel to the next
    Tiles::template zero<0>();
    Tiles::template zero<1>();
    Tiles::template zero<2>();
    Tiles::template zero<3>();
    for (std::size_t group = 0; group < groups; ++group, x += 64, packed += 16 * kRow) {
      Tiles::template load<4>(x, x_stride);
      Tiles::template load<5>(packed, kRow);
      Tiles::template dot<0, 4, 5>();
      Tiles::template load<6>(packed + kBytes, kRow);
      Tiles::template dot<1, 4, 6>();
      Tiles::template load<7>(packed + 2 * std::size_t{kBytes}, kRow);
      Tiles::template dot<2, 4, 7>();
      Tiles::template load<5>(packed + 3 * std::size_t{kBytes}, kRow);
      Tiles::template dot<3, 4, 5>();
    }
    constexpr std::size_t kTile = std::size_t{kMatrixVectors} * kBytes;
    Tiles::template store<0>(sums, kBytes);
    Tiles::template store<1>(sums + kTile, kBytes);
    Tiles::template store<2>(sums + 2 * kTile, kBytes);
    Tiles::template store<3>(sums + 3 * kTile, kBytes);
  }
};

}  // namespace
}  // namespace xw::analog::kernels
