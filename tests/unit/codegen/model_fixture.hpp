// Random emulators and mapped matrices for code generation tests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "compiler/codegen/codegen.hpp"

namespace xw::test {

/// Matrices with their blocks, as the mapping would make them.
struct Model {
  std::vector<program::BlockRecord> blocks;
  std::vector<program::MatrixInfo> matrices;
  std::vector<std::vector<std::uint32_t>> calls;
  std::vector<std::string> call_names;

  [[nodiscard]] codegen::Input input() const { return {blocks, matrices, calls, call_names}; }

  /// Adds a call with one matrix per entry of `outs`, cut equally into blocks of at most tile_rows x tile_cols.
  void add_call(std::uint32_t in_features, const std::vector<std::uint32_t>& outs, std::uint32_t tile_rows,
                std::uint32_t tile_cols) {
    std::vector<std::uint32_t> members;
    for (const std::uint32_t out_features : outs) {
      program::MatrixInfo matrix;
      matrix.name = "m" + std::to_string(matrices.size());
      matrix.in_features = in_features;
      matrix.out_features = out_features;
      matrix.call = static_cast<std::uint32_t>(calls.size());
      matrix.input_ranges = {{0, in_features, 1.0F}};
      const auto index = static_cast<std::uint32_t>(matrices.size());
      add_blocks(index, in_features, out_features, tile_rows, tile_cols);
      matrices.push_back(matrix);
      members.push_back(index);
    }
    call_names.push_back("call" + std::to_string(calls.size()));
    calls.push_back(members);
  }

 private:
  static std::vector<std::uint32_t> split(std::uint32_t total, std::uint32_t limit) {
    const std::uint32_t parts = (total + limit - 1) / limit;
    std::vector<std::uint32_t> sizes;
    for (std::uint32_t i = 0; i < parts; ++i) sizes.push_back(total / parts + (i < total % parts ? 1 : 0));
    return sizes;
  }

  void add_blocks(std::uint32_t matrix, std::uint32_t in_features, std::uint32_t out_features, std::uint32_t tile_rows,
                  std::uint32_t tile_cols) {
    std::uint32_t out = 0;
    for (const std::uint32_t cols : split(out_features, tile_cols)) {
      std::uint32_t in = 0;
      for (const std::uint32_t rows : split(in_features, tile_rows)) {
        program::BlockRecord block;
        block.matrix = matrix;
        block.in_begin = in;
        block.out_begin = out;
        block.rows = static_cast<std::uint16_t>(rows);
        block.cols = static_cast<std::uint16_t>(cols);
        blocks.push_back(block);
        in += rows;
      }
      out += cols;
    }
  }
};

inline arch::EmulatorDescription make_emulator(std::uint32_t engines, std::uint32_t lanes, std::uint32_t block_rows,
                                               std::uint32_t block_cols, std::uint32_t contexts,
                                               std::uint32_t xbuf_bytes, std::uint32_t ybuf_words) {
  arch::EmulatorDescription emulator;
  emulator.name = "test";
  emulator.num_engines = engines;
  emulator.lanes = lanes;
  emulator.block_rows = block_rows;
  emulator.block_cols = block_cols;
  emulator.contexts = contexts;
  emulator.xbuf_bytes = xbuf_bytes;
  emulator.ybuf_words = ybuf_words;
  emulator.max_batch = 4;
  emulator.adc_columns_per_cycle = std::min(lanes, 4U);
  emulator.memory_bytes_per_cycle = lanes;
  return emulator;
}

}  // namespace xw::test
