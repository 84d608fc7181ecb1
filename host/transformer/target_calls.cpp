// The calls of a program in floating point on the host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/target_calls.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/host_matrix.hpp"
#include "host/transformer/kernels.hpp"
#include "host/transformer/program_source.hpp"

namespace xw::transformer {
namespace {

constexpr std::uint32_t kStripCols = 64;  ///< outputs that a thread computes at a time
constexpr std::uint32_t kLanes = 16;      ///< columns in a group of the kernels

/// sums[v][col] = sum over rows of x[v][row] * targets[row][col], vectors of `x` and `sums` being x_stride and kStripCols apart.
template <typename Target, typename Outer>
void multiply(Outer outer, std::span<const Target> targets, const program::BlockRecord& block, std::uint32_t col_begin,
              std::uint32_t cols, const float* x, std::size_t x_stride, std::uint32_t num_vectors, float* sums) {
  const Target* first = targets.data() + col_begin;
  const std::uint32_t groups = cols / kLanes;
  const std::uint32_t rest = cols % kLanes;
  if (groups != 0) outer(x, x_stride, num_vectors, first, block.cols, kLanes, block.rows, groups, sums, kStripCols);
  if (rest == 0) return;
  std::vector<Target> tail(std::size_t{block.rows} * kLanes, Target{0});
  for (std::uint32_t row = 0; row < block.rows; ++row) {
    const Target* source = first + std::size_t{row} * block.cols + std::size_t{groups} * kLanes;
    std::copy_n(source, rest, tail.begin() + static_cast<std::ptrdiff_t>(std::size_t{row} * kLanes));
  }
  outer(x, x_stride, num_vectors, tail.data(), kLanes, kLanes, block.rows, 1, sums + std::size_t{groups} * kLanes,
        kStripCols);
}

}  // namespace

TargetCalls::TargetCalls(std::shared_ptr<const program::Program> program, ThreadPool& pool)
    : program_(std::move(program)), pool_(pool) {
  const program::Manifest& manifest = program_->manifest();
  const std::span<const program::BlockRecord> blocks = program_->blocks();
  std::vector<std::vector<std::uint32_t>> of_matrix(manifest.matrices.size());
  for (std::uint32_t b = 0; b < blocks.size(); ++b) {
    if (blocks[b].replica == 0) of_matrix[blocks[b].matrix].push_back(b);  // copies are the same
  }
  const ProgramSource constants(program_);
  for (const program::CallInfo& info : manifest.calls) {
    Call& call = calls_.emplace_back();
    for (std::uint32_t k = 0; k < info.matrices.size(); ++k) {
      const program::MatrixInfo& matrix = manifest.matrices[info.matrices[k]];
      std::vector<std::uint32_t>& members = of_matrix[info.matrices[k]];
      std::stable_sort(members.begin(), members.end(),
                       [&](std::uint32_t a, std::uint32_t b) { return blocks[a].in_begin < blocks[b].in_begin; });
      for (std::uint32_t begin = 0; begin < matrix.out_features; begin += kStripCols) {
        Strip strip{k, begin, std::min(kStripCols, matrix.out_features - begin), {}};
        for (const std::uint32_t b : members) {
          if (blocks[b].out_begin < begin + strip.cols && blocks[b].out_begin + blocks[b].cols > begin)
            strip.blocks.push_back(b);
        }
        call.strips.push_back(std::move(strip));
      }
      call.biases.emplace_back();
      if (matrix.bias.empty()) continue;
      call.biases.back() =
          load_vector(constants, {matrix.bias}, matrix.out_features, program_->path() + ": bias of " + matrix.name);
    }
  }
}

void TargetCalls::check_shapes(const program::CallInfo& info, std::span<const float> x, std::uint32_t num_vectors,
                               std::span<const std::span<float>> outputs) const {
  const auto check = [&](const std::string& what, std::size_t found, std::size_t expected) {
    if (found == expected) return;
    throw Error(ErrorCode::kShapeMismatch, "call \"" + info.name + "\" on the host: expected " +
                                               std::to_string(expected) + " " + what + ", found " +
                                               std::to_string(found));
  };
  check("inputs", x.size(), std::size_t{num_vectors} * info.in_features);
  check("outputs", outputs.size(), info.matrices.size());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const program::MatrixInfo& matrix = program_->manifest().matrices[info.matrices[k]];
    check("numbers of " + matrix.name, outputs[k].size(), std::size_t{num_vectors} * matrix.out_features);
  }
  const auto bad = std::find_if_not(x.begin(), x.end(), [](float value) { return std::isfinite(value); });
  if (bad == x.end()) return;
  const auto index = static_cast<std::size_t>(bad - x.begin());
  throw Error(ErrorCode::kNotFinite, "call \"" + info.name + "\" on the host: vector " +
                                         std::to_string(index / info.in_features) + ", input " +
                                         std::to_string(index % info.in_features) + " is not finite");
}

void TargetCalls::check_targets(Call& call) {
  if (call.checked) return;
  std::vector<std::uint32_t> blocks;
  for (const Strip& strip : call.strips) blocks.insert(blocks.end(), strip.blocks.begin(), strip.blocks.end());
  std::sort(blocks.begin(), blocks.end());
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  pool_.for_each(blocks.size(), [&](std::size_t i) { program_->check_targets(blocks[i]); });
  call.checked = true;
}

void TargetCalls::run_strip(const program::CallInfo& info, const Call& call, const Strip& strip,
                            std::span<const float> x, std::uint32_t num_vectors, std::span<float> output) const {
  const program::Manifest& manifest = program_->manifest();
  const std::size_t out_features = manifest.matrices[info.matrices[strip.matrix]].out_features;
  const auto target_max = static_cast<double>(program::target_max(manifest.weight_mode));
  const Kernels& run = kernels();
  std::vector<float> sums(std::size_t{num_vectors} * kStripCols);
  for (std::uint32_t v = 0; v < num_vectors; ++v) {
    float* y = output.data() + v * out_features + strip.out_begin;
    std::fill(y, y + strip.cols, 0.0F);
  }
  for (const std::uint32_t index : strip.blocks) {
    const program::BlockRecord& block = program_->blocks()[index];
    const std::uint32_t begin = std::max(strip.out_begin, block.out_begin);
    const std::uint32_t end = std::min(strip.out_begin + strip.cols, block.out_begin + block.cols);
    const std::uint32_t col = begin - block.out_begin;
    const float* inputs = x.data() + block.in_begin;
    if (manifest.weight_mode == program::WeightMode::kAnalog) {
      multiply(run.outer_i16, program_->targets16(block), block, col, end - begin, inputs, info.in_features,
               num_vectors, sums.data());
    } else {
      multiply(run.outer_i8, program_->targets8(block), block, col, end - begin, inputs, info.in_features, num_vectors,
               sums.data());
    }
    const std::span<const program::ColumnRecord> columns =
        program_->columns().subspan(block.column_offset + col, end - begin);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto scale = static_cast<float>(static_cast<double>(columns[c].w_max) / target_max);
      for (std::uint32_t v = 0; v < num_vectors; ++v)
        output[v * out_features + begin + c] += sums[std::size_t{v} * kStripCols + c] * scale;
    }
  }
  const AlignedBuffer<float>& bias = call.biases[strip.matrix];
  if (bias.size() == 0) return;
  for (std::uint32_t v = 0; v < num_vectors; ++v) {
    float* y = output.data() + v * out_features;
    for (std::uint32_t out = strip.out_begin; out < strip.out_begin + strip.cols; ++out) y[out] += bias.data()[out];
  }
}

void TargetCalls::run_call(std::uint32_t call, std::span<const float> x, std::uint32_t num_vectors,
                           std::span<const std::span<float>> outputs) {
  if (call >= calls_.size())
    throw Error(ErrorCode::kInvalidArgument, program_->path() + ": no call " + std::to_string(call));
  const program::CallInfo& info = program_->manifest().calls[call];
  check_shapes(info, x, num_vectors, outputs);
  check_targets(calls_[call]);
  const std::vector<Strip>& strips = calls_[call].strips;
  pool_.for_each(strips.size(), [&](std::size_t i) {
    run_strip(info, calls_[call], strips[i], x, num_vectors, outputs[strips[i].matrix]);
  });
}

}  // namespace xw::transformer
