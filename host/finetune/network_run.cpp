// Running a network: whole contexts, and sequences that go on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <utility>

#include "arch/support/error.hpp"
#include "host/finetune/network_impl.hpp"
#include "models/finetune/operations.hpp"

namespace xw::finetune {

using torch::Tensor;

void Network::Impl::check_ids(const Tensor& ids, std::int64_t before) const {
  if (ids.dim() != 2 || ids.scalar_type() != torch::kInt64 || ids.numel() == 0) {
    throw Error(ErrorCode::kShapeMismatch, "network: expected token ids int64 [batch][positions]");
  }
  const auto longest = std::get<std::int64_t>(graph.meta.at("context_length"));
  if (before + ids.size(1) > longest) {
    throw Error(ErrorCode::kCapacity, "network: a context of " + std::to_string(before + ids.size(1)) +
                                          " tokens exceeds the model's " + std::to_string(longest));
  }
}

Tensor Network::Impl::run(const Tensor& ids, Mode mode, Cache* cache) {
  check_ids(ids, cache == nullptr ? 0 : cache->length);
  if (mode != Mode::kDigital && converters.dac_max > 0 && !has_ranges) {
    throw Error(ErrorCode::kInvalidArgument, "network: analog layers need input ranges, which are not initialised");
  }
  std::vector<Tensor> values(graph.values.size());
  const ir::ValueId wanted = graph.nodes[head_node].inputs[0];
  for (std::size_t i = 0; i < head_node; ++i) {
    const ir::Node& node = graph.nodes[i];
    const PreparedNode& prepared = nodes[i];
    const auto input = [&](std::size_t k) -> const Tensor& { return values[node.inputs[k]]; };
    Tensor result;
    switch (node.kind) {
      case ir::OpKind::kInput:
      case ir::OpKind::kOutput:
      case ir::OpKind::kAimcCall:
        break;
      case ir::OpKind::kEmbedding:
        // The stream that layers add to stays fp32.
        result = at::embedding(prepared.weight_gradient.defined() ? prepared.parameter : prepared.weight, ids)
                     .to(torch::kFloat32);
        if (prepared.number != 1) result = result * prepared.number;
        break;
      case ir::OpKind::kRmsNorm:
        result = rms_norm(input(0), prepared.adds_unit ? prepared.weight + 1 : prepared.weight, prepared.number,
                          options.compute);
        break;
      case ir::OpKind::kLinear:
        result = run_linear(i, input(0).to(options.compute), mode);
        break;
      case ir::OpKind::kAttention:
        result = run_attention(prepared, input(0), input(1), input(2), cache);
        break;
      case ir::OpKind::kSwiGlu:
        result = swiglu(input(0), input(1));
        break;
      case ir::OpKind::kGeGlu:
        result = geglu(input(0), input(1));
        break;
      case ir::OpKind::kAdd:
        result = input(0) + input(1);
        break;
      case ir::OpKind::kShift:
        result = (input(0) + prepared.weight).to(input(0).dtype());
        break;
    }
    if (!node.results.empty()) values[node.results[0]] = std::move(result);
    for (const ir::ValueId value : node.inputs) {
      if (last_use[value] == i && value != wanted) values[value] = Tensor();
    }
  }
  return values[wanted].to(options.compute);
}

PreparedWeights Network::Impl::prepare(std::size_t index, Mode mode) {
  return prepare_weights(*nodes[index].analog, converters, mode == Mode::kAnalogTrain ? noise : WeightNoise{}, source,
                         options.compute);
}

Tensor Network::Impl::run_prepared(std::size_t index, const Tensor& x, const PreparedWeights& weights) {
  return analog_linear(x, nodes[index].analog, converters, weights);
}

Tensor Network::Impl::run_linear(std::size_t index, const Tensor& x, Mode mode) {
  const PreparedNode& node = nodes[index];
  if (runs_analog(index, mode)) return run_prepared(index, x, prepare(index, mode));
  if (observer && node.analog != nullptr) observer(index, x);
  const Tensor weight = node.weight.to(options.compute);
  return digital_linear(x, weight, node.weight_gradient, node.parameter, node.bias);
}

const Network::Impl::Rotations& Network::Impl::rotations_of(const transformer::RopeConfig& config, std::int64_t end,
                                                            std::int64_t length) {
  const bool is_long =
      transformer::depends_on_length(config) && length > static_cast<std::int64_t>(config.original_context);
  auto found = std::find_if(rotations.begin(), rotations.end(),
                            [&](const Rotations& r) { return r.config == config && r.is_long == is_long; });
  if (found != rotations.end() && found->cosines.size(0) >= end) return *found;
  const std::vector<double> frequencies =
      transformer::rope_frequencies(config, static_cast<std::uint32_t>(std::max(end, length)));
  const std::int64_t rows = std::max<std::int64_t>(2 * end, 512);  // sequences that grow want it seldom again
  const Tensor angles =
      at::outer(at::arange(rows, torch::kFloat64), torch::tensor(frequencies, torch::dtype(torch::kFloat64)));
  const auto table = [&](const Tensor& values) {
    return (values * config.attention_factor).to(options.device, torch::kFloat32);
  };
  Rotations made{config, is_long, table(angles.cos()), table(angles.sin())};
  if (found == rotations.end()) found = rotations.insert(rotations.end(), Rotations());
  *found = std::move(made);
  return *found;
}

Tensor Network::Impl::run_attention(const PreparedNode& node, const Tensor& q, const Tensor& k, const Tensor& v,
                                    Cache* cache) {
  const auto heads = static_cast<std::int64_t>(node.attention.num_heads);
  const auto kv_heads = static_cast<std::int64_t>(node.attention.num_kv_heads);
  const auto dim = static_cast<std::int64_t>(node.attention.head_dim);
  const auto window = static_cast<std::int64_t>(node.attention.window);
  const std::int64_t batch = q.size(0), positions = q.size(1);
  const std::int64_t before = cache == nullptr ? 0 : cache->length;
  const std::int64_t end = before + positions;
  Tensor queries = q.view({batch, positions, heads, dim});
  Tensor keys = k.view({batch, positions, kv_heads, dim});
  Tensor values = v.view({batch, positions, kv_heads, dim});
  if (node.rope.style != transformer::RopeStyle::kNone) {
    const Rotations& table = rotations_of(node.rope, end, end);
    const Tensor cosines = table.cosines.slice(0, before, end), sines = table.sines.slice(0, before, end);
    const bool is_interleaved = node.rope.style == transformer::RopeStyle::kInterleaved;
    queries = rotate(queries, cosines, sines, is_interleaved);
    keys = rotate(keys, cosines, sines, is_interleaved);
  }
  // What follows, with gradients of torch, is for other devices and for sequences that go on.
  if (cache == nullptr && q.device().is_cpu()) return attention(queries, keys, values, node.attention.scale, window);
  queries = queries.transpose(1, 2);
  keys = keys.transpose(1, 2);
  values = values.transpose(1, 2);
  if (cache != nullptr) {
    cache->keys[node.cache].narrow(2, before, positions).copy_(keys);
    cache->values[node.cache].narrow(2, before, positions).copy_(values);
    keys = cache->keys[node.cache].narrow(2, 0, end);
    values = cache->values[node.cache].narrow(2, 0, end);
  }
  const bool has_window = window > 0 && end > window;
  c10::optional<Tensor> mask;
  if (has_window || (before > 0 && positions > 1)) {
    const Tensor query = at::arange(before, end, q.options().dtype(torch::kInt64)).unsqueeze(1);
    const Tensor key = at::arange(end, q.options().dtype(torch::kInt64)).unsqueeze(0);
    Tensor seen = at::le(key, query);
    if (has_window) seen = seen.logical_and(at::gt(key, query - window));
    mask = seen;
  }
  const bool is_causal = !mask && positions > 1;
  const bool shares = kv_heads != heads;
  // One position sees the same keys in every head of a group: the group's heads are then rows of one product.
  const bool groups = shares && !q.is_cuda() && positions == 1;
  if (groups) {
    queries = queries.reshape({batch, kv_heads, heads / kv_heads, dim});
  } else if (shares && !q.is_cuda()) {
    const auto repeated = [&](const Tensor& x) {
      return x.unsqueeze(2)
          .expand({batch, kv_heads, heads / kv_heads, x.size(2), dim})
          .reshape({batch, heads, x.size(2), dim});
    };
    keys = repeated(keys);
    values = repeated(values);
  }
  Tensor y = at::scaled_dot_product_attention(queries, keys, values, mask, 0.0, is_causal,
                                              static_cast<double>(node.attention.scale), shares && q.is_cuda());
  if (groups) y = y.reshape({batch, heads, positions, dim});
  return y.transpose(1, 2).reshape({batch, positions, heads * dim});
}

Tensor Network::hidden(const Tensor& ids, Mode mode) {
  return impl_->run(ids, mode, nullptr);
}

Tensor Network::head(const Tensor& hidden, Mode mode) {
  if (mode != Mode::kDigital && impl_->converters.dac_max > 0 && !impl_->has_ranges) {
    throw Error(ErrorCode::kInvalidArgument, "network: analog layers need input ranges, which are not initialised");
  }
  return impl_->run_linear(impl_->head_node, hidden, mode);
}

Tensor Network::forward(const Tensor& ids, Mode mode) {
  return head(hidden(ids, mode), mode);
}

Cache Network::make_cache(std::int64_t batch, std::int64_t max_positions) const {
  if (max_positions < 1 || max_positions > context_length() || batch < 1) {
    throw Error(ErrorCode::kInvalidArgument, "cache: expected 1 to " + std::to_string(context_length()) +
                                                 " positions, found " + std::to_string(max_positions));
  }
  Cache cache;
  for (const PreparedNode& node : impl_->nodes) {
    if (node.attention.head_dim == 0) continue;
    const auto make = [&] {
      return at::zeros({batch, static_cast<std::int64_t>(node.attention.num_kv_heads), max_positions,
                        static_cast<std::int64_t>(node.attention.head_dim)},
                       torch::dtype(impl_->options.compute).device(impl_->options.device));
    };
    cache.keys.push_back(make());
    cache.values.push_back(make());
  }
  return cache;
}

Tensor Network::step(const Tensor& ids, Cache& cache) {
  const torch::NoGradGuard guard;
  if (cache.keys.size() != impl_->num_attentions || (!cache.keys.empty() && cache.keys[0].size(0) != ids.size(0))) {
    throw Error(ErrorCode::kInvalidArgument, "step: expected a cache of this network and batch");
  }
  if (!cache.keys.empty() && cache.length + ids.size(1) > cache.keys[0].size(2)) {
    throw Error(ErrorCode::kCapacity, "step: the cache has " + std::to_string(cache.keys[0].size(2)) +
                                          " positions, the sequence " + std::to_string(cache.length + ids.size(1)));
  }
  const Tensor hidden = impl_->run(ids, Mode::kDigital, &cache);
  cache.length += ids.size(1);
  return head(hidden.slice(1, ids.size(1) - 1), Mode::kDigital).squeeze(1);
}

}  // namespace xw::finetune
