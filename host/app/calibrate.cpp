// Calibration of a checkpoint on text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/app/calibrate.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/passes/calibration.hpp"
#include "host/transformer/model.hpp"
#include "host/transformer/sources.hpp"
#include "models/analog/numerics.hpp"
#include "models/calibration/default_text.hpp"

namespace xw::app {

namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Vectors kept per layer for choosing the ADC range.
constexpr std::size_t kKeptVectors = 64;

/// Inputs [begin, end) of a layer that share an input range: the rows of one block.
struct Slice {
  std::uint32_t begin = 0, end = 0;
  passes::RangeStatistics statistics;
  float beta = 0;
};

struct LayerData {
  std::vector<Slice> slices;
  std::vector<float> kept;  ///< [kKeptVectors][in_features]
  std::uint32_t in_features = 0;
};

struct LinearLayer {
  ir::TensorRef weight;
  ir::ValueId input = 0;
};

std::map<std::string, LinearLayer> linear_layers(const ir::Graph& graph) {
  std::map<std::string, LinearLayer> layers;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    layers[ir::attr_string(node, "name")] = {ir::attr_tensor(node, "weight"), node.inputs.at(0)};
  }
  return layers;
}

/// Weights [out][in] of a linear layer.
RowMatrix weights_of(const checkpoint::Checkpoint& checkpoint, const ir::TensorRef& reference) {
  const checkpoint::Tensor& tensor = checkpoint.tensors().at(reference.tensor);
  const std::uint64_t end = reference.row_end == 0 ? tensor.rows() : reference.row_end;
  RowMatrix weights(static_cast<Eigen::Index>(end - reference.row_begin),
                    static_cast<Eigen::Index>(tensor.row_elements()));
  checkpoint::read_rows(tensor, reference.row_begin, end, {weights.data(), static_cast<std::size_t>(weights.size())});
  return weights;
}

/// ADC range of one layer in units of beta * w_max: statistics of the column sums of every row block on kept inputs.
float choose_lambda(const RowMatrix& weights, const LayerData& data, const arch::ChipDescription& chip,
                    const passes::RangeChoice& choice) {
  const auto vectors = static_cast<Eigen::Index>(data.kept.size() / data.in_features);
  const Eigen::Map<const RowMatrix> x(data.kept.data(), vectors, data.in_features);
  const auto dac_max = static_cast<float>(chip.dac_max());
  passes::RangeStatistics sums;
  for (const Slice& slice : data.slices) {
    const Eigen::Index rows = slice.end - slice.begin;
    const RowMatrix codes =
        (x.middleCols(slice.begin, rows).array() * dac_max / slice.beta).round().max(-dac_max).min(dac_max) / dac_max;
    const auto part = weights.middleCols(slice.begin, rows);
    const Eigen::VectorXf w_max = part.cwiseAbs().rowwise().maxCoeff();
    RowMatrix sum = codes * part.transpose();
    for (Eigen::Index out = 0; out < sum.cols(); ++out) {
      if (w_max[out] > 0) sum.col(out) /= w_max[out];
    }
    sums.add({sum.data(), static_cast<std::size_t>(sum.size())});
  }
  return passes::choose_range(sums, choice, chip.adc_max());
}

/// Where the blocks of every layer begin on the input axis: the cuts that the compiler will choose.
std::map<std::string, std::set<std::uint32_t>> row_cuts(const std::vector<std::string>& names,
                                                        const std::map<std::string, LinearLayer>& layers,
                                                        const checkpoint::Checkpoint& checkpoint,
                                                        const arch::ChipDescription& chip) {
  std::vector<mapping::MatrixShape> shapes;
  for (const std::string& name : names) {
    const ir::TensorRef& weight = layers.at(name).weight;
    const checkpoint::Tensor& tensor = checkpoint.tensors().at(weight.tensor);
    const std::uint64_t out = weight.row_end == 0 ? tensor.rows() : weight.row_end - weight.row_begin;
    shapes.push_back({name, static_cast<std::uint32_t>(tensor.row_elements()), static_cast<std::uint32_t>(out), {}, 0});
  }
  std::map<std::string, std::set<std::uint32_t>> cuts;
  const mapping::Plan plan = mapping::make_plan(shapes, {chip.rows, chip.cols, 0, 0, 0});
  for (const mapping::PlacedBlock& block : plan.blocks) cuts[names[block.matrix]].insert(block.in_begin);
  return cuts;
}

/// Names the first weight that is not finite, if that is why activations are not.
[[noreturn]] void blame(const checkpoint::Checkpoint& checkpoint, const std::string& layer) {
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::vector<float> values = checkpoint::read_all(tensor);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw Error(ErrorCode::kNotFinite, checkpoint.path().string() + ": tensor '" + name + "', row " +
                                             std::to_string(i / tensor.row_elements()) + ", column " +
                                             std::to_string(i % tensor.row_elements()) +
                                             ": expected a finite weight, found " + std::to_string(values[i]));
    }
  }
  throw Error(ErrorCode::kNotFinite,
              checkpoint.path().string() + ": the input of " + layer + " is not finite on the calibration text");
}

compiler::Calibration from_checkpoint(const std::map<std::string, std::vector<float>>& stored,
                                      const std::vector<std::string>& names,
                                      const std::map<std::string, LinearLayer>& layers,
                                      const checkpoint::Checkpoint& checkpoint) {
  compiler::Calibration calibration;
  calibration.description = "input ranges stored in the checkpoint";
  for (const std::string& name : names) {
    const auto found = stored.find(name);
    if (found == stored.end()) {
      throw Error(ErrorCode::kFormat, checkpoint.path().string() + ": has input ranges for " +
                                          std::to_string(stored.size()) + " layers but not for " + name +
                                          "; give --ranges to calibrate on text");
    }
    const auto in_features =
        static_cast<std::uint32_t>(checkpoint.tensors().at(layers.at(name).weight.tensor).row_elements());
    compiler::LayerRanges ranges;
    std::uint32_t begin = 0;
    const auto parts = static_cast<std::uint32_t>(found->second.size());
    for (std::uint32_t k = 0; k < parts; ++k) {  // lightning's split: the first (in % parts) tiles get one more
      const std::uint32_t length = in_features / parts + (k < in_features % parts ? 1 : 0);
      const float beta = found->second[k];
      if (!(beta > 0) || !std::isfinite(beta)) {
        throw Error(ErrorCode::kNotFinite, checkpoint.path().string() + ": " + name + ".input_range[" +
                                               std::to_string(k) + "]: expected a positive number, found " +
                                               std::to_string(beta));
      }
      ranges.inputs.push_back({begin, begin + length, beta});
      begin += length;
    }
    calibration.layers[name] = std::move(ranges);
  }
  return calibration;
}

/// The same range for every input, without data: "fixed:BETA".
compiler::Calibration fixed_ranges(const std::string& text, const std::vector<std::string>& names,
                                   const std::map<std::string, LinearLayer>& layers,
                                   const checkpoint::Checkpoint& checkpoint) {
  char* end = nullptr;
  const float beta = std::strtof(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(beta > 0) || !std::isfinite(beta)) {
    throw Error(ErrorCode::kInvalidArgument, "--ranges fixed:BETA: expected a positive number, found '" + text + "'");
  }
  compiler::Calibration calibration;
  calibration.description = "input range " + text + " everywhere, no data";
  for (const std::string& name : names) {
    const std::uint64_t inputs = checkpoint.tensors().at(layers.at(name).weight.tensor).row_elements();
    calibration.layers[name].inputs.push_back({0, static_cast<std::uint32_t>(inputs), beta});
  }
  return calibration;
}

std::vector<std::int32_t> calibration_tokens(const CompileFlags& flags, const tokenizer::Tokenizer* tokenizer,
                                             std::uint32_t context) {
  if (tokenizer == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "calibration needs a tokenizer: none found beside the checkpoint; give --tokenizer, or --ranges "
                "fixed:BETA for ranges without data");
  }
  const std::string text = flags.calibration_text.empty() ? std::string(calibration::default_text())
                                                          : read_text_file(flags.calibration_text);
  std::vector<std::int32_t> tokens = tokenizer->encode(text, true, false);
  const std::size_t limit = std::min<std::size_t>(flags.calibration_tokens, context);
  if (tokens.size() > limit) tokens.resize(limit);
  if (tokens.size() < 16) {
    throw Error(ErrorCode::kInvalidArgument,
                "calibration text gives only " + std::to_string(tokens.size()) + " tokens; at least 16 are needed");
  }
  return tokens;
}

}  // namespace

compiler::Calibration calibrate(const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint, const ir::Graph& graph,
                                const arch::ChipDescription& chip, const compiler::CompileOptions& options,
                                const CompileFlags& flags, const tokenizer::Tokenizer* tokenizer, ThreadPool& pool) {
  const std::vector<std::string> names = compiler::analog_linears(graph, options);
  const std::map<std::string, LinearLayer> layers = linear_layers(graph);
  const auto stored = checkpoint::stored_input_ranges(*checkpoint);
  const bool use_stored = !stored.empty() && flags.ranges.empty();
  if (use_stored && flags.lambda != "auto") return from_checkpoint(stored, names, layers, *checkpoint);
  if (constexpr std::string_view kFixed = "fixed:"; flags.ranges.starts_with(kFixed)) {
    if (flags.lambda == "auto")
      throw Error(ErrorCode::kInvalidArgument, "--lambda auto needs data; --ranges fixed has none");
    return fixed_ranges(flags.ranges.substr(kFixed.size()), names, layers, *checkpoint);
  }
  const bool automatic_lambda = flags.lambda.empty() || flags.lambda == "auto";

  const passes::RangeChoice choice = passes::parse_range_choice(flags.ranges.empty() ? "mse" : flags.ranges);
  // Layers that read the same value share their statistics and their slices.
  std::unordered_map<ir::ValueId, std::string> first_reader;
  std::map<std::string, std::string> reader_of;
  for (const std::string& name : names)
    reader_of[name] = first_reader.try_emplace(layers.at(name).input, name).first->second;
  std::map<std::string, LayerData> data;
  std::map<std::string, std::set<std::uint32_t>> begins;
  for (const auto& [name, cuts] : row_cuts(names, layers, *checkpoint, chip))
    begins[reader_of.at(name)].insert(cuts.begin(), cuts.end());
  const compiler::Calibration trained =
      use_stored ? from_checkpoint(stored, names, layers, *checkpoint) : compiler::Calibration();
  for (const auto& [value, name] : first_reader) {
    LayerData& layer = data[name];
    layer.in_features =
        static_cast<std::uint32_t>(checkpoint->tensors().at(layers.at(name).weight.tensor).row_elements());
    if (use_stored) {
      for (const program::InputRange& range : trained.layers.at(name).inputs)
        layer.slices.push_back({range.begin, range.end, {}, range.beta});
      continue;
    }
    for (const std::uint32_t begin : begins.at(name)) {
      if (!layer.slices.empty()) layer.slices.back().end = begin;
      layer.slices.push_back({begin, layer.in_features, {}, 0});
    }
  }

  transformer::Model model(graph, std::make_shared<transformer::CheckpointSource>(checkpoint), nullptr, pool);
  const std::vector<std::int32_t> tokens = calibration_tokens(flags, tokenizer, model.context_length());
  model.observe(
      [&](const std::string& name, std::span<const float> x, std::uint32_t in_features) {
        const auto found = data.find(name);
        if (found == data.end()) return;
        try {
          for (Slice& slice : found->second.slices) {
            for (std::size_t v = 0; v < x.size(); v += in_features)
              slice.statistics.add(x.subspan(v + slice.begin, slice.end - slice.begin));
          }
        } catch (const Error& error) {
          if (error.code() != ErrorCode::kNotFinite) throw;
          blame(*checkpoint, name);
        }
        const std::size_t vectors = x.size() / in_features;
        const std::size_t step = std::max<std::size_t>(1, vectors / kKeptVectors);
        for (std::size_t v = 0; v < vectors && found->second.kept.size() < kKeptVectors * in_features; v += step) {
          const auto row = x.subspan(v * in_features, in_features);
          found->second.kept.insert(found->second.kept.end(), row.begin(), row.end());
        }
      },
      nullptr);
  transformer::Session session(model);
  // The output layer is only evaluated (and observed) where logits are asked for.
  (void)session.forward(tokens, options.lm_head_analog ? transformer::LogitsOf::kAll : transformer::LogitsOf::kNone);

  if (!use_stored) {
    std::vector<Slice*> slices;
    for (auto& entry : data) {
      for (Slice& slice : entry.second.slices) slices.push_back(&slice);
    }
    pool.for_each(slices.size(), [&](std::size_t i) {
      slices[i]->beta = passes::choose_range(slices[i]->statistics, choice, chip.dac_max());
    });
  }
  std::vector<compiler::LayerRanges> ranges(names.size());
  const passes::RangeChoice adc_choice{passes::RangeMethod::kMse, 0};
  pool.for_each(names.size(), [&](std::size_t i) {
    const LayerData& layer = data.at(reader_of.at(names[i]));
    for (const Slice& slice : layer.slices) ranges[i].inputs.push_back({slice.begin, slice.end, slice.beta});
    if (automatic_lambda)
      ranges[i].lambda = choose_lambda(weights_of(*checkpoint, layers.at(names[i]).weight), layer, chip, adc_choice);
  });
  compiler::Calibration calibration;
  for (std::size_t i = 0; i < names.size(); ++i) calibration.layers[names[i]] = std::move(ranges[i]);
  calibration.description =
      (use_stored ? "input ranges stored in the checkpoint" : passes::to_string(choice) + " per row block") +
      std::string(" on ") + std::to_string(tokens.size()) + " tokens of " +
      (flags.calibration_text.empty() ? "the built-in text" : flags.calibration_text.filename().string()) +
      (automatic_lambda ? ", ADC range per layer (mse)" : "");
  return calibration;
}

}  // namespace xw::app
