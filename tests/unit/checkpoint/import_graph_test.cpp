// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>

#include "compiler/checkpoint/checkpoint_parts.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "compiler/checkpoint/safetensors.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using test::NamedTensors;
using test::TinyModel;
using xw::test::expect_error;

// A checkpoint in memory with the bytes it refers to.
struct Opened {
  std::unique_ptr<Bytes> bytes;
  std::unique_ptr<Checkpoint> checkpoint;
};

Opened open_hf(const std::string& config, const NamedTensors& tensors) {
  auto bytes = std::make_unique<Bytes>(test::safetensors_file(tensors));
  CheckpointParts parts =
      safetensors_parts(parse_hf_config(config, "config.json"), parse_safetensors(*bytes, "m.safetensors"), "m");
  return {std::move(bytes), make_checkpoint(std::move(parts))};
}

Opened open_tiny(const std::string& family, const std::string& format) {
  const TinyModel model = test::tiny_model(family);
  if (format == "safetensors") return open_hf(model.config_json, test::stored_tensors(model));
  auto bytes =
      std::make_unique<Bytes>(format == "gguf" ? test::tiny_gguf(model).build() : test::tiny_llama2c(model, 0, true));
  CheckpointParts parts = format == "gguf" ? gguf_parts(GgufFile(*bytes, "m.gguf")) : llama2c_parts(*bytes, "m.bin");
  return {std::move(bytes), make_checkpoint(std::move(parts))};
}

std::vector<float> read_ref(const Checkpoint& checkpoint, const ir::TensorRef& ref) {
  const Tensor& tensor = checkpoint.tensors().at(ref.tensor);
  if (ref.all_rows()) return read_all(tensor);
  const ir::RowRange rows = ref.rows(tensor.rows());
  std::vector<float> values(rows.size() * tensor.row_elements());
  read_rows(tensor, rows.begin, rows.end, values);
  return values;
}

// The weight that a norm of the graph should have, by the name of its result ("layer1.q_norm").
std::string norm_weight(const std::string& result, bool has_post_norms) {
  if (result == "norm") return "model.norm.weight";
  const std::map<std::string, std::string> modules = {
      {"attention_norm", "input_layernorm"},
      {"q_norm", "self_attn.q_norm"},
      {"k_norm", "self_attn.k_norm"},
      {"attention_out", "post_attention_layernorm"},
      {"mlp_norm", has_post_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm"},
      {"mlp_out", "post_feedforward_layernorm"}};
  return "model.layers." + result.substr(5, 1) + "." + modules.at(result.substr(7)) + ".weight";
}

class ImportGraph : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ImportGraph, IsValidAndEveryWeightIsTheRightOne) {
  const auto [family, format] = GetParam();
  const Opened opened = open_tiny(family, format);
  const Checkpoint& checkpoint = *opened.checkpoint;
  EXPECT_EQ(checkpoint.format(), format);
  const ir::Graph graph = import_graph(checkpoint);
  EXPECT_NO_THROW(ir::verify(graph));
  EXPECT_EQ(ir::parse(ir::print(graph), "text"), graph);
  const TinyModel model = test::tiny_model(family);
  std::size_t num_linears = 0;
  std::size_t num_biases = 0;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear) continue;
    ++num_linears;
    const std::string& name = ir::attr_string(node, "name");
    const std::string weight = name == "lm_head" ? "model.embed_tokens.weight" : name + ".weight";
    EXPECT_EQ(read_ref(checkpoint, ir::attr_tensor(node, "weight")), model.canonical.at(weight).values) << name;
    EXPECT_EQ(graph.values[node.inputs[0]].features, model.canonical.at(weight).shape[1]) << name;
    EXPECT_EQ(graph.values[node.results[0]].features, model.canonical.at(weight).shape[0]) << name;
    if (!ir::has_attr(node, "bias")) continue;
    ++num_biases;
    EXPECT_EQ(read_ref(checkpoint, ir::attr_tensor(node, "bias")), model.canonical.at(name + ".bias").values) << name;
  }
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kRmsNorm) continue;
    const std::string& result = graph.values[node.results[0]].name;
    const std::string weight = norm_weight(result, family == std::string("gemma3"));
    EXPECT_EQ(read_ref(checkpoint, ir::attr_tensor(node, "weight")), model.canonical.at(weight).values) << result;
  }
  EXPECT_EQ(num_linears, 2U * 7 + 1);
  EXPECT_EQ(num_biases, std::string(family) == "qwen2" ? 6U : 0U);
}

INSTANTIATE_TEST_SUITE_P(Models, ImportGraph,
                         testing::Values(std::pair("llama", "safetensors"), std::pair("mistral", "safetensors"),
                                         std::pair("phi3", "safetensors"), std::pair("qwen2", "safetensors"),
                                         std::pair("llama", "gguf"), std::pair("phi3", "gguf"),
                                         std::pair("qwen2", "gguf"), std::pair("llama", "llama2c"),
                                         std::pair("qwen3", "safetensors"), std::pair("qwen3", "gguf"),
                                         std::pair("gemma3", "safetensors"), std::pair("gemma3", "gguf")),
                         [](const auto& test) { return std::string(test.param.first) + "_" + test.param.second; });

std::vector<ir::Node> nodes_of(const ir::Graph& graph, ir::OpKind kind) {
  std::vector<ir::Node> nodes;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == kind) nodes.push_back(node);
  }
  return nodes;
}

TEST(ImportGraphMeta, HasTheModelsNumbers) {
  const ir::Graph graph = import_graph(*open_tiny("llama", "safetensors").checkpoint);
  const auto integer = [](std::int64_t value) { return ir::Attribute(value); };
  const std::map<std::string, ir::Attribute> expected = {
      {"family", std::string("llama")},   {"vocab_size", integer(20)},     {"hidden_size", integer(16)},
      {"intermediate_size", integer(24)}, {"num_layers", integer(2)},      {"num_heads", integer(4)},
      {"num_kv_heads", integer(2)},       {"head_dim", integer(4)},        {"context_length", integer(32)},
      {"bos_token", integer(1)},          {"tied_embeddings", integer(1)}, {"eos_tokens", std::vector<double>{2, 3}}};
  EXPECT_EQ(graph.meta, expected);
  EXPECT_EQ(graph.name, "m");
}

TEST(ImportGraphAttention, HasTheRotaryAttributesOfItsScaling) {
  const ir::Node plain = nodes_of(import_graph(*open_tiny("llama", "gguf").checkpoint), ir::OpKind::kAttention).at(1);
  EXPECT_EQ(ir::attr_int(plain, "layer"), 1);
  EXPECT_EQ(ir::attr_int(plain, "num_heads"), 4);
  EXPECT_EQ(ir::attr_int(plain, "num_kv_heads"), 2);
  EXPECT_EQ(ir::attr_int(plain, "head_dim"), 4);
  EXPECT_EQ(ir::attr_float(plain, "scale"), 0.5);
  EXPECT_EQ(ir::attr_int(plain, "window"), 0);
  EXPECT_EQ(ir::attr_string(plain, "rope_style"), "interleaved");
  EXPECT_EQ(ir::attr_int(plain, "rope_dims"), 4);
  EXPECT_EQ(ir::attr_float(plain, "rope_theta"), 500.0);
  EXPECT_EQ(ir::attr_string(plain, "rope_scaling"), "none");
  EXPECT_FALSE(ir::has_attr(plain, "rope_factor"));

  const TinyModel model = test::tiny_model("llama");
  const auto with_scaling = [&](const std::string& scaling) {
    std::string config = model.config_json;
    config.insert(config.size() - 1, ", \"rope_scaling\": " + scaling);
    const ir::Graph graph = import_graph(*open_hf(config, model.canonical).checkpoint);
    EXPECT_NO_THROW(ir::verify(graph));
    return nodes_of(graph, ir::OpKind::kAttention).at(0);
  };
  const ir::Node llama3 =
      with_scaling(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
                                           "original_max_position_embeddings": 16})");
  EXPECT_EQ(ir::attr_string(llama3, "rope_scaling"), "llama3");
  EXPECT_EQ(ir::attr_string(llama3, "rope_style"), "half");
  EXPECT_EQ(ir::attr_float(llama3, "rope_factor"), 8.0);
  EXPECT_EQ(ir::attr_float(llama3, "rope_low_freq_factor"), 1.0);
  EXPECT_EQ(ir::attr_float(llama3, "rope_high_freq_factor"), 4.0);
  EXPECT_EQ(ir::attr_int(llama3, "rope_original_context"), 16);
  const ir::Node linear = with_scaling(R"({"type": "linear", "factor": 2})");
  EXPECT_EQ(ir::attr_float(linear, "rope_factor"), 2.0);
  const ir::Node longrope = with_scaling(R"({"type": "longrope", "short_factor": [1, 2], "long_factor": [3, 4],
                                             "original_max_position_embeddings": 8, "attention_factor": 1.5})");
  EXPECT_EQ(std::get<std::vector<double>>(longrope.attributes.at("rope_short")), (std::vector<double>{1, 2}));
  EXPECT_EQ(std::get<std::vector<double>>(longrope.attributes.at("rope_long")), (std::vector<double>{3, 4}));
  EXPECT_EQ(ir::attr_float(longrope, "rope_attention_factor"), 1.5);
  EXPECT_EQ(ir::attr_int(longrope, "rope_original_context"), 8);
}

TEST(ImportGraphAttention, FactorsAndLinearScalingOfAGgufFileBothReachTheGraph) {
  test::GgufBuilder builder = test::tiny_gguf(test::tiny_model("llama"));
  builder.add_tensor("rope_freqs.weight", {2}, 0, test::float_bytes({1.0F, 8.0F}));
  builder.add_float("llama.rope.scaling.factor", 4.0F);
  const test::Bytes bytes = builder.build();
  const std::unique_ptr<Checkpoint> checkpoint = make_checkpoint(gguf_parts(GgufFile(bytes, "m.gguf")));
  const ir::Node node = nodes_of(import_graph(*checkpoint), ir::OpKind::kAttention).at(1);
  EXPECT_EQ(ir::attr_float(node, "rope_factor"), 4.0);
  EXPECT_EQ(std::get<std::vector<double>>(node.attributes.at("rope_short")), (std::vector<double>{1, 8}));
}

TEST(ImportGraphAttention, LayersWithAWindowMayRotateDifferently) {
  const TinyModel model = test::tiny_model("qwen2");
  std::string config = model.config_json;
  config.replace(config.find("false}"), 6, R"(true, "max_window_layers": 1, "rope_parameters": {
      "full_attention": {"rope_theta": 3}, "sliding_attention": {"rope_theta": 7, "rope_type": "linear", "factor": 2}}})");
  const auto nodes = nodes_of(import_graph(*open_hf(config, model.canonical).checkpoint), ir::OpKind::kAttention);
  EXPECT_EQ(ir::attr_int(nodes.at(0), "window"), 0);
  EXPECT_EQ(ir::attr_float(nodes.at(0), "rope_theta"), 3.0);
  EXPECT_EQ(ir::attr_int(nodes.at(1), "window"), 12);
  EXPECT_EQ(ir::attr_float(nodes.at(1), "rope_theta"), 7.0);
  EXPECT_EQ(ir::attr_float(nodes.at(1), "rope_factor"), 2.0);
}

TEST(ImportGraphAttention, WindowsStartAtTheFirstWindowLayer) {
  TinyModel model = test::tiny_model("qwen2");
  std::string config = model.config_json;
  config.replace(config.find("false"), 5, "true");
  config.insert(config.size() - 1, ", \"max_window_layers\": 1");
  const auto nodes = nodes_of(import_graph(*open_hf(config, model.canonical).checkpoint), ir::OpKind::kAttention);
  EXPECT_EQ(ir::attr_int(nodes.at(0), "window"), 0);
  EXPECT_EQ(ir::attr_int(nodes.at(1), "window"), 12);
}

TEST(ImportGraphMultimodal, TheTextPartIsTakenInBothLayouts) {
  const TinyModel model = test::tiny_model("gemma3");
  const std::string config =
      R"({"model_type": "gemma3", "vision_config": {"depth": 2}, "text_config": )" + model.config_json + "}";
  const ir::Graph plain = import_graph(*open_hf(model.config_json, model.canonical).checkpoint);
  for (const bool is_old : {true, false}) {
    NamedTensors stored;
    for (const auto& [name, tensor] : model.canonical)
      stored[is_old ? "language_model." + name : "model.language_model." + name.substr(6)] = tensor;
    const std::string images = is_old ? "" : "model.";
    stored[images + "vision_tower.x.weight"] = test::make_tensor("x", {3});
    stored[images + "multi_modal_projector.y"] = test::make_tensor("y", {3});
    const Opened opened = open_hf(config, stored);
    EXPECT_EQ(import_graph(*opened.checkpoint), plain);
    EXPECT_EQ(read_all(opened.checkpoint->tensors().at("model.norm.weight")),
              model.canonical.at("model.norm.weight").values);
    stored["model.norm.weight"] = model.canonical.at("model.norm.weight");
    expect_error(ErrorCode::kFormat, "model.norm.weight\": expected each tensor once, found \"",
                 [&] { static_cast<void>(open_hf(config, stored)); });
  }
  NamedTensors text = model.canonical;  // a text model has no such tensors
  text["vision_tower.x.weight"] = test::make_tensor("x", {3});
  const Opened opened = open_hf(model.config_json, text);
  expect_error(ErrorCode::kUnsupported, "found also vision_tower.x.weight",
               [&] { static_cast<void>(import_graph(*opened.checkpoint)); });
}

TEST(ImportGraphHead, OwnMatrixWinsOverTiedConfiguration) {
  TinyModel model = test::tiny_model("llama");
  model.canonical.emplace("lm_head.weight", test::make_tensor("lm_head.weight", {20, 16}));
  const Opened opened = open_hf(model.config_json, model.canonical);
  EXPECT_FALSE(opened.checkpoint->config().tied_embeddings);
  const ir::Graph graph = import_graph(*opened.checkpoint);
  EXPECT_EQ(ir::attr_tensor(nodes_of(graph, ir::OpKind::kLinear).back(), "weight").tensor, "lm_head.weight");
  EXPECT_EQ(graph.meta.at("tied_embeddings"), ir::Attribute(std::int64_t{0}));
}

void expect_import_failure(const std::string& family, const std::function<void(NamedTensors&)>& change, ErrorCode code,
                           const std::string& text) {
  const TinyModel model = test::tiny_model(family);
  NamedTensors tensors = test::stored_tensors(model);
  change(tensors);
  const Opened opened = open_hf(model.config_json, tensors);
  expect_error(code, text, [&] { static_cast<void>(import_graph(*opened.checkpoint)); });
}

TEST(ImportGraphErrors, EachMissingTensorIsNamed) {
  for (const char* family : {"gemma3", "llama", "phi3", "qwen2", "qwen3"}) {
    for (const auto& [name, tensor] : test::stored_tensors(test::tiny_model(family))) {
      const bool is_fused =
          name.find("qkv_proj") != std::string::npos || name.find("gate_up_proj") != std::string::npos;
      const std::string expected = is_fused ? "found none for model.layers." : "found none for " + name;
      if (name == "model.embed_tokens.weight") continue;  // the head is missing with it
      expect_import_failure(
          family, [&, key = name](NamedTensors& tensors) { tensors.erase(key); }, ErrorCode::kShapeMismatch, expected);
    }
  }
  expect_import_failure(
      "llama", [](NamedTensors& tensors) { tensors.erase("model.embed_tokens.weight"); }, ErrorCode::kShapeMismatch,
      "found none for model.embed_tokens.weight, lm_head.weight");
}

TEST(ImportGraphErrors, EachWrongShapeIsNamed) {
  for (const char* family : {"gemma3", "llama", "phi3", "qwen2", "qwen3"}) {
    for (const auto& [name, tensor] : test::stored_tensors(test::tiny_model(family))) {
      expect_import_failure(
          family,
          [key = name](NamedTensors& tensors) {
            tensors.at(key).shape[0] += 1;
            tensors.at(key).values.resize(tensors.at(key).values.size() +
                                          tensors.at(key).values.size() / (tensors.at(key).shape[0] - 1));
          },
          ErrorCode::kShapeMismatch, "tensor \"" + name + "\" for ");
    }
  }
  expect_import_failure(
      "llama",
      [](NamedTensors& tensors) {
        tensors["model.norm.weight"].shape = {1, 16};
      },
      ErrorCode::kShapeMismatch, "for model.norm.weight: expected shape [16], found [1, 16]");
}

TEST(ImportGraphErrors, UnknownTensorsAreListedAndKnownBuffersIgnored) {
  expect_import_failure(
      "llama",
      [](NamedTensors& tensors) {
        tensors["model.layers.2.mlp.up_proj.weight"] = test::make_tensor("x", {1});
        tensors["vision.weight"] = test::make_tensor("y", {1});
        tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = test::make_tensor("z", {1});
      },
      ErrorCode::kUnsupported, "found also model.layers.2.mlp.up_proj.weight, vision.weight");
  expect_import_failure(
      "llama",
      [](NamedTensors& tensors) { tensors["model.layers.0.self_attn.q_proj.bias"] = test::make_tensor("b", {16}); },
      ErrorCode::kUnsupported, "found also model.layers.0.self_attn.q_proj.bias");
  expect_import_failure(
      "llama",
      [](NamedTensors& tensors) {
        for (int i = 10; i < 30; ++i) tensors["extra" + std::to_string(i)] = test::make_tensor("x", {1});
      },
      ErrorCode::kUnsupported, "extra19 and 10 more");
}

TEST(ImportGraphErrors, IntegerWeightsAreUnsupported) {
  const TinyModel model = test::tiny_model("llama");
  const Opened opened = open_hf(model.config_json, model.canonical);
  std::map<std::string, Tensor> tensors = opened.checkpoint->tensors();
  tensors.at("model.norm.weight").dtype = Dtype::kI32;
  const auto checkpoint = make_checkpoint(safetensors_parts(opened.checkpoint->config(), tensors, "m"));
  expect_error(ErrorCode::kUnsupported, "expected floating-point or quantised elements, found I32",
               [&] { static_cast<void>(import_graph(*checkpoint)); });
}

TEST(GgufParts, UnsupportedTensorTypesAreNamed) {
  test::GgufBuilder builder = test::tiny_gguf(test::tiny_model("llama"));
  builder.add_tensor("blk.0.x", {256}, 10, Bytes(84));
  const Bytes bytes = builder.build();
  expect_error(ErrorCode::kUnsupported, "tensor \"blk.0.x\": found element type Q2_K; supported: F32, F16, BF16",
               [&] { static_cast<void>(gguf_parts(GgufFile(bytes, "m.gguf"))); });
}

TEST(InputRanges, ArePerLinearAndSharedByFusedOnes) {
  for (const char* family : {"llama", "phi3"}) {
    const TinyModel model = test::tiny_model(family);
    NamedTensors tensors = test::stored_tensors(model);
    const bool is_fused = std::string(family) == "phi3";
    const std::string attention = is_fused ? "model.layers.1.self_attn.qkv_proj" : "model.layers.1.self_attn.k_proj";
    tensors[attention + ".input_range"] = {{2}, {1.5F, 2.5F}};
    tensors[attention + ".input_range_update_idx"] = {{2}, {500, 500}};
    tensors[attention + ".x_min"] = {{2}, {0, 0}};
    tensors[attention + ".x_max"] = {{2}, {0, 0}};
    const std::uint64_t outputs = tensors.at(attention + ".weight").shape[0];
    tensors[attention + ".learnable_weight_clip"] = {{2, outputs}, std::vector<float>(2 * outputs, 1.0F)};
    tensors["lm_head.weight"] = test::make_tensor("lm_head.weight", {20, 16});
    tensors["lm_head.input_range"] = {{1}, {3.0F}};
    const Opened opened = open_hf(model.config_json, tensors);
    EXPECT_NO_THROW(static_cast<void>(import_graph(*opened.checkpoint)));
    std::map<std::string, std::vector<float>> expected = {{"lm_head", {3.0F}},
                                                          {"model.layers.1.self_attn.k_proj", {1.5F, 2.5F}}};
    if (is_fused) {
      expected["model.layers.1.self_attn.q_proj"] = {1.5F, 2.5F};
      expected["model.layers.1.self_attn.v_proj"] = {1.5F, 2.5F};
    }
    EXPECT_EQ(stored_input_ranges(*opened.checkpoint), expected);
  }
  EXPECT_TRUE(stored_input_ranges(*open_tiny("llama", "gguf").checkpoint).empty());
}

TEST(InputRanges, MustBePositiveAndFinite) {
  const TinyModel model = test::tiny_model("llama");
  const auto fails = [&](float value, ErrorCode code) {
    NamedTensors tensors = model.canonical;
    tensors["lm_head.input_range"] = {{1}, {value}};
    const Opened opened = open_hf(model.config_json, tensors);
    expect_error(code, "tensor \"lm_head.input_range\": expected positive finite input ranges",
                 [&] { static_cast<void>(stored_input_ranges(*opened.checkpoint)); });
  };
  fails(NAN, ErrorCode::kNotFinite);
  fails(INFINITY, ErrorCode::kNotFinite);
  fails(0, ErrorCode::kFormat);
  fails(-1, ErrorCode::kFormat);
}

}  // namespace
}  // namespace xw::checkpoint
