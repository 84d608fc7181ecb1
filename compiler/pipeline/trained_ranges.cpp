// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/trained_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "arch/support/setting_error.hpp"
#include "compiler/pipeline/quantize.hpp"
#include "compiler/pipeline/targets.hpp"

namespace xw::compiler {
namespace {

using checkpoint::AnalogTraining;
using checkpoint::Tensor;

constexpr std::uint64_t kStripElements = 1U << 20;  ///< weights read at a time when maxima are looked for
constexpr const char* kRanges = "input ranges";
constexpr const char* kWayOut = "; other input ranges (mse) calibrate for this chip instead";

std::string number_text(double value) {
  const std::string text = std::to_string(value);
  return value == std::floor(value) ? std::to_string(static_cast<long long>(value)) : text;
}

[[noreturn]] void refuse(const AnalogTraining& training, const char* field, const std::string& found,
                         const std::string& expected) {
  throw SettingError(ErrorCode::kUnsupported, kRanges,
                     training.origin + ": " + field + ": found " + found + ", expected " + expected + kWayOut);
}

void check_steps(const AnalogTraining& training, const char* field, double steps, int code_max,
                 const std::string& what) {
  if (steps == 0 || std::abs(steps - 2.0 * code_max) < 1e-6 * steps) return;
  refuse(training, field, number_text(steps) + " steps", std::to_string(2 * code_max) + ", as " + what + " has");
}

/// What the training assumed must be what the chip and the compile options give.
void check_hardware(const AnalogTraining& training, const arch::ChipDescription& chip, program::WeightMode mode) {
  if (training.is_pickled) {
    throw SettingError(ErrorCode::kUnsupported, kRanges,
                       training.origin +
                           ": found a pickled configuration; scripts/convert_lightning.py makes the "
                           "rpu_config.json of it that is read here" +
                           kWayOut);
  }
  if (training.is_dynamic)
    refuse(training, "pre_post.input_range.dynamic", "true", "input ranges that do not change with every vector");
  check_steps(training, "forward.inp_res", training.input_steps, chip.dac_max(), "the DAC of chip " + chip.name);
  check_steps(training, "forward.out_res", training.output_steps, chip.adc_max(), "the ADC of chip " + chip.name);
  if (training.weight_rounding == "None") return;
  const bool per_output = training.weight_rounding == "DiscretizePerChannel";
  if (per_output != training.has_bound_per_output()) {
    refuse(training, "modifier.quantization_type", training.weight_rounding,
           "DiscretizePerChannel with a clip type per channel, Discretize with another");
  }
  check_steps(training, "modifier.res", training.weight_steps, program::target_max(mode),
              std::string("weight mode ") + program::name(mode));
}

/// Largest weight of every tile, over all outputs of the stored tensor (a fused layer is one to lightning).
std::vector<float> tile_maxima(const Tensor& tensor, const std::vector<program::InputRange>& tiles) {
  const std::uint64_t width = tensor.row_elements();
  const std::uint64_t strip = std::max<std::uint64_t>(1, kStripElements / width);
  std::vector<float> maxima(tiles.size(), 0);
  std::vector<float> values;
  for (std::uint64_t row = 0; row < tensor.rows(); row += strip) {
    const std::uint64_t rows = std::min(strip, tensor.rows() - row);
    values.resize(rows * width);
    checkpoint::read_rows(tensor, row, row + rows, values);
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      for (std::uint64_t r = 0; r < rows; ++r) {
        const auto part = std::span(values).subspan(r * width + tiles[t].begin, tiles[t].end - tiles[t].begin);
        maxima[t] = std::max(maxima[t], max_magnitude(part));
      }
    }
  }
  return maxima;
}

struct Linear {
  const Tensor* tensor = nullptr;
  std::uint64_t row_begin = 0, rows = 0;
};

std::map<std::string, Linear> find_linears(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph) {
  std::map<std::string, Linear> linears;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    const ir::TensorRef& weight = ir::attr_tensor(node, "weight");
    const Tensor& tensor = find_tensor(checkpoint, weight);
    const ir::RowRange rows = weight.rows(tensor.rows());
    linears[ir::attr_string(node, "name")] = {&tensor, rows.begin, rows.size()};
  }
  return linears;
}

class TrainedRanges {
 public:
  TrainedRanges(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph, ThreadPool& pool)
      : checkpoint_(checkpoint),
        training_(checkpoint.training()),
        linears_(find_linears(checkpoint, graph)),
        stored_(checkpoint::stored_input_ranges(checkpoint)),
        pool_(pool) {}

  Calibration read(const std::vector<std::string>& names) {
    std::vector<LayerRanges> ranges(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) ranges[i].inputs = inputs_of(names[i]);
    if (has_tile_bounds()) find_maxima(names, ranges);
    Calibration calibration;
    for (std::size_t i = 0; i < names.size(); ++i) {
      ranges[i].full_scales = full_scales_of(names[i]);
      if (training_ != nullptr) ranges[i].lambda = static_cast<float>(training_->output_bound);
      calibration.layers[names[i]] = std::move(ranges[i]);
    }
    calibration.description = "input ranges stored in the checkpoint";
    if (training_ != nullptr && training_->output_bound > 0) {
      calibration.description += ", ADC range " + number_text(training_->output_bound) + " and clip type " +
                                 training_->clip_type + " of its rpu_config";
    }
    return calibration;
  }

 private:
  /// The ADC range follows the largest weight of a tile.
  [[nodiscard]] bool has_tile_bounds() const {
    return training_ != nullptr && training_->output_bound > 0 && !training_->has_bound_per_output();
  }

  [[nodiscard]] std::vector<program::InputRange> inputs_of(const std::string& name) const {
    const auto found = stored_.find(name);
    if (found == stored_.end()) {
      throw SettingError(ErrorCode::kFormat, kRanges,
                         checkpoint_.path().string() + ": has input ranges for " + std::to_string(stored_.size()) +
                             " layers but not for " + name + "; input ranges of another source are calibrated on text");
    }
    const auto in_features = static_cast<std::uint32_t>(linears_.at(name).tensor->row_elements());
    const auto tiles = static_cast<std::uint32_t>(found->second.size());
    const bool is_free = training_ == nullptr || training_->max_input_size == 0;
    const std::int64_t size = training_ == nullptr ? -1 : training_->max_input_size;
    const std::int64_t expected = size < 1 ? 1 : (in_features + size - 1) / size;
    if (tiles == 0 || tiles > in_features || (!is_free && tiles != expected)) {
      throw Error(ErrorCode::kFormat, checkpoint_.path().string() + ": " + name + ".input_range: expected " +
                                          (is_free ? "at most one range per input"
                                                   : std::to_string(expected) + " ranges, for mapping.max_input_size " +
                                                         std::to_string(size) + " of " + training_->origin) +
                                          ", found " + std::to_string(tiles));
    }
    std::vector<program::InputRange> inputs;
    const std::vector<std::uint32_t> begins = checkpoint::tile_begins(in_features, tiles);
    for (std::uint32_t t = 0; t < tiles; ++t)
      inputs.push_back({begins[t], t + 1 < tiles ? begins[t + 1] : in_features, found->second[t]});
    return inputs;
  }

  void find_maxima(const std::vector<std::string>& names, const std::vector<LayerRanges>& ranges) {
    std::map<const Tensor*, const std::vector<program::InputRange>*> wanted;
    for (std::size_t i = 0; i < names.size(); ++i) wanted.emplace(linears_.at(names[i]).tensor, &ranges[i].inputs);
    std::vector<std::pair<const Tensor*, std::vector<float>>> found;
    for (const auto& [tensor, inputs] : wanted) found.emplace_back(tensor, std::vector<float>());
    pool_.for_each(found.size(), [&](std::size_t i) {
      found[i].second = tile_maxima(*found[i].first, *wanted.at(found[i].first));
      checkpoint_.release(*found[i].first);
    });
    for (auto& [tensor, maxima] : found) maxima_[tensor] = std::move(maxima);
  }

  [[nodiscard]] std::vector<std::vector<float>> full_scales_of(const std::string& name) const {
    const Linear& linear = linears_.at(name);
    const bool is_learned = training_ != nullptr && training_->clip_type == "LearnablePerChannel";
    if (is_learned && linear.tensor->bounds == nullptr) {
      throw Error(ErrorCode::kFormat, checkpoint_.path().string() + ": expected " + linear.tensor->name +
                                          " to have a learnable_weight_clip, as clip.type LearnablePerChannel of " +
                                          training_->origin + " says, found none");
    }
    if (linear.tensor->bounds != nullptr) return learned_bounds(name, linear);
    std::vector<std::vector<float>> scales;
    if (!has_tile_bounds()) return scales;
    for (const float largest : maxima_.at(linear.tensor)) scales.emplace_back(linear.rows, largest);
    return scales;
  }

  [[nodiscard]] std::vector<std::vector<float>> learned_bounds(const std::string& name, const Linear& linear) const {
    const checkpoint::WeightBounds& bounds = *linear.tensor->bounds;
    if (training_ != nullptr && training_->clip_type != "LearnablePerChannel")
      refuse(*training_, "clip.type", training_->clip_type, "LearnablePerChannel, which " + name + " was trained with");
    if (bounds.begins.size() != stored_.at(name).size()) {
      throw Error(ErrorCode::kShapeMismatch, checkpoint_.path().string() + ": " + name +
                                                 ".learnable_weight_clip: expected as many tiles as input ranges, " +
                                                 std::to_string(stored_.at(name).size()) + ", found " +
                                                 std::to_string(bounds.begins.size()));
    }
    std::vector<std::vector<float>> scales;
    for (std::size_t tile = 0; tile < bounds.begins.size(); ++tile) {
      const auto begin =
          bounds.values.begin() + static_cast<std::ptrdiff_t>(tile * linear.tensor->rows() + linear.row_begin);
      scales.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(linear.rows));
    }
    return scales;
  }

  const checkpoint::Checkpoint& checkpoint_;
  const AnalogTraining* training_;
  std::map<std::string, Linear> linears_;
  std::map<std::string, std::vector<float>> stored_;
  ThreadPool& pool_;
  std::map<const Tensor*, std::vector<float>> maxima_;  ///< by tile
};

}  // namespace

bool is_trained(const checkpoint::Checkpoint& checkpoint) {
  const AnalogTraining* training = checkpoint.training();
  return (training != nullptr && (training->is_dynamic || training->is_pickled)) ||
         !checkpoint::stored_input_ranges(checkpoint).empty();
}

Calibration trained_ranges(const checkpoint::Checkpoint& checkpoint, const ir::Graph& graph,
                           const std::vector<std::string>& names, const arch::ChipDescription& chip,
                           program::WeightMode mode, ThreadPool& pool) {
  if (checkpoint.training() != nullptr) check_hardware(*checkpoint.training(), chip, mode);
  return TrainedRanges(checkpoint, graph, pool).read(names);
}

}  // namespace xw::compiler
