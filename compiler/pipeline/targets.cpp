// Streaming the weights of all matrices to a program file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/targets.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/progress.hpp"
#include "compiler/pipeline/quantize.hpp"
#include "compiler/pipeline/scales.hpp"

namespace xw::compiler {
namespace {

constexpr std::size_t kStripsPerThread = 8;  ///< strips of a batch; finished ones wait for their turn to be written

/// Blocks of one matrix with the same outputs: [first, last) of the blocks.
struct Strip {
  std::size_t first = 0, last = 0;
};

std::vector<Strip> make_strips(std::span<const program::BlockRecord> blocks) {
  std::vector<Strip> strips;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const bool same =
        i > 0 && blocks[i].matrix == blocks[i - 1].matrix && blocks[i].out_begin == blocks[i - 1].out_begin;
    if (!same) strips.push_back({i, i});
    strips.back().last = i + 1;
    if (blocks[i].cols != blocks[strips.back().first].cols)
      throw Error(ErrorCode::kInternal, "targets: a matrix is not cut by a grid");
  }
  return strips;
}

class TargetWriter {
 public:
  TargetWriter(const checkpoint::Checkpoint& checkpoint, const MatrixSources& sources, program::WeightMode mode,
               int adc_max, const TargetTables& tables, program::ProgramWriter& writer)
      : checkpoint_(checkpoint),
        matrices_(sources.matrices),
        weights_(sources.weights),
        full_scales_(sources.full_scales),
        mode_(mode),
        adc_max_(adc_max),
        blocks_(tables.blocks),
        columns_(tables.columns),
        units_(tables.units),
        writer_(writer),
        strips_(make_strips(tables.blocks)),
        progress_("compile", num_weights(), "weights") {
    for (std::size_t m = 0; m < matrices_.size(); ++m) {
      check_shape(m);
      units_[m].resize(matrices_[m].out_features);
    }
  }

  void run(ThreadPool& pool) {
    const std::size_t batch = kStripsPerThread * pool.num_threads();
    for (std::size_t begin = 0; begin < strips_.size(); begin += batch) {
      const std::size_t count = std::min(batch, strips_.size() - begin);
      pool.for_each(count, [&](std::size_t i) { finish(begin + i, quantize_strip(strips_[begin + i])); });
    }
  }

 private:
  /// Targets of the blocks of a strip, one after the other.
  struct Targets {
    std::vector<std::int16_t> analog;
    std::vector<std::int8_t> quantised;
  };

  std::uint64_t num_weights() const {
    std::uint64_t weights = 0;
    for (const program::MatrixInfo& matrix : matrices_)
      weights += std::uint64_t{matrix.in_features} * matrix.out_features;
    return weights;
  }

  void check_shape(std::size_t m) const {
    const checkpoint::Tensor& tensor = find_tensor(checkpoint_, weights_[m]);
    const ir::RowRange range = weights_[m].rows(tensor.rows());
    const std::uint64_t rows = range.size();
    const bool inside = range.end <= tensor.rows();
    if (tensor.shape.size() == 2 && inside && rows == matrices_[m].out_features &&
        tensor.row_elements() == matrices_[m].in_features)
      return;
    throw Error(ErrorCode::kShapeMismatch,
                tensor.location + ": tensor '" + tensor.name + "' for " + matrices_[m].name + ": expected [" +
                    std::to_string(matrices_[m].out_features) + "][" + std::to_string(matrices_[m].in_features) +
                    "], found [" + std::to_string(rows) + "][" + std::to_string(tensor.row_elements()) + "]");
  }

  Targets quantize_strip(const Strip& strip) const {
    const program::BlockRecord& head = blocks_[strip.first];
    const std::uint32_t in_features = matrices_[head.matrix].in_features;
    const checkpoint::Tensor& tensor = find_tensor(checkpoint_, weights_[head.matrix]);
    const std::uint64_t row = weights_[head.matrix].row_begin + head.out_begin;
    std::vector<float> values(std::size_t{head.cols} * in_features);
    checkpoint::read_rows(tensor, row, row + head.cols, values);
    if (const std::size_t bad = first_not_finite(values); bad != SIZE_MAX) {
      throw Error(ErrorCode::kNotFinite, tensor.location + ": tensor '" + tensor.name + "', row " +
                                             std::to_string(row + bad / in_features) + ", column " +
                                             std::to_string(bad % in_features) + ": expected a finite weight, found " +
                                             std::to_string(values[bad]));
    }
    set_scales(strip, values);
    Targets targets;
    const bool analog = mode_ == program::WeightMode::kAnalog;
    (analog ? targets.analog.resize(values.size()) : targets.quantised.resize(values.size()));
    const int target_max = program::target_max(mode_);
    std::vector<float> full_scales(head.cols), w_max(head.cols);
    std::size_t begin = 0;
    for (std::size_t b = strip.first; b < strip.last; ++b) {
      const program::BlockRecord& block = blocks_[b];
      if (block.replica != 0) continue;
      const std::size_t size = std::size_t{block.rows} * block.cols;
      for (std::uint32_t c = 0; c < block.cols; ++c) full_scales[c] = columns_[block.column_offset + c].w_max;
      const BlockWeights weights{values.data(), in_features, block.in_begin, block.rows, block.cols, full_scales};
      if (analog) {
        quantize_block(weights, target_max, std::span(targets.analog).subspan(begin, size), w_max);
      } else {
        quantize_block(weights, target_max, std::span(targets.quantised).subspan(begin, size), w_max);
      }
      begin += size;
    }
    return targets;
  }

  /// w_max and out_scale of all columns of a strip, and the units of its outputs.
  void set_scales(const Strip& strip, std::span<const float> values) const {
    const program::BlockRecord& head = blocks_[strip.first];
    const program::MatrixInfo& matrix = matrices_[head.matrix];
    const FullScales& given = *full_scales_[head.matrix];
    const ScaleSettings settings{matrix.name, matrix.lambda, adc_max_, matrix.replicas};
    std::vector<ScaledColumn> columns;
    for (std::uint32_t c = 0; c < head.cols; ++c) {
      columns.clear();
      for (std::size_t b = strip.first; b < strip.last; ++b) {
        const program::BlockRecord& block = blocks_[b];
        if (block.replica != 0) continue;
        const float w_max =
            given.empty()
                ? max_magnitude(values.subspan(std::size_t{c} * matrix.in_features + block.in_begin, block.rows))
                : given[block.input_slice][head.out_begin + c];
        columns.push_back({matrix.input_ranges[block.input_slice].beta, w_max, 0});
      }
      units_[head.matrix][head.out_begin + c] = choose_scales(settings, columns);
      auto column = columns.begin();
      for (std::size_t b = strip.first; b < strip.last; ++b) {
        if (b != strip.first && blocks_[b].replica == 0) ++column;
        program::ColumnRecord& record = columns_[blocks_[b].column_offset + c];
        record.w_max = column->w_max;
        record.out_scale = column->out_scale;
      }
    }
  }

  /// Keeps the targets of a strip until all before are written, then writes them and those that waited for it.
  void finish(std::size_t index, Targets targets) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(index, std::move(targets));
    for (auto next = waiting_.find(next_); next != waiting_.end(); next = waiting_.find(next_)) {
      write(strips_[next_], next->second);
      waiting_.erase(next);
      ++next_;
    }
  }

  void write(const Strip& strip, const Targets& targets) {
    std::size_t begin = 0;
    for (std::size_t b = strip.first; b < strip.last; ++b) {
      program::BlockRecord& block = blocks_[b];
      if (block.replica != 0) {
        block.target_offset = blocks_[b - 1].target_offset;
        block.target_crc = blocks_[b - 1].target_crc;
        continue;
      }
      const std::size_t size = std::size_t{block.rows} * block.cols;
      const program::ProgramWriter::Stored stored =
          mode_ == program::WeightMode::kAnalog
              ? writer_.add_targets(std::span(targets.analog).subspan(begin, size))
              : writer_.add_targets(std::span(targets.quantised).subspan(begin, size));
      block.target_offset = stored.offset;
      block.target_crc = stored.crc;
      begin += size;
    }
    progress_.advance(begin);
    const std::uint32_t matrix = blocks_[strip.first].matrix;
    const bool last_of_matrix = strip.last == blocks_.size() || blocks_[strip.last].matrix != matrix;
    if (last_of_matrix) checkpoint_.release(find_tensor(checkpoint_, weights_[matrix]));
  }

  const checkpoint::Checkpoint& checkpoint_;
  std::span<const program::MatrixInfo> matrices_;
  std::span<const ir::TensorRef> weights_;
  std::span<const FullScales* const> full_scales_;
  program::WeightMode mode_;
  int adc_max_;
  std::span<program::BlockRecord> blocks_;
  std::span<program::ColumnRecord> columns_;
  std::span<std::vector<float>> units_;
  program::ProgramWriter& writer_;
  std::vector<Strip> strips_;
  Progress progress_;
  std::mutex mutex_;
  std::map<std::size_t, Targets> waiting_;  ///< by strip
  std::size_t next_ = 0;                    ///< first strip that is not written
};

}  // namespace

const checkpoint::Tensor& find_tensor(const checkpoint::Checkpoint& checkpoint, const ir::TensorRef& reference) {
  const auto found = checkpoint.tensors().find(reference.tensor);
  if (found == checkpoint.tensors().end()) {
    throw Error(ErrorCode::kFormat,
                checkpoint.path().string() + ": expected tensor '" + reference.tensor + "', found none of that name");
  }
  return found->second;
}

void write_targets(const checkpoint::Checkpoint& checkpoint, const MatrixSources& sources, program::WeightMode mode,
                   int adc_max, const TargetTables& tables, program::ProgramWriter& writer, ThreadPool& pool) {
  TargetWriter(checkpoint, sources, mode, adc_max, tables, writer).run(pool);
}

}  // namespace xw::compiler
