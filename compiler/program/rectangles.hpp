// Whether rectangles overlap. Private to compiler/program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace xw::program {

/// Rows [row, row + rows) and columns [col, col + cols), neither of them empty; `index` says whose it is.
struct Rectangle {
  std::uint64_t row = 0, col = 0;
  std::uint64_t rows = 0, cols = 0;
  std::size_t index = 0;
};

/// The indices of two rectangles that have a cell in common, if there are any. O(n log n).
[[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> find_overlap(const std::vector<Rectangle>& rectangles);

}  // namespace xw::program
