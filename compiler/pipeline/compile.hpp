// The compiler from end to end: checkpoint, chip and calibration in, program file out.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/passes/replicas.hpp"
#include "compiler/program/program.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::compiler {

/// Ranges of one linear layer, by linear name.
struct LayerRanges {
  std::vector<program::InputRange> inputs;  ///< partition of the inputs
  float lambda = 0;                         ///< 0: the compile option's
  /// Weights at full scale, which the ADC range follows, too: per input range and output. Empty: the largest weight of
  /// every block's column.
  std::vector<std::vector<float>> full_scales = {};
};

/// Where ranges come from and what they are; every analog linear must be there.
struct Calibration {
  std::string description;  ///< goes to Manifest::calibration
  std::map<std::string, LayerRanges> layers;
};

struct CompileOptions {
  program::WeightMode weight_mode = program::WeightMode::kAnalog;
  bool lm_head_analog = false;       ///< otherwise lm_head stays a digital host layer
  std::vector<std::string> digital;  ///< more linears to keep digital: names or glob patterns ("*.down_proj")
  float lambda = 0;                  ///< global ADC range; 0: the chip description's
  mapping::RowCuts row_cuts = mapping::RowCuts::kFewestTiles;
  std::uint32_t chips = 1;  ///< of the description, at most; 0: as many as are needed
  /// One chip that may be too small: its tiles are written anew, round by round, in so many areas (mapping::make_rounds_plan); 0: as many as make
  /// writing fastest. Nothing: a chip that is too small is an error.
  std::optional<std::uint32_t> reload;
  /// Further tiles into which blocks that share one are moved apart (mapping::spread), 0: all that are free. On one chip, without `reload`.
  std::optional<std::uint32_t> spread_tiles;
  /// How often the chip holds calls whose names match (the last rule that does counts): vectors are shared among the copies. On one chip, without `reload`.
  std::vector<passes::ReplicaRule> duplicates;
  std::string tool_version;
  std::string source_name;  ///< of the file that the user named; empty: the checkpoint's
};

/// What a user wants to know after compiling; also part of the report.
struct CompileSummary {
  mapping::Plan plan;
  std::uint64_t num_instructions = 0, program_bytes = 0;
  std::uint64_t analog_weights = 0, digital_weights = 0;
  std::uint32_t num_calls = 0;
  double seconds = 0;
  std::uint32_t max_serialisation = 1;  ///< most blocks of one call that share a tile and take turns
};

/// Names of the linears that would be analog, in graph order (what a calibration must cover).
/// Throws Error{kInvalidArgument} for a name or pattern in options.digital that matches no linear.
[[nodiscard]] std::vector<std::string> analog_linears(const ir::Graph& graph, const CompileOptions& options);

/// Linears with equal input ranges have equal numbers: those that share their inputs, too, are one call. Throws Error{kInvalidArgument} for a
/// linear without ranges.
[[nodiscard]] std::map<std::string, std::uint32_t> range_classes(std::span<const std::string> linears,
                                                                 const Calibration& calibration);

/// Compiles; attributes of the graph's analog linears (`digital_positions`, `replicas`) count. Bulk data streams to `output`; peak memory is independent of the model size but for tables.
/// The file is a function of the arguments alone, whatever the number of threads.
/// Throws Error{kInvalidArgument | kUnsupported | kShapeMismatch | kNotFinite (names tensor, row, column) | kCapacity | kIo}.
CompileSummary compile(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph,
                       const arch::ChipDescription& chip, const arch::EmulatorDescription& emulator,
                       const Calibration& calibration, const CompileOptions& options,
                       std::span<const std::byte> tokenizer, const std::filesystem::path& output, ThreadPool& pool);

}  // namespace xw::compiler
