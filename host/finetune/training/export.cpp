// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/finetune/training/export.hpp"

#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/adapted.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"
#include "host/finetune/training/state.hpp"
#include "host/toolchain/adapt/stored.hpp"

namespace xw::finetune {
namespace {

constexpr const char* kHeadTensor = "lm_head.weight";

using checkpoint::Dtype;
using checkpoint::TensorSpec;

/// The graph with the output layer's trained weights, which an embedding had, too.
ir::Graph with_own_head(ir::Graph graph, const std::map<std::string, torch::Tensor>& trained) {
  for (ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear || ir::attr_string(node, "name") != "lm_head") continue;
    if (trained.contains(kHeadTensor)) node.attributes["weight"] = ir::TensorRef{kHeadTensor, 0, 0};
  }
  return graph;
}

/// Steps over the whole range of a converter; -1: there is none.
int steps(int bits) {
  return bits > 0 ? (1 << bits) - 2 : -1;
}

nlohmann::ordered_json choice(const char* type, const char* value) {
  return {{"class", type}, {"arguments", {value}}};
}

/// As rpu_config.json has it, so that one reader serves both.
std::string training_text(const AnalogSettings& analog) {
  nlohmann::ordered_json fields = {{"forward",
                                    {{"class", "IOParameters"},
                                     {"fields",
                                      {{"inp_res", steps(analog.dac_bits)},
                                       {"out_res", steps(analog.adc_bits)},
                                       {"out_bound", analog.adc_bits > 0 ? analog.lambda : 0.0}}}}},
                                   {"clip",
                                    {{"class", "WeightClipParameter"},
                                     {"fields", {{"type", choice("WeightClipType", "LayerGaussianPerChannel")}}}}}};
  if (analog.weight_bits > 0) {
    fields["modifier"] = {{"class", "WeightModifierParameter"},
                          {"fields",
                           {{"quantization_type", choice("WeightModifierType", "DiscretizePerChannel")},
                            {"res", steps(analog.weight_bits)}}}};
  }
  return nlohmann::ordered_json({{"class", "crossweave"}, {"fields", fields}}).dump();
}

torch::Tensor stored(const checkpoint::Tensor& tensor) {
  std::vector<float> values = checkpoint::read_all(tensor);
  const std::vector<std::int64_t> shape(tensor.shape.begin(), tensor.shape.end());
  return torch::from_blob(values.data(), shape, torch::kFloat32).clone();
}

}  // namespace

void export_network(const Network& network, const toolchain::OpenedCheckpoint& opened,
                    const std::filesystem::path& path, ExportType type) {
  const std::map<std::string, torch::Tensor> trained = network.state();
  const std::map<std::string, std::vector<float>> ranges = network.input_ranges();
  const ir::Graph exported = with_own_head(network.graph(), trained);
  const std::vector<std::string> names = toolchain::tensors_of(exported);
  const std::string graph = ir::print(exported);
  const std::string training = training_text(network.analog());
  std::vector<std::byte> tokenizer;
  if (opened.tokenizer) tokenizer = tokenizer::serialize(*opened.tokenizer);

  const auto type_of = [&](std::size_t dimensions) {
    return type == ExportType::kBf16 && dimensions > 1 ? Dtype::kBF16 : Dtype::kF32;
  };
  std::vector<TensorSpec> specs = {
      {checkpoint::kGraphTensor, Dtype::kU8, {graph.size()}},
  };
  const bool is_for_chip = network.analog().dac_bits > 0;
  if (is_for_chip) specs.push_back({checkpoint::kTrainingTensor, Dtype::kU8, {training.size()}});
  if (!tokenizer.empty()) specs.push_back({checkpoint::kTokenizerTensor, Dtype::kU8, {tokenizer.size()}});
  for (const auto& [linear, values] : ranges) specs.push_back({linear + ".input_range", Dtype::kF32, {values.size()}});
  for (const std::string& name : names) {
    std::vector<std::uint64_t> shape;
    if (const auto found = trained.find(name); found != trained.end()) {
      shape.assign(found->second.sizes().begin(), found->second.sizes().end());
    } else {
      const auto kept = opened.file->tensors().find(name);
      if (kept == opened.file->tensors().end())
        throw Error(ErrorCode::kInternal, "export: the graph names a tensor that is nowhere: " + name);
      shape = kept->second.shape;
    }
    const Dtype dtype = type_of(shape.size());
    specs.push_back({name, dtype, std::move(shape)});
  }
  checkpoint::SafetensorsWriter writer(path, std::move(specs), {{"format", "crossweave adapted checkpoint"}});
  writer.add(checkpoint::kGraphTensor, std::as_bytes(std::span(graph)));
  if (is_for_chip) writer.add(checkpoint::kTrainingTensor, std::as_bytes(std::span(training)));
  if (!tokenizer.empty()) writer.add(checkpoint::kTokenizerTensor, tokenizer);
  for (const auto& [linear, values] : ranges) writer.add(linear + ".input_range", std::span<const float>(values));
  for (const std::string& name : names) {
    const auto found = trained.find(name);
    torch::Tensor values = found != trained.end() ? found->second : stored(opened.file->tensors().at(name));
    if (!torch::isfinite(values).all().item<bool>())
      throw Error(ErrorCode::kNotFinite, "export: tensor " + name + " has numbers that are not finite");
    if (type_of(static_cast<std::size_t>(values.dim())) == Dtype::kBF16) values = values.to(torch::kBFloat16);
    writer.add(name, tensor_bytes(values.contiguous()));
  }
  writer.commit();
}

}  // namespace xw::finetune
