// Random programs: matrices with known targets, mapped and compiled by the compiler's own stages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"

namespace xw::test {

/// What to make. Matrices of a call share their inputs.
struct ProgramShape {
  struct Call {
    std::uint32_t in_features = 0;
    std::vector<std::uint32_t> out_features;
    std::vector<std::uint32_t> input_cuts;  ///< where new input ranges begin
    std::uint32_t replicas = 1;             ///< copies of every matrix
    std::uint32_t duplicates = 1;           ///< how often the chip holds the call, for vectors in turn
  };
  std::vector<Call> calls;
  program::WeightMode mode = program::WeightMode::kAnalog;
  bool with_bias = false;
  /// A chip of so many tiles, cut into `areas` whose last one is written anew (mapping::make_rounds_plan); 0: as many as are needed.
  std::uint32_t chip_tiles = 0, areas = 0;
  bool enough_tiles = false;  ///< the same tiles, with their numbers, on a chip that has all of them
};

/// Numbers of the chip and emulator descriptions that cases vary; the rest is that of "tiny-64".
struct Hardware {
  std::uint32_t tile_rows = 64, tile_cols = 64;
  unsigned dac_bits = 8, adc_bits = 8;
  int g_unit = 96;
  double lambda = 3;
  std::uint32_t num_engines = 1, lanes = 16, contexts = 2, xbuf_bytes = 1024, ybuf_words = 256, max_batch = 4;
  std::uint32_t adc_columns_per_cycle = 2, max_outstanding = 4, memory_latency_cycles = 20;
  std::uint32_t block_rows = 0, block_cols = 0;  ///< 0: as the tile and the buffers allow
  double memory_bytes_per_cycle = 0;             ///< 0: one beat
  std::string noise = "ideal";                   ///< the chip's cells
  /// A chip with tiles of this size for an emulator.
  [[nodiscard]] static Hardware of(const arch::EmulatorDescription& emulator, std::uint32_t tile_rows,
                                   std::uint32_t tile_cols);
  /// One text with [chip] and [emulator].
  [[nodiscard]] std::string text() const;
  [[nodiscard]] arch::ChipDescription chip() const;
  [[nodiscard]] arch::EmulatorDescription emulator() const;
};

/// Makes a program with random targets (every `seed` another), some columns all zero. Mapped by mapping::make_plan, code by
/// codegen::generate, written and read back by ProgramWriter and Program.
[[nodiscard]] std::shared_ptr<const program::Program> make_program(const ProgramShape& shape, const Hardware& hardware,
                                                                   std::uint32_t seed);

}  // namespace xw::test
