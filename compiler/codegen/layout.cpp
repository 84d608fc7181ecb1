// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/codegen/layout.hpp"

#include <algorithm>
#include <map>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::codegen {
namespace {

/// Blocks above each other: same columns of one matrix.
struct BlockColumn {
  std::uint32_t cols = 0;
  std::vector<RowBlock> rows;
};

[[noreturn]] void capacity(const std::string& call, const std::string& what, std::uint64_t needed,
                           std::uint64_t available, const arch::EmulatorDescription& emulator) {
  throw Error(ErrorCode::kCapacity, "call " + call + ": needs " + std::to_string(needed) + " " + what + ", emulator " +
                                        emulator.name + " has " + std::to_string(available));
}

[[noreturn]] void not_a_grid(const program::MatrixInfo& matrix, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "matrix " + matrix.name + ": its blocks are not a grid: " + what);
}

/// The blocks of a matrix by first output; checked to be a partition of inputs and outputs, of which
/// every copy of the matrix has the same.
std::map<std::uint32_t, BlockColumn> block_columns(const Input& input, std::uint32_t matrix_index) {
  const program::MatrixInfo& matrix = input.matrices[matrix_index];
  std::map<std::uint32_t, BlockColumn> columns;
  const auto by_matrix = [](const program::BlockRecord& block, std::uint32_t index) { return block.matrix < index; };
  auto it = std::lower_bound(input.blocks.begin(), input.blocks.end(), matrix_index, by_matrix);
  for (; it != input.blocks.end() && it->matrix == matrix_index; ++it) {
    BlockColumn& column = columns[it->out_begin];
    if (!column.rows.empty() && column.cols != it->cols)
      not_a_grid(matrix, "columns differ at output " + std::to_string(it->out_begin));
    column.cols = it->cols;
    column.rows.push_back({static_cast<std::uint32_t>(it - input.blocks.begin()), it->in_begin, it->rows});
  }
  std::uint64_t out_end = 0;
  for (auto& [out_begin, column] : columns) {
    if (out_begin != out_end || column.cols == 0) not_a_grid(matrix, "outputs from " + std::to_string(out_end));
    out_end = std::uint64_t{out_begin} + column.cols;
    std::sort(column.rows.begin(), column.rows.end(), [](const RowBlock& a, const RowBlock& b) {
      return a.in_begin != b.in_begin ? a.in_begin < b.in_begin : a.block < b.block;
    });
    std::uint64_t in_end = 0;
    for (std::size_t i = 0; i < column.rows.size(); ++i) {
      const RowBlock& row = column.rows[i];
      const bool is_copy = i % matrix.replicas != 0;
      const std::uint64_t begin = is_copy ? column.rows[i - 1].in_begin : in_end;
      if (row.in_begin != begin || row.rows == 0 || (is_copy && row.rows != column.rows[i - 1].rows))
        not_a_grid(matrix, "inputs from " + std::to_string(begin));
      in_end = std::uint64_t{row.in_begin} + row.rows;
    }
    if (column.rows.size() % matrix.replicas != 0) not_a_grid(matrix, "copies of the last inputs");
    if (in_end != matrix.in_features) not_a_grid(matrix, "inputs end at " + std::to_string(in_end));
  }
  if (out_end != matrix.out_features) not_a_grid(matrix, "outputs end at " + std::to_string(out_end));
  return columns;
}

/// Most columns of a panel: a context must hold them, and two panels should fit YBUF so that one is stored while the next is computed.
std::uint32_t panel_limit(const Layout& layout, const arch::EmulatorDescription& emulator) {
  const std::uint32_t group = layout.group_cols;
  const std::uint32_t context = emulator.block_cols / group * group;
  const std::uint32_t half = layout.ring_words / 2 / group * group;
  return std::min(context, std::max(half, group));
}

/// Cuts a block column into panels of nearly equal numbers of groups.
void add_panels(Layout& layout, std::uint32_t matrix, std::uint32_t out_begin, std::uint32_t cols,
                std::uint32_t limit) {
  const std::uint32_t groups = (cols + layout.group_cols - 1) / layout.group_cols;
  const std::uint32_t groups_per_panel = limit / layout.group_cols;
  const std::uint32_t pieces = (groups + groups_per_panel - 1) / groups_per_panel;
  std::uint32_t col = 0;
  for (std::uint32_t piece = 0; piece < pieces; ++piece) {
    const std::uint32_t end = std::min(cols, (groups * (piece + 1) / pieces) * layout.group_cols);
    Panel panel;
    panel.matrix = matrix;
    panel.out_begin = out_begin + col;
    panel.col_begin = col;
    panel.cols = end - col;
    panel.row_set = static_cast<std::uint32_t>(layout.row_sets.size() - 1);
    layout.panels.push_back(panel);
    col = end;
  }
}

void check_rows(const std::vector<RowBlock>& rows, const std::string& call, const arch::EmulatorDescription& emulator) {
  for (const RowBlock& row : rows) {
    if (row.rows > emulator.block_rows)
      capacity(call, "rows in a context (block_rows)", row.rows, emulator.block_rows, emulator);
  }
}

/// Panels follow each other in Y, each from a 64-byte boundary; none crosses the end of the ring.
void place_in_y(Layout& layout) {
  std::uint64_t word = 0;
  for (Panel& panel : layout.panels) {
    if (word % layout.ring_words + panel.cols > layout.ring_words) word += layout.ring_words - word % layout.ring_words;
    panel.y_word = static_cast<std::uint32_t>(word);
    word = (word + panel.cols + kYAlignWords - 1) / kYAlignWords * kYAlignWords;
    if (word > UINT32_MAX / 4) break;  // reported by make_layout
  }
  layout.y_words = static_cast<std::uint32_t>(std::min<std::uint64_t>(word, UINT32_MAX));
}

}  // namespace

Layout make_layout(const Input& input, std::size_t call, const arch::EmulatorDescription& emulator) {
  const std::string& name = input.call_names[call];
  Layout layout;
  layout.ring_words = emulator.ybuf_words / kYAlignWords * kYAlignWords;
  // Groups are whole lanes and, where a panel has several, whole 64-byte units of Y.
  layout.group_cols =
      std::min(std::max(emulator.lanes, kYAlignWords), emulator.block_cols / emulator.lanes * emulator.lanes);
  if (layout.group_cols == 0)
    capacity(name, "columns in a context (block_cols)", emulator.lanes, emulator.block_cols, emulator);
  if (layout.ring_words < layout.group_cols) {
    capacity(name, "words of YBUF per vector (ybuf_words)", layout.group_cols, emulator.ybuf_words, emulator);
  }
  const std::uint32_t limit = panel_limit(layout, emulator);
  layout.in_features = input.matrices[input.calls[call].front()].in_features;
  if (layout.in_features > emulator.xbuf_bytes) {
    capacity(name, "bytes of XBUF per vector (xbuf_bytes)", layout.in_features, emulator.xbuf_bytes, emulator);
  }
  for (const std::uint32_t matrix : input.calls[call]) {
    if (input.matrices[matrix].in_features != layout.in_features) {
      throw Error(ErrorCode::kInvalidArgument, "call " + name + ": matrix " + input.matrices[matrix].name + " has " +
                                                   std::to_string(input.matrices[matrix].in_features) +
                                                   " inputs, the first one has " + std::to_string(layout.in_features));
    }
    for (auto& [out_begin, column] : block_columns(input, matrix)) {
      check_rows(column.rows, name, emulator);
      layout.row_sets.push_back(std::move(column.rows));
      add_panels(layout, matrix, out_begin, column.cols, limit);
    }
  }
  place_in_y(layout);
  const std::uint64_t most_words = std::uint64_t{arch::kStoreYStride.max()} * arch::kMemoryAlignment / 4;
  if (layout.y_words > most_words) {
    throw Error(ErrorCode::kCapacity, "call " + name + ": needs " + std::to_string(layout.y_words) +
                                          " words of Y per vector, STORE_Y reaches " + std::to_string(most_words));
  }
  return layout;
}

}  // namespace xw::codegen
