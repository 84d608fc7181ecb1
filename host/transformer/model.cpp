// Preparing a model graph: weights, attention shapes, buffers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/transformer/model.hpp"

#include <algorithm>
#include <set>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/transformer/model_impl.hpp"

namespace xw::transformer {
namespace {

std::uint32_t meta_count(const ir::Graph& graph, const std::string& key) {
  const auto found = graph.meta.find(key);
  const auto* value = found == graph.meta.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  if (value == nullptr || *value < 1 || *value > INT32_MAX) {
    throw Error(ErrorCode::kFormat, "graph '" + graph.name + "': meta '" + key + "' must be a positive integer");
  }
  return static_cast<std::uint32_t>(*value);
}

}  // namespace

void CallBackend::run_on_host(std::uint32_t call, std::span<const float> /*x*/, std::uint32_t /*num_vectors*/,
                              std::span<const std::span<float>> /*outputs*/) {
  throw Error(ErrorCode::kUnsupported, "call " + std::to_string(call) + ": its backend cannot compute it on the host");
}

Model::Impl::Impl(ir::Graph source_graph, std::shared_ptr<const TensorSource> source, CallBackend* backend,
                  ThreadPool& threads, HostPrecision host_precision)
    : graph(std::move(source_graph)),
      tensors(std::move(source)),
      calls(backend),
      pool(threads),
      precision(host_precision) {
  ir::verify(graph);
  vocab_size = meta_count(graph, "vocab_size");
  context_length = meta_count(graph, "context_length");
  nodes.resize(graph.nodes.size());
  std::set<std::int64_t> layers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const ir::Node& node = graph.nodes[i];
    prepare(node, nodes[i]);
    if (node.kind == ir::OpKind::kAttention) {
      nodes[i].index = static_cast<std::uint32_t>(attentions.size());
      attentions.push_back(static_cast<std::uint32_t>(i));
      if (!layers.insert(ir::attr_int(node, "layer")).second) {
        throw Error(ErrorCode::kFormat, "graph '" + graph.name + "': two attention nodes of layer " +
                                            std::to_string(ir::attr_int(node, "layer")) + " would share a cache");
      }
    } else if (node.kind == ir::OpKind::kOutput) {
      output = node.inputs.at(0);
      num_logits = graph.values[output].features;
    }
  }
  find_late_nodes();
  assign_slots();
}

void Model::Impl::prepare(const ir::Node& node, PreparedNode& prepared) {
  switch (node.kind) {
    case ir::OpKind::kEmbedding: {
      const ir::TensorRef& ref = ir::attr_tensor(node, "weight");
      const std::vector<std::uint64_t> shape = tensors->shape(ref.tensor);
      const std::uint32_t hidden = graph.values[node.results.at(0)].features;
      const std::string use = "embedding";
      if (shape.size() != 2 || shape[1] != hidden) {
        throw Error(ErrorCode::kShapeMismatch,
                    use + ": tensor '" + ref.tensor + "' must have rows of " + std::to_string(hidden));
      }
      prepared.rows = resolve_rows(ref, shape[0], use);
      if (prepared.rows.end - prepared.rows.begin < vocab_size) {
        throw Error(ErrorCode::kShapeMismatch, use + ": tensor '" + ref.tensor + "' has " +
                                                   std::to_string(prepared.rows.end - prepared.rows.begin) +
                                                   " rows, the vocabulary " + std::to_string(vocab_size));
      }
      prepared.number = ir::has_attr(node, "scale") ? static_cast<float>(ir::attr_float(node, "scale")) : 1.0F;
      break;
    }
    case ir::OpKind::kRmsNorm: {
      const ir::TensorRef& ref = ir::attr_tensor(node, "weight");
      const std::int64_t groups = ir::has_attr(node, "groups") ? ir::attr_int(node, "groups") : 1;
      const std::uint32_t features = graph.values[node.inputs.at(0)].features / static_cast<std::uint32_t>(groups);
      prepared.vector = load_vector(*tensors, ref, features, "rms_norm");
      prepared.index = features;
      prepared.number = static_cast<float>(ir::attr_float(node, "eps"));
      if (ir::has_attr(node, "add_unit") && ir::attr_int(node, "add_unit") != 0) {
        for (float& weight : prepared.vector.first(features)) weight += 1.0F;
      }
      break;
    }
    case ir::OpKind::kLinear: {
      const ir::TensorRef& ref = ir::attr_tensor(node, "weight");
      const std::uint32_t in = graph.values[node.inputs.at(0)].features;
      const std::uint32_t out = graph.values[node.results.at(0)].features;
      std::shared_ptr<const HostMatrix>& matrix = matrices_[{ref.tensor, ref.row_begin, ref.row_end}];
      if (matrix == nullptr || matrix->in_features() != in || matrix->out_features() != out) {
        matrix = std::make_shared<const HostMatrix>(*tensors, ref, out, in, pool, precision);
        tensors->release(ref.tensor);
      }
      prepared.matrix = matrix;
      prepared.name = ir::attr_string(node, "name");
      if (ir::has_attr(node, "bias")) {
        prepared.vector =
            load_vector(*tensors, ir::attr_tensor(node, "bias"), out, "linear '" + prepared.name + "': bias");
      }
      break;
    }
    case ir::OpKind::kShift:
      prepared.vector =
          load_vector(*tensors, ir::attr_tensor(node, "vector"), graph.values[node.inputs.at(0)].features, "shift");
      break;
    case ir::OpKind::kAimcCall: {
      const std::int64_t call = ir::attr_int(node, "call");
      if (calls == nullptr) {
        throw Error(ErrorCode::kInvalidArgument,
                    "graph '" + graph.name + "' has calls to a chip, but there is no backend to run them");
      }
      if (call < 0 || call > UINT32_MAX)
        throw Error(ErrorCode::kFormat, "aimc_call: impossible call " + std::to_string(call));
      prepared.index = static_cast<std::uint32_t>(call);
      prepared.name = "call." + std::to_string(call);
      prepared.digital_positions = ir::digital_positions(node);
      break;
    }
    case ir::OpKind::kAttention: {
      prepared.attention = attention_config(node);
      const std::uint64_t dim = prepared.attention.head_dim;
      const std::uint64_t expected[] = {prepared.attention.num_heads * dim, prepared.attention.num_kv_heads * dim,
                                        prepared.attention.num_kv_heads * dim};
      for (std::size_t i = 0; i < 3; ++i) {
        if (graph.values[node.inputs.at(i)].features != expected[i]) {
          throw Error(ErrorCode::kShapeMismatch, "attention: input %" + graph.values[node.inputs[i]].name +
                                                     " must have " + std::to_string(expected[i]) + " features, found " +
                                                     std::to_string(graph.values[node.inputs[i]].features));
        }
      }
      const RopeConfig rope = rope_config(node);
      if (rope.style == RopeStyle::kNone) break;
      const auto found = std::find(ropes.begin(), ropes.end(), rope);
      prepared.rope = static_cast<std::uint32_t>(found - ropes.begin()) + 1;
      if (found == ropes.end()) ropes.push_back(rope);
      break;
    }
    case ir::OpKind::kInput:
    case ir::OpKind::kSwiGlu:
    case ir::OpKind::kGeGlu:
    case ir::OpKind::kAdd:
    case ir::OpKind::kOutput:
      break;
  }
}

void Model::Impl::find_late_nodes() {
  late_value.assign(graph.values.size(), true);
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const ir::Node& node = graph.nodes[i];
    bool late = node.kind != ir::OpKind::kAttention && node.kind != ir::OpKind::kInput;
    for (const ir::ValueId result : node.results) late = late && late_value[result];
    nodes[i].late = late;
    for (const ir::ValueId result : node.results) late_value[result] = late;
    if (!late) {
      for (const ir::ValueId input : node.inputs) late_value[input] = false;
    }
  }
}

void Model::Impl::assign_slots() {
  constexpr std::uint32_t kNone = UINT32_MAX;
  slot_of.assign(graph.values.size(), kNone);
  std::vector<std::size_t> last_use(graph.values.size(), 0);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ir::ValueId input : graph.nodes[i].inputs) last_use[input] = i;
    for (const ir::ValueId result : graph.nodes[i].results) last_use[result] = i;
  }
  std::vector<std::uint32_t> free;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const ir::Node& node = graph.nodes[i];
    for (const ir::ValueId result : node.results) {
      if (free.empty()) free.push_back(num_slots++);
      slot_of[result] = free.back();
      free.pop_back();
    }
    std::set<ir::ValueId> ended(node.inputs.begin(), node.inputs.end());
    ended.insert(node.results.begin(), node.results.end());
    for (const ir::ValueId value : ended) {
      if (last_use[value] == i && slot_of[value] != kNone) free.push_back(slot_of[value]);
    }
  }
}

Model::Model(ir::Graph graph, std::shared_ptr<const TensorSource> tensors, CallBackend* calls, ThreadPool& pool,
             HostPrecision precision)
    : impl_(std::make_unique<Impl>(std::move(graph), std::move(tensors), calls, pool, precision)) {}

Model::~Model() = default;

const ir::Graph& Model::graph() const {
  return impl_->graph;
}
std::uint32_t Model::vocab_size() const {
  return impl_->vocab_size;
}
std::uint32_t Model::num_logits() const {
  return impl_->num_logits;
}
std::uint32_t Model::context_length() const {
  return impl_->context_length;
}

std::uint32_t Model::rotation_class(std::uint32_t length) const {
  std::uint32_t passed = 0;
  for (const RopeConfig& rope : impl_->ropes) {
    if (depends_on_length(rope) && length > rope.original_context) ++passed;
  }
  return passed;
}

std::uint64_t Model::weight_bytes() const {
  std::set<const HostMatrix*> seen;
  std::uint64_t bytes = 0;
  for (const PreparedNode& node : impl_->nodes) {
    bytes += node.vector.size() * sizeof(float);
    if (node.matrix != nullptr && seen.insert(node.matrix.get()).second) bytes += node.matrix->bytes();
  }
  return bytes;
}

void Model::observe(InputObserver inputs) {
  impl_->input_observer = std::move(inputs);
}

}  // namespace xw::transformer
