// What a user may choose on the way from a checkpoint to a running model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compiler/mapping/plan.hpp"
#include "compiler/passes/replicas.hpp"
#include "compiler/program/program.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/toolchain/adapt/options.hpp"
#include "host/toolchain/calibration/ranges.hpp"
#include "host/toolchain/mode.hpp"

namespace xw::toolchain {

/// How the ranges of the converters are found.
struct CalibrationOptions {
  InputRanges ranges;
  AdcRange adc;
  std::filesystem::path text;   ///< file to calibrate on; empty: the built-in text
  std::uint32_t tokens = 0;     ///< of it, at most; 0: 512, or 4096 for an adapted checkpoint
  std::uint32_t context = 512;  ///< tokens that the model reads as one sequence; no more than its context
};

/// How a checkpoint becomes a program.
struct CompileOptions {
  std::string chip = "afm-512";  ///< description: built-in name or TOML file
  std::string emulator;          ///< likewise; empty: the chip description's
  program::WeightMode weights = program::WeightMode::kAnalog;
  bool lm_head_analog = true;        ///< the output layer runs on the chip, a copy of the embedding if they are tied
  std::vector<std::string> digital;  ///< linear layers to keep digital: names or patterns
  /// The first token of every context is computed on the host (passes::set_digital_positions), but in the output layer.
  bool first_token_digital = false;
  /// Layers that the chip holds several times, their outputs averaged (passes::set_replicas).
  std::vector<passes::ReplicaRule> replicas;
  mapping::RowCuts row_cuts = mapping::RowCuts::kFewestTiles;  ///< how inputs are cut into blocks
  std::uint32_t chips = 1;  ///< how many of the chip there are; 0: as many as are needed
  std::optional<std::uint32_t>
      reload;  ///< areas of one chip whose tiles are written anew; 0: the fastest; nothing: none
  /// Further tiles into which blocks that share one are moved apart, 0: all free ones; nothing: none.
  std::optional<std::uint32_t> spread_tiles;
  /// Further copies of calls that take other vectors. Tiles that they may take, 0: all free ones; nothing: none.
  std::optional<std::uint32_t> duplicate_tiles;
  std::vector<passes::ReplicaRule> duplicates;  ///< or how often the chip holds calls, by name or pattern
  std::optional<AdaptOptions> adapt;  ///< what is done to the checkpoint before; its text is the calibration's
  std::filesystem::path adapter;  ///< directory of a PEFT adapter that runs digitally beside the layers; empty: none
  CalibrationOptions calibration;
  std::filesystem::path tokenizer;  ///< empty: found in or beside the checkpoint
};

/// How a model is run.
struct RunOptions {
  std::optional<Mode> mode;           ///< nothing: analog for a program, fp32 for a checkpoint
  std::string device = "functional";  ///< URI (host/backends/registry)
  runtime::ChipOptions chip;
  /// Hears of the cycles that a simulation has passed, about ten times a second; may throw.
  std::function<void(std::uint64_t)> on_cycles;
};

}  // namespace xw::toolchain
