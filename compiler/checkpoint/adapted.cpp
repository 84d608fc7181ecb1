// Adapted checkpoints.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/adapted.hpp"

#include <string_view>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

ir::Graph parse_graph(const Tensor& tensor) {
  if (tensor.dtype != Dtype::kU8)
    throw Error(ErrorCode::kFormat,
                tensor.location + ": tensor \"" + kGraphTensor + "\": expected bytes, found " + name(tensor.dtype));
  return ir::parse({reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()},
                   tensor.location + ": graph");
}

std::uint32_t meta_number(const ir::Graph& graph, const std::string& key, const std::string& origin) {
  const auto found = graph.meta.find(key);
  const auto* value = found == graph.meta.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  if (value == nullptr || *value < 1 || *value > INT32_MAX)
    throw Error(ErrorCode::kFormat, origin + ": graph: expected meta '" + key + "' with a positive integer");
  return static_cast<std::uint32_t>(*value);
}

/// What the graph says of the model's dimensions; the rest is in its nodes.
ModelConfig config_of(const ir::Graph& graph, const std::string& origin) {
  ModelConfig config;
  config.name = graph.name;
  const auto family = graph.meta.find("family");
  if (family != graph.meta.end() && std::holds_alternative<std::string>(family->second))
    config.family = std::get<std::string>(family->second);
  config.vocab_size = meta_number(graph, "vocab_size", origin);
  config.context_length = meta_number(graph, "context_length", origin);
  config.hidden_size = meta_number(graph, "hidden_size", origin);
  config.num_layers = meta_number(graph, "num_layers", origin);
  return config;
}

void check_reference(const Checkpoint& checkpoint, const ir::TensorRef& reference) {
  const auto found = checkpoint.tensors().find(reference.tensor);
  const std::string what = checkpoint.path().string() + ": graph: tensor \"" + printable(reference.tensor) + "\"";
  if (found == checkpoint.tensors().end()) throw Error(ErrorCode::kFormat, what + ": the file has none of that name");
  const Tensor& tensor = found->second;
  if (!is_floating(tensor.dtype))
    throw Error(ErrorCode::kFormat, what + ": expected floating-point elements, found " + name(tensor.dtype));
  const std::uint64_t rows = tensor.shape.size() < 2 ? tensor.row_elements() : tensor.rows();
  const ir::RowRange range = reference.rows(rows);
  if (range.begin > range.end || range.end > rows)
    throw Error(ErrorCode::kShapeMismatch,
                what + ": expected rows up to " + std::to_string(range.end) + ", found " + std::to_string(rows));
}

}  // namespace

bool is_adapted(const std::map<std::string, Tensor>& tensors) {
  return tensors.contains(kGraphTensor);
}

CheckpointParts adapted_parts(std::map<std::string, Tensor> tensors, const std::filesystem::path& path) {
  CheckpointParts parts;
  parts.path = path;
  parts.format = kAdaptedFormat;
  parts.config = config_of(parse_graph(tensors.at(kGraphTensor)), path.string());
  if (const auto training = tensors.find(kTrainingTensor); training != tensors.end()) {
    if (training->second.dtype != Dtype::kU8)
      throw Error(ErrorCode::kFormat, training->second.location + ": tensor \"" + kTrainingTensor +
                                          "\": expected bytes, found " + name(training->second.dtype));
    const auto* text = reinterpret_cast<const char*>(training->second.data.data());
    parts.training = parse_rpu_config({text, training->second.data.size()}, path.string() + ": " + kTrainingTensor);
    parts.training->max_input_size = 0;
  }
  parts.tensors = std::move(tensors);
  return parts;
}

ir::Graph adapted_graph(const Checkpoint& checkpoint) {
  ir::Graph graph = parse_graph(checkpoint.tensors().at(kGraphTensor));
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kAimcCall)
      throw Error(ErrorCode::kFormat, checkpoint.path().string() +
                                          ": graph: expected a model that is not mapped yet, "
                                          "found a call of a chip");
    for (const auto& [key, attribute] : node.attributes) {
      if (const auto* reference = std::get_if<ir::TensorRef>(&attribute)) check_reference(checkpoint, *reference);
    }
  }
  return graph;
}

std::span<const std::byte> stored_bytes(const Checkpoint& checkpoint, const std::string& tensor) {
  const auto found = checkpoint.tensors().find(tensor);
  if (found == checkpoint.tensors().end() || found->second.dtype != Dtype::kU8) return {};
  return found->second.data;
}

}  // namespace xw::checkpoint
