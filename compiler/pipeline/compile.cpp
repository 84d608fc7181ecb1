// The compiler from end to end.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/compile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include "arch/description/writing.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/warning.hpp"
#include "compiler/codegen/codegen.hpp"
#include "compiler/mapping/bounds.hpp"
#include "compiler/mapping/chips.hpp"
#include "compiler/mapping/duplicates.hpp"
#include "compiler/mapping/rounds.hpp"
#include "compiler/passes/group_calls.hpp"
#include "compiler/passes/select_analog.hpp"
#include "compiler/pipeline/chip_cells.hpp"
#include "compiler/pipeline/constants.hpp"
#include "compiler/pipeline/free_tiles.hpp"
#include "compiler/pipeline/row_cuts.hpp"
#include "compiler/pipeline/targets.hpp"
#include "models/analog/numerics.hpp"

namespace xw::compiler {
namespace {

static_assert(ir::kMaxReplicas == program::kMaxReplicas);

using Ranges = std::vector<program::InputRange>;

/// Checks that ranges are a partition of the inputs and can be divided by.
void check_ranges(const std::string& linear, const LayerRanges& ranges, std::uint32_t in_features,
                  std::uint32_t out_features) {
  std::uint32_t end = 0;
  for (const program::InputRange& range : ranges.inputs) {
    if (range.begin != end || range.end <= range.begin || range.end > in_features) {
      throw Error(ErrorCode::kInvalidArgument,
                  "calibration of " + linear + ": expected ranges that cover inputs 0 to " +
                      std::to_string(in_features) + " one after the other, found " + std::to_string(range.begin) +
                      " to " + std::to_string(range.end) + " after " + std::to_string(end));
    }
    if (!(range.beta > 0) || !std::isnormal(range.beta)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "calibration of " + linear + ": expected a positive range, found " + std::to_string(range.beta));
    }
    end = range.end;
  }
  if (end != in_features) {
    throw Error(ErrorCode::kInvalidArgument, "calibration of " + linear + ": expected ranges for " +
                                                 std::to_string(in_features) + " inputs, found " + std::to_string(end));
  }
  if (!ranges.full_scales.empty() && ranges.full_scales.size() != ranges.inputs.size()) {
    throw Error(ErrorCode::kInvalidArgument, "calibration of " + linear + ": expected full scales for " +
                                                 std::to_string(ranges.inputs.size()) + " input ranges, found " +
                                                 std::to_string(ranges.full_scales.size()));
  }
  for (const std::vector<float>& scales : ranges.full_scales) {
    if (scales.size() == out_features) continue;
    throw Error(ErrorCode::kInvalidArgument, "calibration of " + linear + ": expected full scales of " +
                                                 std::to_string(out_features) + " outputs, found " +
                                                 std::to_string(scales.size()));
  }
  if (!(ranges.lambda >= 0) || !std::isfinite(ranges.lambda)) {
    throw Error(ErrorCode::kInvalidArgument,
                "calibration of " + linear + ": expected lambda >= 0, found " + std::to_string(ranges.lambda));
  }
}

/// Below a thousandth of the largest range, weights cannot use the whole range of their cells (scales.hpp).
void warn_of_starving(const program::MatrixInfo& matrix) {
  constexpr float kMostRatio = 1000;
  const auto [low, high] = std::minmax_element(matrix.input_ranges.begin(), matrix.input_ranges.end(),
                                               [](const auto& a, const auto& b) { return a.beta < b.beta; });
  if (high->beta <= kMostRatio * low->beta) return;
  warn(matrix.name + ": input ranges from " + std::to_string(low->beta) + " to " + std::to_string(high->beta) +
       " share one digital sum, in which inputs of the smallest lose resolution; --first-token digital or --digital " +
       matrix.name + " avoids that");
}

/// What is written for all tokens that go through the rounds together: nanoseconds, then cells.
using Writing = std::pair<double, std::uint64_t>;

Writing writing_of(const mapping::Plan& plan, const arch::ChipDescription& chip) {
  if (plan.tiles_per_round == 0) return {0, 0};
  std::map<std::uint32_t, std::uint32_t> rows;  // by tile
  std::vector<arch::TileWriting> rounds(plan.num_rounds());
  for (const mapping::PlacedBlock& block : plan.blocks) {
    std::uint32_t& most = rows[block.tile];
    most = std::max(most, block.row0 + block.rows);
    rounds[block.tile / plan.tiles_per_round].cells += std::uint64_t{block.rows} * block.cols;
  }
  for (const auto& [tile, count] : rows) rounds[tile / plan.tiles_per_round].add_tile(count);
  Writing sum{0, 0};
  for (std::size_t round = plan.areas - 1; round < rounds.size(); ++round) {
    sum.first += arch::write_ns(chip, rounds[round]);
    sum.second += rounds[round].cells;
  }
  return sum;
}

class Compiler {
 public:
  Compiler(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph, const arch::ChipDescription& chip,
           const arch::EmulatorDescription& emulator, const Calibration& calibration, const CompileOptions& options)
      : checkpoint_(checkpoint), chip_(chip), emulator_(emulator), calibration_(calibration), options_(options) {
    ir::verify(graph);
    group(graph);
    list_matrices();
    check_duplicates();
    make_blocks();
  }

  CompileSummary write(std::span<const std::byte> tokenizer, const std::filesystem::path& output, ThreadPool& pool) {
    // Code first: it depends on shapes only, and a program that does not fit the emulator should fail at once.
    codegen::Output code = generate_code();
    std::vector<ir::TensorRef*> biases;
    for (std::optional<ir::TensorRef>& bias : biases_) {
      if (bias) biases.push_back(&*bias);
    }
    const std::vector<ConstantPlan> constants = plan_constants(checkpoint_, grouped_.graph, biases);
    for (std::size_t m = 0; m < weights_.size(); ++m) {
      if (biases_[m]) matrices_[m].bias = biases_[m]->tensor;
    }
    ir::verify(grouped_.graph);

    program::ProgramWriter writer(output);
    std::vector<std::vector<float>> units(weights_.size());
    const std::span<program::BlockRecord> own = std::span(blocks_).first(own_blocks_);
    write_targets(checkpoint_, {std::span(matrices_).first(weights_.size()), weights_, full_scales_},
                  options_.weight_mode, chip_.adc_max(), {own, columns_, units}, writer, pool);
    for (std::size_t m = 0; m < weights_.size(); ++m) {
      matrices_[m].units = "unit of " + matrices_[m].name;
      writer.begin_constant(matrices_[m].units, program::ConstantType::kF32, {units[m].size()});
      writer.add_constant_data(std::as_bytes(std::span(units[m])));
    }
    finish_copies();
    write_constants(checkpoint_, constants, writer, pool);

    CompileSummary summary;
    summary.num_instructions = code.code.size();
    summary.num_calls = static_cast<std::uint32_t>(code.calls.size());
    const std::string graph_text = ir::print(grouped_.graph);
    writer.finish(manifest(code), graph_text, code.code, blocks_, code.images, columns_, tokenizer);
    summary.program_bytes = std::filesystem::file_size(output);
    summary.max_serialisation = mapping::max_serialisation(plan_, shapes_);
    for (const mapping::MatrixShape& shape : std::span(shapes_).first(weights_.size()))
      summary.analog_weights += std::uint64_t{shape.in_features} * shape.out_features;
    summary.digital_weights = digital_weights();
    summary.plan = std::move(plan_);
    return summary;
  }

 private:
  void group(const ir::Graph& graph) {
    const std::vector<std::string> names = analog_linears(graph, options_);
    if (names.empty())
      throw Error(ErrorCode::kInvalidArgument,
                  "graph '" + graph.name + "': expected at least one analog linear layer, found none");
    grouped_ = passes::group_calls(graph, range_classes(names, calibration_));
  }

  void list_matrices() {
    for (std::uint32_t call = 0; call < grouped_.calls.size(); ++call) {
      std::vector<std::uint32_t>& members = calls_.emplace_back();
      call_names_.push_back(grouped_.calls[call].name);
      for (const passes::AnalogLinear& linear : grouped_.calls[call].linears) {
        const LayerRanges& ranges = calibration_.layers.at(linear.name);
        check_ranges(linear.name, ranges, linear.in_features, linear.out_features);
        members.push_back(static_cast<std::uint32_t>(matrices_.size()));
        program::MatrixInfo matrix;
        matrix.name = linear.name;
        matrix.layer = linear.layer;
        matrix.in_features = linear.in_features;
        matrix.out_features = linear.out_features;
        matrix.call = call;
        matrix.lambda = ranges.lambda > 0 ? ranges.lambda : options_.lambda > 0 ? options_.lambda : chip_.lambda;
        matrix.input_ranges = ranges.inputs;
        matrix.replicas = linear.replicas;
        warn_of_starving(matrix);
        mapping::MatrixShape shape = shape_of(linear);
        shape.group = call + 1;
        for (const program::InputRange& range : ranges.inputs) {
          if (range.begin != 0) shape.input_cuts.push_back(range.begin);
        }
        if (linear.bias) check_bias(linear);
        matrices_.push_back(std::move(matrix));
        shapes_.push_back(std::move(shape));
        weights_.push_back(linear.weight);
        full_scales_.push_back(&ranges.full_scales);
        biases_.push_back(linear.bias);
      }
    }
  }

  void check_bias(const passes::AnalogLinear& linear) const {
    const checkpoint::Tensor& tensor = find_tensor(checkpoint_, *linear.bias);
    const std::uint64_t elements = linear.bias->rows(tensor.row_elements()).size();
    if (tensor.shape.size() == 1 && elements == linear.out_features) return;
    throw Error(ErrorCode::kShapeMismatch, tensor.location + ": tensor '" + tensor.name + "', bias of " + linear.name +
                                               ": expected [" + std::to_string(linear.out_features) + "], found " +
                                               std::to_string(elements) + " elements in " +
                                               std::to_string(tensor.shape.size()) + " dimensions");
  }

  void make_blocks() {
    mapping::TileShape tile{chip_.rows,           chip_.cols,           chip_.num_tiles,
                            emulator_.block_rows, emulator_.block_cols, options_.row_cuts};
    if (chip_.tiers > 1 && chip_.num_tiles != 0) tile.stacks = chip_.num_stacks(chip_.num_tiles);
    if (options_.reload) {
      plan_ = rounds_plan(tile);
    } else if (options_.chips == 1) {
      plan_ = mapping::make_plan(shapes_, tile);
    } else {
      plan_ = chips_plan(tile);
    }
    if (options_.spread_tiles) {
      check_free_tiles("spread", "blocks side by side");
      spread_blocks(plan_, shapes_, chip_, *options_.spread_tiles);
    }
    own_blocks_ = plan_.blocks.size();
    if (!options_.duplicates.empty()) add_copies();
    mapping::verify_plan(plan_, shapes_, tile);
    std::uint64_t num_columns = 0;
    for (const mapping::PlacedBlock& placed : plan_.blocks) {
      const program::MatrixInfo& matrix = matrices_[placed.matrix];
      const analog::AdcSetting adc =
          analog::ideal_adc(matrix.lambda, chip_.dac_max(), chip_.g_unit, static_cast<int>(chip_.adc_bits));
      program::BlockRecord block;
      block.matrix = placed.matrix;
      block.tile = placed.tile;
      block.in_begin = placed.in_begin;
      block.out_begin = placed.out_begin;
      block.rows = static_cast<std::uint16_t>(placed.rows);
      block.cols = static_cast<std::uint16_t>(placed.cols);
      block.row0 = static_cast<std::uint16_t>(placed.row0);
      block.col0 = static_cast<std::uint16_t>(placed.col0);
      block.replica = placed.replica;
      block.column_offset = static_cast<std::uint32_t>(num_columns);
      block.adc_gain = adc.gain;
      block.adc_shift = adc.shift;
      block.adc_bits = static_cast<std::uint8_t>(chip_.adc_bits);
      const auto slice = std::find_if(matrix.input_ranges.begin(), matrix.input_ranges.end(),
                                      [&](const program::InputRange& range) { return placed.in_begin < range.end; });
      block.input_slice = static_cast<std::uint32_t>(slice - matrix.input_ranges.begin());
      num_columns += placed.cols;
      blocks_.push_back(block);
    }
    if (num_columns > UINT32_MAX)
      throw Error(ErrorCode::kCapacity,
                  "expected at most 4294967295 columns in a program, found " + std::to_string(num_columns));
    columns_.resize(num_columns);
  }

  /// What uses free tiles for speed needs tiles that are free all the time and work by themselves.
  void check_free_tiles(const std::string& option, const std::string& what) const {
    if (options_.chips != 1 || options_.reload)
      throw Error(
          ErrorCode::kInvalidArgument,
          option + ": " + what + " are for one chip whose tiles are not written anew, without --chips and --reload");
    check_tiles_work_alone(chip_, option, what);
  }

  /// Further copies of calls: calls of their own with matrices of their own, behind all others.
  void add_copies() {
    check_free_tiles("duplicate", "copies of calls");
    for (std::uint32_t call = 0; call < grouped_.calls.size(); ++call) {
      const std::uint32_t count = copies_of(call);
      for (std::uint32_t copy = 1; copy < count; ++copy) {
        const std::string suffix = "#" + std::to_string(copy + 1);
        const auto number = static_cast<std::uint32_t>(calls_.size());
        const std::vector<std::uint32_t> originals = calls_[call];
        mapping::append_copy(plan_, shapes_, originals, number + 1);
        std::vector<std::uint32_t>& members = calls_.emplace_back();
        call_names_.push_back(call_names_[call] + suffix);
        copy_of_.push_back(call);
        for (const std::uint32_t original : originals) {
          members.push_back(static_cast<std::uint32_t>(matrices_.size()));
          program::MatrixInfo matrix = matrices_[original];
          matrix.name += suffix;
          matrix.call = number;
          matrices_.push_back(std::move(matrix));
          matrix_copy_of_.push_back(original);
        }
      }
    }
    if (chip_.num_tiles == 0 || plan_.num_tiles <= chip_.num_tiles) return;
    throw Error(ErrorCode::kCapacity,
                "chip " + chip_.name + ": with the copies that --duplicate asks for the model needs " +
                    std::to_string(plan_.num_tiles) + " tiles, " + std::to_string(chip_.num_tiles) + " are there");
  }

  /// How often the chip holds a call.
  [[nodiscard]] std::uint32_t copies_of(std::uint32_t call) const {
    std::uint32_t count = 1;
    for (const passes::ReplicaRule& rule : options_.duplicates) {
      if (passes::applies(rule, call_names_[call])) count = rule.count;
    }
    return count;
  }

  void check_duplicates() const {
    for (const passes::ReplicaRule& rule : options_.duplicates) {
      const auto is_meant = [&](const std::string& name) { return passes::applies(rule, name); };
      if (std::any_of(call_names_.begin(), call_names_.end(), is_meant)) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  "duplicate: expected a name or pattern of a call (as `crossweave report` lists them), found '" +
                      rule.pattern + "', which matches none");
    }
  }

  /// Blocks of copies hold the targets of their originals, with the same scales.
  void finish_copies() {
    std::vector<std::size_t> first(matrices_.size(), 0);  // block of a matrix
    for (std::size_t b = blocks_.size(); b-- > 0;) first[blocks_[b].matrix] = b;
    for (std::size_t b = own_blocks_; b < blocks_.size(); ++b) {
      program::BlockRecord& block = blocks_[b];
      const std::size_t copy = block.matrix - weights_.size();
      const program::BlockRecord& original = blocks_[first[matrix_copy_of_[copy]] + (b - first[block.matrix])];
      block.target_offset = original.target_offset;
      block.target_crc = original.target_crc;
      std::copy_n(columns_.begin() + original.column_offset, block.cols, columns_.begin() + block.column_offset);
    }
    for (std::size_t copy = 0; copy < matrix_copy_of_.size(); ++copy) {
      program::MatrixInfo& matrix = matrices_[weights_.size() + copy];
      const program::MatrixInfo& original = matrices_[matrix_copy_of_[copy]];
      matrix.units = original.units;
      matrix.bias = original.bias;
    }
  }

  /// Over several chips of the description; of one without a number of tiles each gets its part.
  mapping::Plan chips_plan(const mapping::TileShape& tile) const {
    const mapping::TileShape unlimited = tile.unlimited();
    std::uint32_t tiles = chip_.num_tiles;
    if (tiles == 0) tiles = mapping::make_plan(shapes_, unlimited).num_tiles;
    mapping::Plan plan = mapping::make_chips_plan(shapes_, unlimited, {tiles, options_.chips});
    if (plan.num_chips() <= program::kMaxChips) return plan;
    throw Error(ErrorCode::kCapacity, "a program is spread over at most " + std::to_string(program::kMaxChips) +
                                          " chips, the model needs " + std::to_string(plan.num_chips()) + " of chip " +
                                          chip_.name);
  }

  /// On one chip whose tiles are written anew if they are too few.
  mapping::Plan rounds_plan(const mapping::TileShape& tile) const {
    if (options_.chips != 1) {
      throw Error(ErrorCode::kInvalidArgument,
                  "reload: writes the tiles of one chip anew, expected no number of chips, found " +
                      (options_.chips == 0 ? "as many as are needed" : std::to_string(options_.chips)));
    }
    if (tile.max_tiles == 0 || mapping::area_bound(shapes_, tile).tiles <= tile.max_tiles) {
      try {
        return mapping::make_plan(shapes_, tile);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kCapacity) throw;
      }
    }
    const std::vector<std::uint32_t> choices =
        *options_.reload == 0 ? mapping::area_choices(tile.max_tiles) : std::vector<std::uint32_t>{*options_.reload};
    std::optional<mapping::Plan> best;
    Writing least;
    for (const std::uint32_t areas : choices) {
      std::optional<mapping::Plan> plan = mapping::make_rounds_plan(shapes_, tile, areas);
      if (!plan) continue;
      const Writing writing = writing_of(*plan, chip_);
      if (best && !(writing < least)) continue;
      best = std::move(plan);
      least = writing;
    }
    if (!best) {
      throw Error(ErrorCode::kCapacity,
                  "chip " + chip_.name + ": " + mapping::explain_rounds(shapes_, tile, choices.front()));
    }
    if (best->num_rounds() > program::kMaxRounds) {
      throw Error(ErrorCode::kCapacity, "a program has at most " + std::to_string(program::kMaxRounds) +
                                            " rounds, the model needs " + std::to_string(best->num_rounds()) +
                                            " of chip " + chip_.name);
    }
    return *std::move(best);
  }

  codegen::Output generate_code() const {
    return codegen::generate({blocks_, matrices_, calls_, call_names_}, emulator_);
  }

  program::Manifest manifest(codegen::Output& code) {
    program::Manifest manifest;
    const std::string& name = checkpoint_.config().name;
    manifest.model_name = name.empty() ? grouped_.graph.name : name;
    manifest.model_format = checkpoint_.format();
    manifest.source_path_name =
        options_.source_name.empty() ? checkpoint_.path().filename().string() : options_.source_name;
    manifest.tool_version = options_.tool_version;
    manifest.chip_toml = chip_.text;
    manifest.emulator_toml = emulator_.text;
    manifest.weight_mode = options_.weight_mode;
    manifest.lm_head_analog = options_.lm_head_analog;
    manifest.calibration = calibration_.description;
    manifest.num_tiles = plan_.num_tiles;
    manifest.tiles_per_chip = plan_.tiles_per_chip;
    manifest.rounds = {plan_.tiles_per_round, plan_.areas};
    manifest.tiles_lower_bound = plan_.tiles_lower_bound;
    manifest.lower_bound_reason = plan_.lower_bound_reason;
    manifest.engine_image_bytes = code.engine_image_bytes;
    manifest.matrices = std::move(matrices_);
    manifest.calls = code.calls;
    for (std::size_t copy = 0; copy < copy_of_.size(); ++copy)
      manifest.calls[grouped_.calls.size() + copy].copy_of = copy_of_[copy];
    return manifest;
  }

  std::uint64_t digital_weights() const {
    std::uint64_t weights = 0;
    for (const ir::Node& node : grouped_.graph.nodes) {
      if (node.kind != ir::OpKind::kLinear) continue;
      weights += std::uint64_t{grouped_.graph.values[node.inputs[0]].features} *
                 grouped_.graph.values[node.results[0]].features;
    }
    return weights;
  }

  const checkpoint::Checkpoint& checkpoint_;
  const arch::ChipDescription& chip_;
  const arch::EmulatorDescription& emulator_;
  const Calibration& calibration_;
  const CompileOptions& options_;
  passes::GroupedGraph grouped_;
  // One entry per matrix, those of copies behind the others.
  std::vector<program::MatrixInfo> matrices_;
  std::vector<mapping::MatrixShape> shapes_;
  // One entry per matrix that is no copy.
  std::vector<ir::TensorRef> weights_;
  std::vector<const FullScales*> full_scales_;
  std::vector<std::optional<ir::TensorRef>> biases_;
  // One entry per call, copies behind the others.
  std::vector<std::vector<std::uint32_t>> calls_;
  std::vector<std::string> call_names_;
  std::vector<std::uint32_t> copy_of_;         ///< call, per copy of a call
  std::vector<std::uint32_t> matrix_copy_of_;  ///< matrix, per matrix of a copy
  mapping::Plan plan_;
  std::size_t own_blocks_ = 0;  ///< those behind them are of copies
  std::vector<program::BlockRecord> blocks_;
  std::vector<program::ColumnRecord> columns_;
};

}  // namespace

std::vector<std::string> analog_linears(const ir::Graph& graph, const CompileOptions& options) {
  return passes::select_analog(graph, options.lm_head_analog, options.digital);
}

std::map<std::string, std::uint32_t> range_classes(std::span<const std::string> linears,
                                                   const Calibration& calibration) {
  std::map<std::string, std::uint32_t> classes;
  std::vector<const Ranges*> known;
  for (const std::string& name : linears) {
    const auto found = calibration.layers.find(name);
    if (found == calibration.layers.end()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "calibration: expected ranges for every analog layer, found none for " + name);
    }
    const Ranges& ranges = found->second.inputs;
    const auto same = std::find_if(known.begin(), known.end(), [&](const Ranges* other) { return *other == ranges; });
    classes[name] = static_cast<std::uint32_t>(same - known.begin());
    if (same == known.end()) known.push_back(&ranges);
  }
  return classes;
}

CompileSummary compile(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph,
                       const arch::ChipDescription& named, const arch::EmulatorDescription& emulator,
                       const Calibration& calibration, const CompileOptions& options,
                       std::span<const std::byte> tokenizer, const std::filesystem::path& output, ThreadPool& pool) {
  const auto start = std::chrono::steady_clock::now();
  const arch::ChipDescription chip = with_known_cells(named);  // a chip whose cells nobody knows would never run
  CompileSummary summary =
      Compiler(checkpoint, graph, chip, emulator, calibration, options).write(tokenizer, output, pool);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace xw::compiler
