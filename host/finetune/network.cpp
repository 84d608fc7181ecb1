// Building a network from a graph and its checkpoint; parameters and settings.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/network.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/passes/select_analog.hpp"
#include "host/finetune/network_impl.hpp"
#include "models/finetune/clip.hpp"

namespace xw::finetune {
namespace {

using torch::Tensor;

constexpr const char* kHead = "lm_head";

std::int64_t meta_count(const ir::Graph& graph, const std::string& key) {
  const auto found = graph.meta.find(key);
  const auto* value = found == graph.meta.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  if (value == nullptr || *value < 1) {
    throw Error(ErrorCode::kFormat, "graph '" + graph.name + "': meta '" + key + "' must be a positive integer");
  }
  return *value;
}

const checkpoint::Tensor& find_tensor(const checkpoint::Checkpoint& checkpoint, const std::string& name) {
  const auto found = checkpoint.tensors().find(name);
  if (found == checkpoint.tensors().end()) {
    throw Error(ErrorCode::kFormat, checkpoint.path().string() + ": expected tensor '" + name + "', found none");
  }
  return found->second;
}

Tensor read(const checkpoint::Checkpoint& checkpoint, const std::string& name) {
  const checkpoint::Tensor& stored = find_tensor(checkpoint, name);
  std::vector<float> values = checkpoint::read_all(stored);
  checkpoint.release(stored);
  const std::vector<std::int64_t> shape(stored.shape.begin(), stored.shape.end());
  return at::from_blob(values.data(), shape, torch::kFloat32).clone();
}

/// Builds tensors and parameters; says which tensors are trained.
class Loader {
 public:
  Loader(Network::Impl& impl, const checkpoint::Checkpoint& checkpoint, const Network* frozen)
      : impl_(impl), checkpoint_(checkpoint), frozen_(frozen) {
    for (const ir::Node& node : impl.graph.nodes) {
      if (node.kind == ir::OpKind::kEmbedding) embeddings_.insert(ir::attr_tensor(node, "weight").tensor);
    }
  }

  /// The rows of a reference; fills weight, gradient and parameter.
  void matrix(PreparedNode& node, const ir::TensorRef& ref, std::int64_t rows, std::int64_t columns, bool is_analog,
              bool is_head) {
    const bool is_embedding = embeddings_.contains(ref.tensor);
    const bool is_own = is_head && is_embedding && is_analog;  // the chip's copy of a matrix that embeds, too
    const bool is_trained = impl_.options.is_trainable && is_wanted(ref.tensor) &&
                            (is_own || ((!is_embedding && (!is_head || is_analog)) || impl_.options.trains_embedding));
    const auto kind = is_embedding && !is_own ? Parameter::Kind::kEmbedding : Parameter::Kind::kMatrix;
    const Tensor value = hold(ref.tensor, is_own ? std::string(kHead) + ".weight" : ref.tensor, is_trained, kind,
                              is_analog, impl_.options.compute);
    if (value.dim() != 2 || value.size(1) != columns) {
      throw Error(ErrorCode::kShapeMismatch,
                  "tensor '" + ref.tensor + "': expected a matrix of " + std::to_string(columns) + " columns");
    }
    const ir::RowRange range = ref.rows(static_cast<std::uint64_t>(value.size(0)));
    if (static_cast<std::int64_t>(range.end) > value.size(0) || static_cast<std::int64_t>(range.size()) < rows) {
      throw Error(ErrorCode::kShapeMismatch, "tensor '" + ref.tensor + "': expected " + std::to_string(rows) +
                                                 " rows from " + std::to_string(range.begin) + " on, found " +
                                                 std::to_string(value.size(0)) + " in all");
    }
    const torch::NoGradGuard guard;
    const auto begin = static_cast<std::int64_t>(range.begin), size = static_cast<std::int64_t>(range.size());
    node.parameter = value;
    node.weight = value.detach().narrow(0, begin, size);
    if (is_trained) node.weight_gradient = value.grad().narrow(0, begin, size);
  }

  Tensor vector(const ir::TensorRef& ref, std::int64_t size, Parameter::Kind kind) {
    Tensor value =
        hold(ref.tensor, ref.tensor, impl_.options.is_trainable && is_wanted(ref.tensor), kind, false, torch::kFloat32);
    if (value.dim() != 1) value = value.flatten();
    if (!ref.all_rows() && static_cast<std::int64_t>(ref.row_end) <= value.size(0)) {
      value = value.slice(0, static_cast<std::int64_t>(ref.row_begin), static_cast<std::int64_t>(ref.row_end));
    }
    if (value.size(0) != size) {
      throw Error(ErrorCode::kShapeMismatch, "tensor '" + ref.tensor + "': expected " + std::to_string(size) +
                                                 " elements, found " + std::to_string(value.size(0)));
    }
    return value;
  }

 private:
  [[nodiscard]] bool is_wanted(const std::string& tensor) const {
    return impl_.options.only.empty() || impl_.options.only.contains(tensor);
  }
  Tensor hold(const std::string& stored, const std::string& name, bool is_trained, Parameter::Kind kind, bool is_analog,
              torch::ScalarType type) {
    const auto found = impl_.tensors.find(name);
    if (found != impl_.tensors.end()) return found->second.value;
    Held held;
    held.is_trained = is_trained;
    if (frozen_ != nullptr && !is_trained) {
      const auto& others = const_cast<Network*>(frozen_)->impl().tensors;
      const auto other = others.find(name);
      if (other != others.end() && !other->second.is_trained && other->second.value.dtype() == type &&
          other->second.value.device() == impl_.options.device) {
        held.value = other->second.value;
      }
    }
    if (!held.value.defined()) {
      held.value = read(checkpoint_, stored).to(impl_.options.device, is_trained ? torch::kFloat32 : type);
    }
    if (is_trained) {
      held.value.requires_grad_(true);
      held.value.mutable_grad() = at::zeros_like(held.value);
      impl_.parameters.push_back({name, held.value, kind, is_analog});
    }
    impl_.tensors.emplace(name, held);
    return held.value;
  }

  Network::Impl& impl_;
  const checkpoint::Checkpoint& checkpoint_;
  const Network* frozen_;
  std::set<std::string> embeddings_;
};

}  // namespace

Network::Impl::Impl(const ir::Graph& source_graph, const checkpoint::Checkpoint& checkpoint,
                    const NetworkOptions& network_options, const AnalogSettings& analog_settings, const Network* frozen)
    : graph(source_graph), options(network_options), source(network_options.device) {
  ir::verify(graph);
  static_cast<void>(meta_count(graph, "vocab_size"));
  static_cast<void>(meta_count(graph, "context_length"));
  if (options.compute != torch::kFloat32 && options.compute != torch::kBFloat16) {
    throw Error(ErrorCode::kInvalidArgument, "network: expected fp32 or bf16 as the type of products");
  }
  apply_settings(analog_settings);
  const std::vector<std::string> names = passes::select_analog(graph, settings.lm_head_analog, settings.digital);
  const std::set<std::string> analog(names.begin(), names.end());
  const auto stored = checkpoint::stored_input_ranges(checkpoint);
  Loader loader(*this, checkpoint, frozen);
  nodes.resize(graph.nodes.size());
  last_use.assign(graph.values.size(), 0);
  std::vector<std::size_t> maker(graph.values.size(), 0);
  const auto features = [&](ir::ValueId value) { return static_cast<std::int64_t>(graph.values[value].features); };
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const ir::Node& node = graph.nodes[i];
    PreparedNode& prepared = nodes[i];
    for (const ir::ValueId input : node.inputs) last_use[input] = i;
    for (const ir::ValueId result : node.results) {
      maker[result] = i;
      last_use[result] = i;
    }
    switch (node.kind) {
      case ir::OpKind::kEmbedding:
        loader.matrix(prepared, ir::attr_tensor(node, "weight"), vocab_rows(), features(node.results[0]), false, false);
        if (ir::has_attr(node, "scale")) prepared.number = ir::attr_float(node, "scale");
        break;
      case ir::OpKind::kRmsNorm: {
        const std::int64_t groups = ir::has_attr(node, "groups") ? ir::attr_int(node, "groups") : 1;
        prepared.weight =
            loader.vector(ir::attr_tensor(node, "weight"), features(node.inputs[0]) / groups, Parameter::Kind::kNorm);
        prepared.number = ir::attr_float(node, "eps");
        prepared.adds_unit = ir::has_attr(node, "add_unit") && ir::attr_int(node, "add_unit") != 0;
        break;
      }
      case ir::OpKind::kLinear: {
        prepared.name = ir::attr_string(node, "name");
        const bool is_analog = analog.contains(prepared.name);
        loader.matrix(prepared, ir::attr_tensor(node, "weight"), features(node.results[0]), features(node.inputs[0]),
                      is_analog, prepared.name == kHead);
        if (ir::has_attr(node, "bias")) {
          prepared.bias =
              loader.vector(ir::attr_tensor(node, "bias"), features(node.results[0]), Parameter::Kind::kVector);
        }
        if (is_analog) make_analog(i, stored);
        break;
      }
      case ir::OpKind::kShift:
        prepared.weight =
            loader.vector(ir::attr_tensor(node, "vector"), features(node.inputs[0]), Parameter::Kind::kVector);
        break;
      case ir::OpKind::kAttention:
        prepared.attention = transformer::attention_config(node);
        prepared.rope = transformer::rope_config(node);
        prepared.cache = num_attentions++;
        break;
      case ir::OpKind::kAimcCall:
        throw Error(ErrorCode::kUnsupported, "network: expected a graph that is not mapped to a chip, found a call");
      case ir::OpKind::kOutput:
        head_node = maker[node.inputs[0]];
        break;
      case ir::OpKind::kInput:
      case ir::OpKind::kSwiGlu:
      case ir::OpKind::kGeGlu:
      case ir::OpKind::kAdd:
        break;
    }
  }
  if (graph.nodes[head_node].kind != ir::OpKind::kLinear) {
    throw Error(ErrorCode::kUnsupported, "network: expected logits that a linear layer makes, found those of '" +
                                             std::string(ir::name(graph.nodes[head_node].kind)) + "'");
  }
}

std::int64_t Network::Impl::vocab_rows() const {
  return meta_count(graph, "vocab_size");
}

void Network::Impl::apply_settings(const AnalogSettings& analog_settings) {
  const auto check_bits = [](const char* what, int bits) {
    if (bits == 0 || (bits >= 2 && bits <= 12)) return;
    throw Error(ErrorCode::kInvalidArgument,
                std::string(what) + ": expected 0 or 2 to 12 bits, found " + std::to_string(bits));
  };
  check_bits("dac_bits", analog_settings.dac_bits);
  check_bits("adc_bits", analog_settings.adc_bits);
  check_bits("weight_bits", analog_settings.weight_bits);
  if (analog_settings.adc_bits != 0 && analog_settings.dac_bits == 0) {
    throw Error(ErrorCode::kInvalidArgument, "an ADC without a DAC: its range follows the input range");
  }
  if (!(analog_settings.lambda > 0) || analog_settings.gamma < 0 || analog_settings.sigma_scale < 0) {
    throw Error(ErrorCode::kInvalidArgument, "analog settings: expected lambda > 0, gamma >= 0 and sigma_scale >= 0");
  }
  settings = analog_settings;
  const auto largest = [](int bits) { return bits == 0 ? 0 : (1 << (bits - 1)) - 1; };
  converters.dac_max = largest(settings.dac_bits);
  converters.adc_max = largest(settings.adc_bits);
  converters.weight_max = largest(settings.weight_bits);
  converters.lambda = settings.lambda;
  converters.range_decay = settings.range_decay;
  converters.range_inside = settings.range_inside;
  converters.log_ranges = settings.log_ranges;
  noise = {};
  if (settings.noise == NoiseKind::kGaussian) noise.sigma = settings.gamma;
  if (settings.noise == NoiseKind::kCells) {
    noise.table =
        cell_noise_table(settings.cells, settings.seconds, settings.compensated, settings.sigma_scale, options.device);
  }
}

void Network::Impl::make_analog(std::size_t index, const std::map<std::string, std::vector<float>>& stored) {
  const ir::Node& node = graph.nodes[index];
  PreparedNode& prepared = nodes[index];
  const std::uint32_t inputs = graph.values[node.inputs[0]].features;
  auto layer = std::make_shared<AnalogLayer>();
  std::vector<std::uint32_t> begins;
  const auto cut = settings.cuts.find(prepared.name);
  if (cut != settings.cuts.end()) {
    begins = cut->second;
    if (begins.empty() || begins.front() != 0 || !std::is_sorted(begins.begin(), begins.end(), std::less_equal<>()) ||
        begins.back() >= inputs) {
      throw Error(ErrorCode::kInvalidArgument,
                  "blocks of " + prepared.name + ": expected cuts that rise from 0 to below " + std::to_string(inputs));
    }
  } else {
    begins = checkpoint::tile_begins(inputs, (inputs + settings.max_rows - 1) / std::max(1U, settings.max_rows));
  }
  const auto found = stored.find(prepared.name);
  // One range per block where checkpoints can say so (equal parts), else one for the layer.
  const auto blocks = static_cast<std::uint32_t>(begins.size());
  bool has_all = begins == checkpoint::tile_begins(inputs, blocks);
  if (found != stored.end() && found->second.size() == 1) has_all = false;
  layer->block_cuts.assign(begins.begin(), begins.end());
  layer->block_cuts.push_back(inputs);
  layer->range_cuts = has_all ? layer->block_cuts : std::vector<std::int64_t>{0, inputs};
  layer->weight = prepared.weight;
  layer->weight_gradient = prepared.weight_gradient;
  layer->weight_parameter = prepared.parameter;
  layer->bias = prepared.bias;
  layer->noise_factor = 1 / std::sqrt(static_cast<double>(ir::replicas(node)));
  layer->digital_positions = ir::digital_positions(node);
  prepared.analog = std::move(layer);
  if (converters.dac_max == 0) return;
  const bool is_trained = options.is_trainable;
  Tensor ranges = at::zeros({static_cast<std::int64_t>(prepared.analog->num_ranges())},
                            torch::dtype(torch::kFloat32).device(options.device));
  if (is_trained) {
    ranges.requires_grad_(true);
    ranges.mutable_grad() = at::zeros_like(ranges);
    parameters.push_back({prepared.name + ".input_range", ranges, Parameter::Kind::kRange, true});
  }
  prepared.analog->ranges = ranges;
  if (found != stored.end()) set_ranges(index, found->second);
}

void Network::Impl::set_ranges(std::size_t index, const std::vector<float>& values) {
  AnalogLayer& layer = *nodes[index].analog;
  if (values.size() != layer.num_ranges()) {
    throw Error(ErrorCode::kShapeMismatch, nodes[index].name + ".input_range: expected " +
                                               std::to_string(layer.num_ranges()) + " ranges, found " +
                                               std::to_string(values.size()));
  }
  std::vector<float> kept = values;
  for (float& value : kept) {
    if (!(value > 0) || !std::isfinite(value)) {
      throw Error(ErrorCode::kInvalidArgument,
                  nodes[index].name + ".input_range: expected positive numbers, found " + std::to_string(value));
    }
    if (settings.log_ranges) value = std::log(value);
  }
  const torch::NoGradGuard guard;
  layer.ranges.copy_(torch::tensor(kept));
  has_ranges = true;
}

Network::Network(const ir::Graph& graph, const checkpoint::Checkpoint& checkpoint, const NetworkOptions& options,
                 const AnalogSettings& analog, const Network* frozen)
    : impl_(std::make_unique<Impl>(graph, checkpoint, options, analog, frozen)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;

std::vector<Parameter>& Network::parameters() {
  return impl_->parameters;
}

void Network::zero_gradients() {
  const torch::NoGradGuard guard;
  for (Parameter& parameter : impl_->parameters) parameter.value.mutable_grad().zero_();
}

std::map<std::string, std::vector<float>> Network::input_ranges() const {
  std::map<std::string, std::vector<float>> ranges;
  for (const PreparedNode& node : impl_->nodes) {
    if (node.analog == nullptr || !node.analog->ranges.defined()) continue;
    const Tensor values = range_values(*node.analog, impl_->converters).cpu();
    const float* first = values.const_data_ptr<float>();
    ranges[node.name] = std::vector<float>(first, first + values.numel());
  }
  return ranges;
}

void Network::set_input_ranges(const std::map<std::string, std::vector<float>>& ranges) {
  for (std::size_t i = 0; i < impl_->nodes.size(); ++i) {
    const PreparedNode& node = impl_->nodes[i];
    if (node.analog == nullptr || !node.analog->ranges.defined()) continue;
    const auto found = ranges.find(node.name);
    if (found == ranges.end()) {
      throw Error(ErrorCode::kInvalidArgument, "input ranges: expected some for " + node.name + ", found none");
    }
    impl_->set_ranges(i, found->second);
  }
}

void Network::clip(const ClipRule& rule) {
  if (rule.alpha <= 0) return;
  const torch::NoGradGuard guard;
  for (const PreparedNode& node : impl_->nodes) {
    if (node.analog == nullptr) continue;
    const Tensor bounds = clip_bounds(node.weight, rule.alpha, rule.exempt_above, rule.step_fraction);
    Tensor weight = node.weight;
    at::clamp_out(weight, weight, bounds.neg(), bounds);
  }
}

std::vector<ClipDamage> Network::clip_damage(const ClipRule& rule) const {
  const torch::NoGradGuard guard;
  std::vector<ClipDamage> damages;
  for (const PreparedNode& node : impl_->nodes) {
    if (node.analog == nullptr || rule.alpha <= 0) continue;
    const Tensor weight = node.weight.to(torch::kFloat32);
    const Tensor bounds = clip_bounds(weight, rule.alpha, rule.exempt_above, 1);
    const Tensor excess = (weight.abs() - bounds).clamp_min_(0);
    ClipDamage damage;
    damage.linear = node.name;
    damage.rows = weight.size(0);
    damage.weights = weight.numel();
    damage.exempt_rows = at::isinf(bounds).sum().item<std::int64_t>();
    damage.clipped_weights = at::gt(excess, 0).sum().item<std::int64_t>();
    damage.relative_change =
        excess.square().sum().item<double>() / weight.square().sum().clamp_min(1e-30).item<double>();
    damages.push_back(damage);
  }
  return damages;
}

void Network::set_analog(const AnalogSettings& analog) {
  const AnalogSettings& now = impl_->settings;
  if (analog.cuts != now.cuts || analog.max_rows != now.max_rows || analog.digital != now.digital ||
      analog.lm_head_analog != now.lm_head_analog || analog.log_ranges != now.log_ranges ||
      (analog.dac_bits == 0) != (now.dac_bits == 0)) {
    throw Error(ErrorCode::kInvalidArgument, "analog settings: blocks, analog layers and the form of ranges must stay");
  }
  impl_->apply_settings(analog);
}

const AnalogSettings& Network::analog() const {
  return impl_->settings;
}

std::vector<std::string> Network::analog_linears() const {
  std::vector<std::string> names;
  for (const PreparedNode& node : impl_->nodes) {
    if (node.analog != nullptr) names.push_back(node.name);
  }
  return names;
}

std::map<std::string, std::vector<std::uint32_t>> Network::block_begins() const {
  std::map<std::string, std::vector<std::uint32_t>> begins;
  for (const PreparedNode& node : impl_->nodes) {
    if (node.analog == nullptr) continue;
    begins[node.name] = {node.analog->block_cuts.begin(), node.analog->block_cuts.end() - 1};
  }
  return begins;
}

void Network::seed_noise(std::uint64_t seed) {
  impl_->source.seed(seed);
}

std::map<std::string, Tensor> Network::state() const {
  const torch::NoGradGuard guard;
  std::map<std::string, Tensor> state;
  for (const Parameter& parameter : impl_->parameters) {
    state[parameter.name] = parameter.value.detach().to(torch::kCPU, torch::kFloat32, false, true);
  }
  return state;
}

void Network::load_state(const std::map<std::string, Tensor>& state) {
  const torch::NoGradGuard guard;
  for (Parameter& parameter : impl_->parameters) {
    const auto found = state.find(parameter.name);
    if (found == state.end() || found->second.sizes() != parameter.value.sizes()) {
      throw Error(ErrorCode::kShapeMismatch, "state of '" + parameter.name + "': expected a tensor of its shape");
    }
    parameter.value.copy_(found->second);
    if (parameter.kind == Parameter::Kind::kRange) impl_->has_ranges = true;
  }
}

const ir::Graph& Network::graph() const {
  return impl_->graph;
}
const NetworkOptions& Network::options() const {
  return impl_->options;
}
std::int64_t Network::vocab_size() const {
  return impl_->vocab_rows();
}
std::int64_t Network::context_length() const {
  return meta_count(impl_->graph, "context_length");
}

}  // namespace xw::finetune
