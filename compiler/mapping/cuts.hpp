// Cutting matrices into blocks, and blocks into the items that are packed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/mapping/plan.hpp"

namespace xw::mapping {

/// How a length above the limit is cut.
enum class CutRule {
  kEqual,  ///< fewest pieces, nearly equal: 576 -> 288 288
  kFull,   ///< fewest pieces, full ones and a rest: 576 -> 512 64
  kFine,   ///< full ones, the rest into halves, quarters, ... of the limit: 896 -> 512 256 128
  kBands,  ///< outputs only: matrices of equal input cuts share bands of full width, cut where a band ends
};

/// Largest block: what tile and engine both hold.
struct BlockLimit {
  std::uint32_t rows = 0, cols = 0;
};
[[nodiscard]] BlockLimit block_limit(const TileShape& tile);

/// Lengths of the pieces of `total`; not for kBands.
[[nodiscard]] std::vector<std::uint32_t> cut_length(std::uint32_t total, std::uint32_t limit, CutRule rule);
/// Lengths of the input ranges of a matrix (one: all inputs).
[[nodiscard]] std::vector<std::uint32_t> input_ranges(const MatrixShape& matrix);
/// Lengths of the row pieces of a matrix; no piece crosses an input range.
[[nodiscard]] std::vector<std::uint32_t> row_pieces(const MatrixShape& matrix, std::uint32_t limit, CutRule rule);

/// A rectangle that is packed as one: one block, or several side by side.
struct Item {
  std::uint32_t rows = 0, cols = 0;
  struct Part {
    std::uint32_t block = 0, col_offset = 0;
  };
  std::vector<Part> parts;
};

struct Cutting {
  std::vector<PlacedBlock> blocks;  ///< without their places
  std::vector<Item> items;
};

/// Cuts all matrices. `row_rules` holds one rule per matrix.
[[nodiscard]] Cutting cut_matrices(std::span<const MatrixShape> matrices, const TileShape& tile,
                                   std::span<const CutRule> row_rules, CutRule col_rule);

}  // namespace xw::mapping
