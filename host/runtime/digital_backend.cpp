// Digital references: the calls of a program in exact integer arithmetic on 8- or 4-bit weights, without analog
// effects.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/digital_backend.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "arch/description/description.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "host/runtime/call_conversion.hpp"
#include "models/analog/numerics.hpp"

namespace xw::runtime {
namespace {

/// Columns that one pass of the integer kernels computes.
constexpr std::uint32_t kLanes = 64;
/// Vectors of one task: enough to use every loaded weight often, few enough for the sums to stay in the cache.
constexpr std::uint32_t kTaskVectors = 64;
/// Gain 2, shift 1 and a range that nothing reaches make a converter that returns the sum: (2 s + 1) >> 1 = s.
constexpr std::uint16_t kUnitGain = 2;
constexpr std::uint32_t kUnitShift = 1;

/// A requantised block.
struct DigitalBlock {
  std::uint32_t in_begin = 0, rows = 0, out_begin = 0, cols = 0;
  std::vector<std::int8_t> weights;  ///< [column group of kLanes][row][lane]
  std::vector<float> scale;          ///< per column: beta / dac_max * w_max / q_max
};

/// Outputs of a matrix that the same blocks compute.
struct Panel {
  std::uint32_t matrix = 0;  ///< position in CallInfo::matrices
  std::uint32_t out_begin = 0, out_end = 0;
  std::vector<std::uint32_t> blocks;  ///< by in_begin
};

[[nodiscard]] int quantized_max(DigitalMode mode) {
  return mode == DigitalMode::kW8A8 ? 127 : 7;
}

/// Requantised weight of every target, indexed by target + target_max.
[[nodiscard]] std::vector<std::int8_t> requantization_table(int target_max, int q_max) {
  std::vector<std::int8_t> table(static_cast<std::size_t>(2 * target_max) + 1);
  for (int target = -target_max; target <= target_max; ++target) {
    const double rounded = std::nearbyint(static_cast<double>(target) * q_max / target_max);
    table[static_cast<std::size_t>(target + target_max)] =
        static_cast<std::int8_t>(std::clamp(rounded, -static_cast<double>(q_max), static_cast<double>(q_max)));
  }
  return table;
}

template <typename Target>
void requantize(std::span<const Target> targets, int target_max, const std::vector<std::int8_t>& table,
                DigitalBlock& block) {
  const std::uint32_t groups = (block.cols + kLanes - 1) / kLanes;
  block.weights.assign(std::size_t{groups} * block.rows * kLanes, 0);
  for (std::uint32_t row = 0; row < block.rows; ++row) {
    const Target* source = targets.data() + std::size_t{row} * block.cols;
    for (std::uint32_t col = 0; col < block.cols; ++col) {
      const int target = std::clamp<int>(source[col], -target_max, target_max);
      block.weights[(std::size_t{col / kLanes} * block.rows + row) * kLanes + col % kLanes] =
          table[static_cast<std::size_t>(target + target_max)];
    }
  }
}

/// Blocks of one matrix as panels: blocks whose outputs overlap are computed together.
void add_panels(const std::vector<DigitalBlock>& blocks, std::vector<std::uint32_t> members, std::uint32_t position,
                std::vector<Panel>& panels) {
  std::sort(members.begin(), members.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::pair(blocks[a].out_begin, blocks[a].in_begin) < std::pair(blocks[b].out_begin, blocks[b].in_begin);
  });
  const std::size_t first = panels.size();
  for (const std::uint32_t index : members) {
    const DigitalBlock& block = blocks[index];
    if (panels.size() == first || block.out_begin >= panels.back().out_end) {
      panels.push_back({position, block.out_begin, block.out_begin, {}});
    }
    panels.back().out_end = std::max(panels.back().out_end, block.out_begin + block.cols);
    panels.back().blocks.push_back(index);
  }
  for (std::size_t p = first; p < panels.size(); ++p) {
    std::stable_sort(panels[p].blocks.begin(), panels[p].blocks.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return blocks[a].in_begin < blocks[b].in_begin; });
  }
}

}  // namespace

const char* name(DigitalMode mode) {
  return mode == DigitalMode::kW8A8 ? "digital-w8a8" : "digital-w4a8";
}

DigitalMode digital_mode_from(const std::string& text) {
  for (const DigitalMode mode : {DigitalMode::kW8A8, DigitalMode::kW4A8}) {
    if (text == name(mode)) return mode;
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown digital mode \"" + text + "\": digital-w8a8, digital-w4a8");
}

struct DigitalBackend::Impl {
  Impl(std::shared_ptr<const program::Program> the_program, DigitalMode the_mode, ThreadPool& the_pool)
      : program(std::move(the_program)), mode(the_mode), pool(the_pool) {
    const program::Manifest& manifest = program->manifest();
    const arch::ChipDescription chip = arch::parse_chip(manifest.chip_toml, program->path() + ": chip description");
    for (std::uint32_t call = 0; call < manifest.calls.size(); ++call) {
      conversions.emplace_back(*program, call, chip.dac_max());
    }
    requantize_blocks(chip.dac_max());
    panels.resize(manifest.calls.size());
    std::vector<std::vector<std::uint32_t>> of_matrix(manifest.matrices.size());
    for (std::uint32_t b = 0; b < blocks.size(); ++b) {
      if (program->blocks()[b].replica == 0)
        of_matrix[program->blocks()[b].matrix].push_back(b);  // copies are the same
    }
    for (std::size_t call = 0; call < panels.size(); ++call) {
      const std::vector<std::uint32_t>& matrices = manifest.calls[call].matrices;
      for (std::uint32_t k = 0; k < matrices.size(); ++k) add_panels(blocks, of_matrix[matrices[k]], k, panels[call]);
    }
  }

  void requantize_blocks(int dac_max);
  void run_task(const CallConversion& conversion, const Panel& panel, std::uint32_t begin, std::uint32_t end,
                std::span<const std::span<float>> outputs) const;
  void multiply(const DigitalBlock& block, std::uint32_t begin, std::uint32_t end, std::int32_t* sums) const;

  std::shared_ptr<const program::Program> program;
  DigitalMode mode;
  ThreadPool& pool;
  std::vector<CallConversion> conversions;
  std::vector<DigitalBlock> blocks;
  std::vector<std::vector<Panel>> panels;  ///< per call
  /// Column tables of the unit converter, for any block.
  std::vector<std::uint16_t> unit_tables;
  std::vector<std::int8_t> codes;  ///< of the current call, [vector][codes_stride]
  std::size_t codes_stride = 0;
};

void DigitalBackend::Impl::requantize_blocks(int dac_max) {
  const program::Manifest& manifest = program->manifest();
  const int target_max = program::target_max(manifest.weight_mode);
  const int q_max = quantized_max(mode);
  const std::vector<std::int8_t> table = requantization_table(target_max, q_max);
  const std::span<const program::BlockRecord> records = program->blocks();
  blocks.resize(records.size());
  std::uint64_t weights = 0;
  std::uint32_t largest_cols = 0;
  for (const program::BlockRecord& record : records) {
    weights += std::uint64_t{record.rows} * record.cols;
    largest_cols = std::max<std::uint32_t>(largest_cols, record.cols);
  }
  unit_tables.assign(std::size_t{2} * largest_cols, 1);  // out_scale 1
  for (std::size_t col = 0; col < largest_cols; ++col) unit_tables[2 * col] = kUnitGain;

  Progress progress("quantize", weights, "weights");
  pool.for_each(records.size(), [&](std::size_t index) {
    const program::BlockRecord& record = records[index];
    const program::MatrixInfo& matrix = manifest.matrices.at(record.matrix);
    if (record.replica != 0) return progress.advance(std::uint64_t{record.rows} * record.cols);
    program->check_targets(static_cast<std::uint32_t>(index));
    DigitalBlock& block = blocks[index];
    block.in_begin = record.in_begin;
    block.rows = record.rows;
    block.out_begin = record.out_begin;
    block.cols = record.cols;
    if (manifest.weight_mode == program::WeightMode::kAnalog) {
      requantize(program->targets16(record), target_max, table, block);
    } else {
      requantize(program->targets8(record), target_max, table, block);
    }
    const double beta = static_cast<double>(matrix.input_ranges[record.input_slice].beta);
    for (std::uint32_t col = 0; col < record.cols; ++col) {
      const double w_max = static_cast<double>(program->columns()[record.column_offset + col].w_max);
      block.scale.push_back(static_cast<float>(beta / dac_max * w_max / q_max));
    }
    progress.advance(std::uint64_t{record.rows} * record.cols);
  });
}

void DigitalBackend::Impl::multiply(const DigitalBlock& block, std::uint32_t begin, std::uint32_t end,
                                    std::int32_t* sums) const {
  analog::BlockView view;
  view.rows = block.rows;
  view.cols = block.cols;
  view.lanes = kLanes;
  view.adc_shift = kUnitShift;
  view.adc_max = std::numeric_limits<std::int32_t>::max();
  view.column_tables = unit_tables.data();
  view.cells = block.weights.data();
  analog::MvmBatch batch;
  batch.x = codes.data() + begin * codes_stride + block.in_begin;
  batch.x_stride = codes_stride;
  batch.y = sums;
  batch.y_stride = block.cols;
  batch.num_vectors = end - begin;
  analog::tile_mvm(view, batch);
}

void DigitalBackend::Impl::run_task(const CallConversion& conversion, const Panel& panel, std::uint32_t begin,
                                    std::uint32_t end, std::span<const std::span<float>> outputs) const {
  const std::uint32_t matrix = conversion.call().matrices[panel.matrix];
  const std::size_t out_features = program->manifest().matrices[matrix].out_features;
  float* output = outputs[panel.matrix].data();
  for (std::uint32_t v = begin; v < end; ++v) {
    std::fill(output + v * out_features + panel.out_begin, output + v * out_features + panel.out_end, 0.0F);
  }
  std::vector<std::int32_t> sums(std::size_t{end - begin} * (panel.out_end - panel.out_begin));
  for (const std::uint32_t index : panel.blocks) {
    const DigitalBlock& block = blocks[index];
    multiply(block, begin, end, sums.data());
    for (std::uint32_t v = begin; v < end; ++v) {
      const std::int32_t* s = sums.data() + std::size_t{v - begin} * block.cols;
      float* y = output + v * out_features + block.out_begin;
      for (std::uint32_t col = 0; col < block.cols; ++col) y[col] += static_cast<float>(s[col]) * block.scale[col];
    }
  }
  const std::vector<float>& bias = conversion.bias(panel.matrix);
  if (bias.empty()) return;
  for (std::uint32_t v = begin; v < end; ++v) {
    float* y = output + v * out_features;
    for (std::uint32_t out = panel.out_begin; out < panel.out_end; ++out) y[out] += bias[out];
  }
}

DigitalBackend::DigitalBackend(std::shared_ptr<const program::Program> program, DigitalMode mode, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(std::move(program), mode, pool)) {}
DigitalBackend::~DigitalBackend() = default;

const program::Program& DigitalBackend::program() const {
  return *impl_->program;
}
DigitalMode DigitalBackend::mode() const {
  return impl_->mode;
}

void DigitalBackend::run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                              std::uint32_t /*vector_base*/, std::span<const std::span<float>> outputs) {
  Impl& impl = *impl_;
  if (call >= impl.conversions.size()) {
    throw Error(ErrorCode::kInvalidArgument, impl.program->path() + ": no call " + std::to_string(call));
  }
  const CallConversion& conversion = impl.conversions[call];
  conversion.check_shapes(x, num_vectors, outputs);
  if (num_vectors == 0) return;
  constexpr std::size_t kCacheLine = 64;
  impl.codes_stride = (conversion.call().in_features + kCacheLine - 1) / kCacheLine * kCacheLine;
  impl.codes.resize(num_vectors * impl.codes_stride);
  conversion.to_codes(x, num_vectors, impl.codes.data(), impl.codes_stride, 0, impl.pool);
  const std::vector<Panel>& panels = impl.panels[call];
  const std::uint32_t chunks = (num_vectors + kTaskVectors - 1) / kTaskVectors;
  impl.pool.for_each(panels.size() * chunks, [&](std::size_t task) {
    const auto begin = static_cast<std::uint32_t>(task % chunks) * kTaskVectors;
    impl.run_task(conversion, panels[task / chunks], begin, std::min(begin + kTaskVectors, num_vectors), outputs);
  });
}

}  // namespace xw::runtime
