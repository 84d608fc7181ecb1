// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/peft.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/checkpoint/byte_reader.hpp"
#include "compiler/checkpoint/json.hpp"
#include "compiler/checkpoint/safetensors.hpp"
#include "compiler/checkpoint/safetensors_writer.hpp"

namespace xw::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";
constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kA = ".lora_A.weight", kB = ".lora_B.weight";

/// What a configuration says of the scale.
struct Scale {
  double alpha = 0;
  bool is_root = false;  ///< rsLoRA divides by the root of the rank
  [[nodiscard]] double of(std::uint32_t rank) const {
    return alpha / (is_root ? std::sqrt(static_cast<double>(rank)) : static_cast<double>(rank));
  }
};

bool is_empty(const nlohmann::json& value) {
  return value.is_null() || value == false || value == "none" ||
         ((value.is_array() || value.is_object()) && value.empty());
}

Scale read_config(const fs::path& path) {
  const nlohmann::json config = parse_json(read_text_file(path), path.string());
  const auto field = [&](const char* key) {
    return config.is_object() ? config.value(key, nlohmann::json()) : nlohmann::json();
  };
  if (field("peft_type") != "LORA")
    throw Error(ErrorCode::kUnsupported,
                path.string() + ": peft_type: expected \"LORA\", found " + printable(field("peft_type").dump()));
  for (const char* key : {"use_dora", "fan_in_fan_out", "bias", "modules_to_save", "alpha_pattern", "lora_bias"}) {
    if (!is_empty(field(key)))
      throw Error(ErrorCode::kUnsupported, path.string() + ": " + key + ": found " + printable(field(key).dump()) +
                                               ", expected an adapter without it");
  }
  if (!field("lora_alpha").is_number() || !std::isfinite(field("lora_alpha").get<double>()))
    throw Error(ErrorCode::kFormat,
                path.string() + ": lora_alpha: expected a number, found " + printable(field("lora_alpha").dump()));
  return {field("lora_alpha").get<double>(), field("use_rslora") == true};
}

/// Features of a head that are rotated as interleaved pairs, and the head's size; nothing where the graph has none.
struct Pairs {
  std::uint32_t head = 0, rotated = 0;
};
std::optional<Pairs> interleaved_pairs(const ir::Graph& graph) {
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kAttention || ir::attr_string(node, "rope_style") != "interleaved") continue;
    return Pairs{static_cast<std::uint32_t>(ir::attr_int(node, "head_dim")),
                 static_cast<std::uint32_t>(ir::attr_int(node, "rope_dims"))};
  }
  return std::nullopt;
}

/// Row of a Hugging Face matrix that is row `row` of the graph's.
std::uint32_t stored_row(const std::optional<Pairs>& pairs, const std::string& linear, std::uint32_t row) {
  if (!pairs || !(linear.ends_with(".q_proj") || linear.ends_with(".k_proj"))) return row;
  const std::uint32_t place = row % pairs->head;
  if (place >= pairs->rotated) return row;
  return row - place + place / 2 + (place % 2) * (pairs->rotated / 2);
}

/// Inputs and outputs of the linears of a graph.
std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> linears_of(const ir::Graph& graph) {
  std::map<std::string, std::pair<std::uint32_t, std::uint32_t>> linears;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    linears[ir::attr_string(node, "name")] = {graph.values[node.inputs[0]].features,
                                              graph.values[node.results[0]].features};
  }
  return linears;
}

/// "base_model.model.LINEAR.lora_A.weight" -> LINEAR.
std::string linear_of(const std::string& tensor, const fs::path& path) {
  const bool is_known = tensor.starts_with(kPrefix) && (tensor.ends_with(kA) || tensor.ends_with(kB));
  if (!is_known)
    throw Error(ErrorCode::kUnsupported, path.string() + ": tensor \"" + printable(tensor) +
                                             "\": expected base_model.model.LINEAR.lora_A.weight or lora_B.weight");
  return tensor.substr(kPrefix.size(), tensor.size() - kPrefix.size() - kA.size());
}

class WithTensors : public Checkpoint {
 public:
  WithTensors(std::shared_ptr<const Checkpoint> base, std::map<std::string, OwnTensor> own)
      : base_(std::move(base)), own_(std::move(own)), tensors_(base_->tensors()) {
    for (const auto& [name, tensor] : own_) {
      Tensor made;
      made.name = name;
      made.shape = tensor.shape;
      made.data = std::as_bytes(std::span(tensor.values));
      made.location = base_->path().string() + " with an adapter";
      tensors_[name] = made;
    }
  }
  [[nodiscard]] const ModelConfig& config() const override { return base_->config(); }
  [[nodiscard]] const std::map<std::string, Tensor>& tensors() const override { return tensors_; }
  [[nodiscard]] fs::path path() const override { return base_->path(); }
  [[nodiscard]] std::string format() const override { return base_->format(); }
  [[nodiscard]] std::optional<ir::TensorRef> resolve(const std::string& name) const override {
    return base_->resolve(name);
  }
  [[nodiscard]] const AnalogTraining* training() const override { return base_->training(); }
  void release(const Tensor& tensor) const override {
    if (!own_.contains(tensor.name)) base_->release(tensor);
  }

 private:
  std::shared_ptr<const Checkpoint> base_;
  std::map<std::string, OwnTensor> own_;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace

Adapter read_adapter(const fs::path& directory, const ir::Graph& graph) {
  const Scale scale = read_config(directory / kConfig);
  const fs::path path = directory / kWeights;
  const MappedFile map(path);
  const std::map<std::string, Tensor> tensors = parse_safetensors(map.bytes(), path.string());
  const auto linears = linears_of(graph);
  const std::optional<Pairs> pairs = interleaved_pairs(graph);
  Adapter adapter;
  adapter.alpha = scale.alpha;
  for (const auto& [name, tensor] : tensors) {
    const std::string linear = linear_of(name, path);
    const auto found = linears.find(linear);
    if (found == linears.end())
      throw Error(ErrorCode::kUnsupported,
                  path.string() + ": tensor \"" + printable(name) + "\": the model has no linear layer of that name");
    const auto [inputs, outputs] = found->second;
    const bool is_a = name.ends_with(kA);
    const std::uint64_t width = is_a ? inputs : outputs;
    const std::size_t wide = is_a ? 1 : 0;
    if (tensor.shape.size() != 2 || tensor.shape[wide] != width || tensor.shape[1 - wide] == 0 ||
        tensor.shape[1 - wide] > inputs)
      throw Error(ErrorCode::kShapeMismatch, path.string() + ": tensor \"" + printable(name) + "\": expected " +
                                                 (is_a ? "rank x " : "") + std::to_string(width) +
                                                 (is_a ? "" : " x rank"));
    LowRank& layer = adapter.layers[linear];
    const auto rank = static_cast<std::uint32_t>(tensor.shape[1 - wide]);
    if (layer.rank != 0 && layer.rank != rank)
      throw Error(ErrorCode::kShapeMismatch, path.string() + ": " + linear +
                                                 ": expected lora_A and lora_B of one rank, found " +
                                                 std::to_string(layer.rank) + " and " + std::to_string(rank));
    layer.rank = rank;
    layer.inputs = inputs;
    layer.outputs = outputs;
    const std::vector<float> values = read_all(tensor);
    if (is_a) {
      layer.a = values;
      continue;
    }
    layer.b.resize(values.size());
    for (std::uint32_t row = 0; row < outputs; ++row) {
      const std::size_t from = std::size_t{stored_row(pairs, linear, row)} * rank;
      for (std::uint32_t k = 0; k < rank; ++k)
        layer.b[std::size_t{row} * rank + k] =
            static_cast<float>(static_cast<double>(values[from + k]) * scale.of(rank));
    }
  }
  for (const auto& [linear, layer] : adapter.layers) {
    if (layer.a.empty() || layer.b.empty())
      throw Error(ErrorCode::kFormat,
                  path.string() + ": " + linear + ": expected lora_A and lora_B, found one of them");
  }
  if (adapter.layers.empty()) throw Error(ErrorCode::kFormat, path.string() + ": expected adapters, found none");
  return adapter;
}

void write_adapter(const fs::path& directory, const Adapter& adapter, const ir::Graph& graph,
                   const std::string& base_model) {
  if (adapter.layers.empty()) throw Error(ErrorCode::kInvalidArgument, "adapter: expected layers, found none");
  const std::uint32_t rank = adapter.layers.begin()->second.rank;
  const std::optional<Pairs> pairs = interleaved_pairs(graph);
  std::set<std::string> modules;
  std::vector<TensorSpec> specs;
  for (const auto& [linear, layer] : adapter.layers) {
    if (layer.rank != rank) throw Error(ErrorCode::kInvalidArgument, "adapter: expected one rank for all layers");
    modules.insert(linear.substr(linear.rfind('.') + 1));
    const std::string name = std::string(kPrefix) + linear;
    specs.push_back({name + std::string(kA), Dtype::kF32, {rank, layer.inputs}});
    specs.push_back({name + std::string(kB), Dtype::kF32, {layer.outputs, rank}});
  }
  fs::create_directories(directory);
  SafetensorsWriter writer(directory / kWeights, specs, {{"format", "pt"}});
  for (const auto& [linear, layer] : adapter.layers) {
    const std::string name = std::string(kPrefix) + linear;
    std::vector<float> b(layer.b.size());
    for (std::uint32_t row = 0; row < layer.outputs; ++row) {
      const std::size_t to = std::size_t{stored_row(pairs, linear, row)} * rank;
      for (std::uint32_t k = 0; k < rank; ++k)
        b[to + k] =
            static_cast<float>(static_cast<double>(layer.b[std::size_t{row} * rank + k]) * rank / adapter.alpha);
    }
    writer.add(name + std::string(kA), std::span<const float>(layer.a));
    writer.add(name + std::string(kB), std::span<const float>(b));
  }
  writer.commit();
  const nlohmann::ordered_json config = {{"alpha_pattern", nlohmann::ordered_json::object()},
                                         {"base_model_name_or_path", base_model},
                                         {"bias", "none"},
                                         {"fan_in_fan_out", false},
                                         {"inference_mode", true},
                                         {"init_lora_weights", true},
                                         {"lora_alpha", adapter.alpha},
                                         {"lora_dropout", 0.0},
                                         {"modules_to_save", nullptr},
                                         {"peft_type", "LORA"},
                                         {"r", rank},
                                         {"rank_pattern", nlohmann::ordered_json::object()},
                                         {"target_modules", modules},
                                         {"task_type", "CAUSAL_LM"},
                                         {"use_dora", false},
                                         {"use_rslora", false}};
  OutputFile file(directory / kConfig);
  file.write(config.dump(2) + "\n");
  file.commit();
}

std::shared_ptr<const Checkpoint> with_tensors(std::shared_ptr<const Checkpoint> base,
                                               std::map<std::string, OwnTensor> tensors) {
  return std::make_shared<WithTensors>(std::move(base), std::move(tensors));
}

}  // namespace xw::checkpoint
