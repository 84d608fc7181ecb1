// Files that others have written.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "compiler/checkpoint/checkpoint.hpp"
#include "compiler/checkpoint/gguf_file.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/shared_data.hpp"

namespace xw::checkpoint {
namespace {

namespace fs = std::filesystem;

TEST(Stories260K, BothVersionsHoldTheSameModel) {
  const std::optional<fs::path> v0_path = test::shared_path("data/weights/stories260K/stories260K.bin");
  const std::optional<fs::path> v1_path = test::shared_path("data/weights/stories260K/stories260K_v1.bin");
  if (!v0_path || !v1_path) GTEST_SKIP() << "stories260K is not beside the project";
  const auto v0 = open_checkpoint(*v0_path);
  const auto v1 = open_checkpoint(*v1_path);
  ASSERT_EQ(v0->tensors().size(), v1->tensors().size());
  for (const auto& [name, tensor] : v0->tensors()) {
    EXPECT_EQ(tensor.shape, v1->tensors().at(name).shape) << name;
    EXPECT_EQ(read_all(tensor), read_all(v1->tensors().at(name))) << name;
  }
  EXPECT_EQ(v0->config().hidden_size, 64U);
  EXPECT_EQ(v0->config().num_layers, 5U);
  EXPECT_EQ(v0->config().vocab_size, 512U);
  EXPECT_TRUE(v0->config().tied_embeddings);
  ir::Graph graph = import_graph(*v0);
  EXPECT_NO_THROW(ir::verify(graph));
  graph.name = "stories260K_v1";
  EXPECT_EQ(graph, import_graph(*v1));
}

TEST(BabyLlama, Opens) {
  const std::optional<fs::path> path = test::shared_path("data/weights/babyllama/babyllama_tok105.bin");
  if (!path) GTEST_SKIP() << "babyllama is not beside the project";
  const auto checkpoint = open_checkpoint(*path);
  EXPECT_EQ(checkpoint->config().vocab_size, 105U);
  EXPECT_NO_THROW(ir::verify(import_graph(*checkpoint)));
}

TEST(GgmlVocabularies, OpenForTokenizersAndAreNoModels) {
  const std::optional<fs::path> path = test::shared_path("data/tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf");
  if (!path) GTEST_SKIP() << "the vocabularies are not beside the project";
  const GgufFile file(*path);
  ASSERT_NE(file.find_strings("tokenizer.ggml.tokens"), nullptr);
  EXPECT_EQ(file.find_strings("tokenizer.ggml.tokens")->size(), 32000U);
  EXPECT_EQ(file.find_floats("tokenizer.ggml.scores")->size(), 32000U);
  EXPECT_EQ(file.find_ints("tokenizer.ggml.token_type")->size(), 32000U);
  test::expect_error(ErrorCode::kShapeMismatch, "vocabulary-only", [&] { static_cast<void>(open_checkpoint(*path)); });
}

TEST(PublishedConfigs, Llama32AndSmolLm2) {
  const std::optional<fs::path> llama = test::shared_path("data/configs/llama-3.2-1b.config.json");
  const std::optional<fs::path> smollm = test::shared_path("data/configs/smollm2-135m.config.json");
  if (!llama || !smollm) GTEST_SKIP() << "the configurations are not beside the project";
  const ModelConfig config = parse_hf_config(read_text_file(*llama), "llama");
  EXPECT_EQ(config.head_dim, 64U);
  EXPECT_EQ(config.rope.scaling, "llama3");
  EXPECT_EQ(config.rope.factor, 32.0);
  EXPECT_EQ(config.rope.original_context, 8192U);
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{128001}));
  EXPECT_EQ(parse_hf_config(read_text_file(*smollm), "smollm2").rope.theta, 100000.0);
}

// $XW_MODEL, else the first .gguf in the project's model cache.
std::optional<fs::path> find_model() {
  if (const char* path = std::getenv("XW_MODEL"); path != nullptr) return fs::path(path);
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(xw::test::source_dir() / ".cache" / "models", error)) {
    if (entry.path().extension() == ".gguf") return entry.path();
  }
  return std::nullopt;
}

TEST(SmolLm2, GgufOpensAndItsWeightsAreSane) {
  const std::optional<fs::path> path = find_model();
  if (!path || path->filename() != "SmolLM2-135M-Instruct.Q4_1.gguf") {
    GTEST_SKIP() << "SmolLM2-135M-Instruct.Q4_1.gguf is neither $XW_MODEL nor in .cache/models";
  }
  const auto checkpoint = open_checkpoint(*path);
  const ModelConfig& config = checkpoint->config();
  EXPECT_EQ(config.hidden_size, 576U);
  EXPECT_EQ(config.num_layers, 30U);
  EXPECT_EQ(config.num_kv_heads, 3U);
  EXPECT_EQ(config.vocab_size, 49152U);
  EXPECT_EQ(config.rope.theta, 100000.0);
  EXPECT_EQ(config.rope_style, "interleaved");
  EXPECT_TRUE(config.tied_embeddings);
  EXPECT_NO_THROW(ir::verify(import_graph(*checkpoint)));
  for (const auto& [name, tensor] : checkpoint->tensors()) {
    double sum_of_squares = 0;
    const std::vector<float> values = read_all(tensor);
    for (const float value : values) sum_of_squares += static_cast<double>(value) * value;
    const double rms = std::sqrt(sum_of_squares / static_cast<double>(values.size()));
    EXPECT_TRUE(rms > 1e-3 && rms < 20) << name << ": rms " << rms;
    checkpoint->release(tensor);
  }
}

}  // namespace
}  // namespace xw::checkpoint
