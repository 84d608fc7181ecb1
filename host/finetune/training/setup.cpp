// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/setup.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "arch/support/error.hpp"
#include "compiler/passes/first_token.hpp"
#include "compiler/passes/group_calls.hpp"
#include "compiler/passes/low_rank.hpp"
#include "compiler/passes/select_analog.hpp"
#include "compiler/pipeline/row_cuts.hpp"
#include "host/finetune/data/sampling.hpp"
#include "models/cells/compensation.hpp"

namespace xw::finetune {
namespace {

constexpr std::uint64_t kAdapterSeed = 0x61646170746572;  ///< tells its numbers from those of the order

/// Of a graph that open_model() has marked.
std::vector<std::string> analog_names(const ir::Graph& graph) {
  return passes::select_analog(graph, true, {});
}

}  // namespace

toolchain::OpenedCheckpoint open_model(const Recipe& recipe) {
  toolchain::OpenedCheckpoint opened = toolchain::open_checkpoint(recipe.model.checkpoint, recipe.model.tokenizer);
  const std::vector<std::string> analog =
      passes::select_analog(opened.graph, recipe.hardware.lm_head == "analog", recipe.hardware.digital);
  if (recipe.method == Method::kPretrain) return opened;  // not made for any chip yet
  // The graph says it from here on, in the trained checkpoint, too: what was trained for the host stays there.
  for (ir::Node& node : opened.graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    if (std::ranges::find(analog, ir::attr_string(node, "name")) == analog.end())
      node.attributes["digital"] = std::int64_t{1};
  }
  if (recipe.hardware.first_token_digital) passes::set_digital_positions(opened.graph, analog, 1);
  return opened;
}

AnalogSettings analog_settings(const Recipe& recipe, const ir::Graph& graph, const arch::ChipDescription& chip) {
  const Recipe::Hardware& hardware = recipe.hardware;
  AnalogSettings settings;
  settings.noise = NoiseKind::kGaussian;
  settings.gamma = hardware.gamma;
  if (hardware.noise == "none") {
    settings.noise = NoiseKind::kNone;
  } else if (hardware.noise != "gaussian") {
    settings.noise = NoiseKind::kCells;
    settings.cells = hardware.noise == "chip" ? chip.noise : hardware.noise;
    settings.sigma_scale = hardware.noise_scale;
    settings.seconds = hardware.seconds;
    settings.compensated = cells::parse_compensation(hardware.compensation).kind != cells::CompensationKind::kNone;
  }
  if (recipe.method == Method::kQat) {
    settings.noise = NoiseKind::kNone;
    settings.weight_bits = static_cast<int>(recipe.weight_bits);
  }
  if (recipe.method == Method::kPretrain) settings.noise = NoiseKind::kNone;
  settings.lambda = hardware.lambda > 0 ? hardware.lambda : static_cast<double>(chip.lambda);
  settings.dac_bits = static_cast<int>(chip.dac_bits);
  settings.adc_bits =
      recipe.method == Method::kAfm || recipe.method == Method::kAdapters ? static_cast<int>(chip.adc_bits) : 0;
  if (recipe.method == Method::kPretrain) settings.dac_bits = 0;
  settings.lm_head_analog = true;                                           // unless the graph says otherwise
  if (recipe.method == Method::kPretrain) settings.lm_head_analog = false;  // a tied output layer stays tied
  settings.range_decay = recipe.ranges.decay;
  settings.range_inside = recipe.ranges.min_percentage;
  settings.max_rows = std::numeric_limits<std::int32_t>::max();
  if (hardware.tiles == "chip") {
    settings.max_rows = chip.rows;
    const std::vector<std::string> analog = analog_names(graph);
    const std::vector<passes::LinearNode> nodes = passes::linear_nodes(graph, analog);
    const std::vector<std::vector<std::uint32_t>> cuts = compiler::row_cuts(nodes, chip);
    for (std::size_t i = 0; i < nodes.size(); ++i) settings.cuts[nodes[i].linear.name] = cuts[i];
  }
  return settings;
}

checkpoint::Adapter new_adapter(const Recipe& recipe, const ir::Graph& graph) {
  checkpoint::Adapter adapter;
  adapter.alpha = recipe.adapters.alpha;
  const auto is_chosen = [&](const std::string& name) {
    return recipe.adapters.linears.empty() ||
           std::ranges::any_of(recipe.adapters.linears,
                               [&](const std::string& pattern) { return passes::matches_glob(pattern, name); });
  };
  std::uint64_t layer_number = 0;
  for (const std::string& name : passes::select_analog(graph, false, {})) {
    if (!is_chosen(name)) continue;
    const auto node = std::ranges::find_if(graph.nodes, [&](const ir::Node& other) {
      return other.kind == ir::OpKind::kLinear && ir::attr_string(other, "name") == name;
    });
    checkpoint::LowRank layer;
    layer.rank = recipe.adapters.rank;
    layer.inputs = graph.values[node->inputs[0]].features;
    layer.outputs = graph.values[node->results[0]].features;
    layer.a.resize(std::size_t{layer.rank} * layer.inputs);
    layer.b.assign(std::size_t{layer.outputs} * layer.rank, 0.0F);
    const std::uint64_t seed = sequence_seed(recipe.run.seed ^ kAdapterSeed, layer_number++);
    const double bound = 1 / std::sqrt(static_cast<double>(layer.inputs));
    for (std::size_t i = 0; i < layer.a.size(); ++i)
      layer.a[i] = static_cast<float>((2 * uniform(seed, i) - 1) * bound);
    adapter.layers[name] = std::move(layer);
  }
  if (adapter.layers.empty())
    throw Error(ErrorCode::kInvalidArgument, "adapter.linears: expected some that are layers of the chip, found none");
  return adapter;
}

checkpoint::Adapter trained_adapter(const Network& network, const checkpoint::Adapter& begun) {
  checkpoint::Adapter adapter = begun;
  const std::map<std::string, torch::Tensor> state = network.state();
  const auto values = [&](const std::string& tensor) {
    const torch::Tensor found = state.at(tensor).contiguous();
    const float* first = found.const_data_ptr<float>();
    return std::vector<float>(first, first + found.numel());
  };
  for (auto& [linear, layer] : adapter.layers) {
    layer.a = values(passes::lora_a_tensor(linear));
    layer.b = values(passes::lora_b_tensor(linear));
  }
  return adapter;
}

TrainingOrder::TrainingOrder(const DataSet& data, const Recipe& recipe) : data_(data), seed_(recipe.run.seed) {
  const std::uint32_t stored = data.plan().length;
  length_ = recipe.data.sequence_length == 0 ? stored : recipe.data.sequence_length;
  if (length_ > stored)
    throw Error(ErrorCode::kInvalidArgument, "data.sequence_length: the data has sequences of " +
                                                 std::to_string(stored) + " tokens, found " + std::to_string(length_));
  per_sequence_ = stored / length_;
  if (data.sequences() <= recipe.data.held_out)
    throw Error(ErrorCode::kInvalidArgument, "data.held_out: the data has " + std::to_string(data.sequences()) +
                                                 " sequences, none is left to train on");
  trained_ = data.sequences() - recipe.data.held_out;
  if (trained_ * per_sequence_ > std::numeric_limits<std::uint32_t>::max())
    throw Error(ErrorCode::kInvalidArgument,
                "data: expected fewer than 2^32 training sequences, found " + std::to_string(trained_ * per_sequence_));
  shuffle(0);
}

void TrainingOrder::shuffle(std::uint64_t epoch) {
  epoch_ = epoch;
  order_.resize(trained_ * per_sequence_);
  std::iota(order_.begin(), order_.end(), 0U);
  const std::uint64_t seed = sequence_seed(seed_, epoch);
  for (std::size_t i = order_.size(); i > 1; --i) {
    const auto other = static_cast<std::size_t>(uniform(seed, i) * static_cast<double>(i));
    std::swap(order_[i - 1], order_[other]);
  }
}

torch::Tensor TrainingOrder::batch(std::uint64_t first, std::uint32_t count) {
  torch::Tensor ids = torch::empty({count, length_}, torch::kInt64);
  std::vector<std::int32_t> tokens(length_);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t place = first + i;
    if (place / order_.size() != epoch_) shuffle(place / order_.size());
    const std::uint32_t piece = order_[place % order_.size()];
    data_.read(piece / per_sequence_, piece % per_sequence_ * length_, tokens);
    std::copy(tokens.begin(), tokens.end(), ids.data_ptr<std::int64_t>() + std::size_t{i} * length_);
  }
  return ids;
}

torch::Tensor TrainingOrder::held_out() const {
  const auto count = static_cast<std::int64_t>(data_.sequences() - trained_);
  torch::Tensor ids = torch::empty({count, length_}, torch::kInt64);
  std::vector<std::int32_t> tokens(length_);
  for (std::int64_t i = 0; i < count; ++i) {
    data_.read(trained_ + static_cast<std::uint64_t>(i), 0, tokens);
    std::copy(tokens.begin(), tokens.end(), ids.data_ptr<std::int64_t>() + i * length_);
  }
  return ids;
}

}  // namespace xw::finetune
