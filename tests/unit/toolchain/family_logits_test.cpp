// Models of every block that the families have, from files to logits, against transformers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/checkpoint.hpp"
#include "host/toolchain/adapt/adapt.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/model.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/app/tiny_model.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw {
namespace {

using nlohmann::json;
using test::NamedTensors;

const json& fixture() {
  static const json data =
      json::parse(read_text_file(test::source_dir() / "tests/fixtures/families/family_logits.json"));
  return data;
}

// Names of a text model, whatever the case calls its tensors.
std::string text_name(std::string name) {
  const std::string prefix = "model.language_model.";
  return name.starts_with(prefix) ? "model." + name.substr(prefix.size()) : name;
}

NamedTensors tensors_of(const json& what) {
  NamedTensors tensors;
  for (const auto& [name, shape] : what.at("tensors").items()) {
    tensors[name] = test::make_tensor(text_name(name), shape.get<std::vector<std::uint64_t>>());
  }
  if (!what.contains("images")) return tensors;
  for (const auto& [name, shape] : what.at("images").items()) {
    tensors[name] = test::make_tensor(name, shape.get<std::vector<std::uint64_t>>());
  }
  return tensors;
}

// Largest difference between the logits of the model at `path` and those of the case.
double worst_difference(const std::filesystem::path& path, const json& what) {
  const std::shared_ptr<const checkpoint::Checkpoint> file = checkpoint::open_checkpoint(path);
  const ir::Graph graph = checkpoint::import_graph(*file);
  EXPECT_EQ(ir::parse(ir::print(graph), "text"), graph);
  ThreadPool pool(1);
  transformer::Model model(graph, std::make_shared<toolchain::CheckpointSource>(file), nullptr, pool);
  transformer::Session session(model);
  const auto tokens = fixture().at("tokens").get<std::vector<std::int32_t>>();
  const std::vector<float> logits = session.forward(tokens, transformer::LogitsOf::kAll);
  const std::size_t vocabulary = model.vocab_size();
  double worst = 0;
  for (std::size_t i = 0; i < fixture().at("positions").size(); ++i) {
    const auto position = fixture().at("positions").at(i).get<std::size_t>();
    const auto expected = what.at("logits").at(i).get<std::vector<double>>();
    EXPECT_EQ(expected.size(), vocabulary);
    for (std::size_t word = 0; word < vocabulary; ++word) {
      const double found = logits.at(position * vocabulary + word);
      EXPECT_TRUE(std::isfinite(found));
      worst = std::max(worst, std::abs(found - expected[word]));
    }
  }
  return worst;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fixture().at("cases").items()) names.push_back(entry.key());
  return names;
}

constexpr double kTolerance = 5e-5;  // logits reach 5; both sides add in fp32

class FamilyLogits : public testing::TestWithParam<std::string> {};

TEST_P(FamilyLogits, OfSafetensorsAreThoseOfTransformers) {
  const json& what = fixture().at("cases").at(GetParam());
  const test::TemporaryDirectory directory;
  directory.write("config.json", what.at("config").dump());
  directory.write("model.safetensors", test::safetensors_file(tensors_of(what)));
  EXPECT_LT(worst_difference(directory.path(), what), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Cases, FamilyLogits, testing::ValuesIn(case_names()),
                         [](const auto& test) { return test.param; });

// A case as a GGUF file with the metadata of llama.cpp's converter: norms of Gemma hold 1 + w.
test::GgufBuilder gguf_of(const json& what) {
  const json& config = what.at("config");
  const std::string type = config.at("model_type").get<std::string>();
  const std::string family = type == "gemma3_text" ? "gemma3" : type;
  const bool is_gemma = family == "gemma3";
  test::GgufBuilder builder;
  const std::string prefix = family + ".";
  builder.add_string("general.architecture", family);
  const std::pair<const char*, const char*> counts[] = {{"embedding_length", "hidden_size"},
                                                        {"feed_forward_length", "intermediate_size"},
                                                        {"block_count", "num_hidden_layers"},
                                                        {"attention.head_count", "num_attention_heads"},
                                                        {"attention.head_count_kv", "num_key_value_heads"},
                                                        {"attention.key_length", "head_dim"},
                                                        {"attention.value_length", "head_dim"},
                                                        {"context_length", "max_position_embeddings"}};
  for (const auto& [key, from] : counts) builder.add_uint32(prefix + key, config.at(from).get<std::uint32_t>());
  builder.add_float(prefix + "attention.layer_norm_rms_epsilon", config.at("rms_norm_eps").get<float>());
  builder.add_float(prefix + "rope.freq_base", config.at("rope_theta").get<float>());
  if (is_gemma) {
    builder.add_uint32(prefix + "attention.sliding_window", config.at("sliding_window").get<std::uint32_t>());
    builder.add_uint32(prefix + "attention.sliding_window_pattern",
                       config.at("sliding_window_pattern").get<std::uint32_t>());
    builder.add_float(prefix + "rope.freq_base_swa", config.at("rope_local_base_freq").get<float>());
    builder.add_string(prefix + "rope.scaling.type", "linear");
    builder.add_float(prefix + "rope.scaling.factor", config.at("rope_scaling").at("factor").get<float>());
  }
  const std::map<std::string, std::string> names = {
      {"model.embed_tokens", "token_embd"},
      {"model.norm", "output_norm"},
      {"lm_head", "output"},
      {"input_layernorm", "attn_norm"},
      {"post_attention_layernorm", is_gemma ? "post_attention_norm" : "ffn_norm"},
      {"pre_feedforward_layernorm", "ffn_norm"},
      {"post_feedforward_layernorm", "post_ffw_norm"},
      {"self_attn.q_norm", "attn_q_norm"},
      {"self_attn.k_norm", "attn_k_norm"},
      {"self_attn.q_proj", "attn_q"},
      {"self_attn.k_proj", "attn_k"},
      {"self_attn.v_proj", "attn_v"},
      {"self_attn.o_proj", "attn_output"},
      {"mlp.gate_proj", "ffn_gate"},
      {"mlp.up_proj", "ffn_up"},
      {"mlp.down_proj", "ffn_down"}};
  for (const auto& [name, tensor] : tensors_of(what)) {
    const bool is_layer = name.starts_with("model.layers.");
    const std::string module = name.substr(is_layer ? 15 : 0, name.rfind('.') - (is_layer ? 15 : 0));
    std::vector<float> values = tensor.values;
    for (float& value : values) value += is_gemma && tensor.shape.size() == 1 ? 1.0F : 0.0F;
    builder.add_tensor((is_layer ? "blk." + name.substr(13, 1) + "." : "") + names.at(module) + ".weight", tensor.shape,
                       0, test::float_bytes(values));
  }
  return builder;
}

TEST(FamilyLogits, OfGgufAreThoseOfTransformers) {
  for (const std::string name : {"gemma3_pattern", "qwen3"}) {
    const json& what = fixture().at("cases").at(name);
    const test::TemporaryDirectory directory;
    EXPECT_LT(worst_difference(directory.write("m.gguf", gguf_of(what).build()), what), kTolerance) << name;
  }
}

// What adaptation folds into norms, value and up projections leaves the logits alone, and the chip's layers of a block are
// the same places in every family.
TEST(FamilyAdaptation, ExactPassesKeepTheLogits) {
  for (const std::string name : {"gemma3_pattern", "gemma3_layer_types", "qwen3_windows"}) {
    SCOPED_TRACE(name);
    json what = fixture().at("cases").at(name);
    what["config"]["vocab_size"] = 300;  // of the tokenizer
    for (const char* tensor : {"model.embed_tokens.weight", "lm_head.weight"}) {
      if (what["tensors"].contains(tensor)) what["tensors"][tensor][0] = 300;
    }
    const test::TemporaryDirectory directory;
    std::filesystem::remove(test::write_tiny_model(directory.path()));  // its tokenizer stays
    directory.write("config.json", what.at("config").dump());
    directory.write("model.safetensors", test::safetensors_file(tensors_of(what)));
    ThreadPool pool(1);
    const auto tokens = fixture().at("tokens").get<std::vector<std::int32_t>>();
    const auto logits = [&](const std::filesystem::path& path) {
      const std::shared_ptr<const checkpoint::Checkpoint> file = checkpoint::open_checkpoint(path);
      transformer::Model model(checkpoint::import_graph(*file), std::make_shared<toolchain::CheckpointSource>(file),
                               nullptr, pool);
      return transformer::Session(model).forward(tokens, transformer::LogitsOf::kAll);
    };
    toolchain::AdaptOptions options;
    options.passes = {.equalise = true, .centre = true, .rank = 3};
    options.tokens = 256;
    options.context = 32;
    const std::filesystem::path output = directory.path() / "adapted.safetensors";
    const toolchain::AdaptSummary summary = toolchain::adapt_checkpoint(directory.path(), {}, options, output, pool);
    EXPECT_EQ(summary.sites.size(), 4U * 4 + 1);
    const std::vector<float> expected = logits(directory.path());
    const std::vector<float> found = logits(output);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-3) << i;
    EXPECT_NE(found, expected);
  }
}

TEST(EmbeddingScale, IsRoundedToTheTypeOfTheWeights) {
  const json& what = fixture().at("cases").at("gemma3_defaults");
  const NamedTensors tensors = tensors_of(what);
  const std::vector<std::pair<std::string, std::string>> types = {
      {"F32", "float32"}, {"BF16", "bfloat16"}, {"F16", "float16"}};
  for (const auto& [dtype, torch_name] : types) {
    // The header with another type and half the bytes: only the scale is looked at.
    std::string header;
    test::Bytes data;
    for (const auto& [name, tensor] : tensors) {
      const std::size_t bytes = tensor.values.size() * (dtype == "F32" ? 4 : 2);
      std::string shape;
      for (const std::uint64_t size : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
      header += (header.empty() ? "{\"" : ", \"") + name + R"(": {"dtype": ")" + dtype + R"(", "shape": [)" + shape +
                R"(], "data_offsets": [)" + std::to_string(data.size()) + "," + std::to_string(data.size() + bytes) +
                "]}";
      data.resize(data.size() + bytes);
    }
    header += "}";
    while (header.size() % 8 != 0) header += ' ';
    const test::TemporaryDirectory directory;
    directory.write("config.json", what.at("config").dump());
    directory.write("model.safetensors", test::safetensors_file(header, data));
    const ir::Graph graph = checkpoint::import_graph(*checkpoint::open_checkpoint(directory.path()));
    ASSERT_EQ(graph.nodes.at(1).kind, ir::OpKind::kEmbedding);
    EXPECT_EQ(ir::attr_float(graph.nodes[1], "scale"),
              fixture().at("embedding_scales").at(torch_name).at("20").get<double>())
        << dtype;
  }
}

}  // namespace
}  // namespace xw
