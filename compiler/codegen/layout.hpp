// Panels: the outputs of a call in pieces that fit a context and YBUF, and their places in a vector of Y. Private to compiler/codegen.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.hpp"

namespace xw::codegen {

/// MVM and STORE_Y begin at words of YBUF that are multiples of this.
inline constexpr std::uint32_t kYAlignWords = 16;

[[nodiscard]] constexpr std::uint32_t align_up(std::uint32_t value, std::uint32_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// A block as a row of panels sees it.
struct RowBlock {
  std::uint32_t block = 0;  ///< index into Input::blocks
  std::uint32_t in_begin = 0, rows = 0;
};

/// Columns of the blocks that stand above each other in one matrix; at most as many as a context has.
struct Panel {
  std::uint32_t matrix = 0;
  std::uint32_t out_begin = 0;  ///< first output of the matrix
  std::uint32_t col_begin = 0;  ///< first column in the blocks
  std::uint32_t cols = 0;
  std::uint32_t y_word = 0;   ///< place in a vector of Y
  std::uint32_t row_set = 0;  ///< index into Layout::row_sets
};

struct Layout {
  std::vector<std::vector<RowBlock>> row_sets;  ///< by in_begin; a partition of the inputs, once per copy of the matrix
  std::vector<Panel> panels;                    ///< by matrix, then out_begin
  std::uint32_t in_features = 0;
  std::uint32_t group_cols = 0;  ///< engines take whole groups of columns of a panel
  std::uint32_t ring_words = 0;  ///< word w of Y stands at w % ring_words of every YBUF; no panel crosses its end
  std::uint32_t y_words = 0;     ///< of a vector of Y
};

/// Throws Error{kCapacity} naming the buffer, Error{kInvalidArgument} if the blocks of a matrix are not a grid.
[[nodiscard]] Layout make_layout(const Input& input, std::size_t call, const arch::EmulatorDescription& emulator);

}  // namespace xw::codegen
