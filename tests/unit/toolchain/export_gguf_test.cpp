// GGUF files that are written are read back: same numbers, same logits, same tokenizer.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/export_gguf.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "arch/support/parallel.hpp"
#include "compiler/checkpoint/gguf_file.hpp"
#include "host/toolchain/checkpoint_source.hpp"
#include "host/transformer/model.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/app/tiny_model.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::toolchain {
namespace {

using checkpoint::Dtype;

std::vector<float> logits(const OpenedCheckpoint& opened) {
  ThreadPool pool(1);
  transformer::Model model(opened.graph, std::make_shared<CheckpointSource>(opened.file), nullptr, pool);
  transformer::Session session(model);
  return session.forward(std::vector<std::int32_t>{1, 5, 7, 3, 11, 2}, transformer::LogitsOf::kAll);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

std::vector<float> stored(const OpenedCheckpoint& opened, const std::string& name) {
  const auto reference = opened.file->resolve(name);
  EXPECT_TRUE(reference.has_value()) << name;
  return reference ? checkpoint::read_all(opened.file->tensors().at(reference->tensor)) : std::vector<float>();
}

/// Rotations of Hugging Face's layout become interleaved ones: the logits say whether every row is where it belongs.
TEST(ExportGguf, AModelOfHuggingFacesLayoutHasTheSameLogits) {
  test::TemporaryDirectory folder;
  const test::TinyModel model = test::tiny_model("llama");
  folder.write("model.safetensors", test::safetensors_file(test::stored_tensors(model)));
  folder.write("config.json", model.config_json);
  const OpenedCheckpoint opened = open_checkpoint(folder.path(), {});
  export_gguf(opened, folder.path() / "m.gguf", Dtype::kF32);
  OpenedCheckpoint again;  // without a tokenizer, as the model is
  again.file = checkpoint::open_checkpoint(folder.path() / "m.gguf");
  again.graph = checkpoint::import_graph(*again.file);
  EXPECT_EQ(again.file->format(), "gguf");
  EXPECT_LT(largest_difference(logits(again), logits(opened)), 1e-5);
}

TEST(ExportGguf, TensorsAndTokenizerAreReadBack) {
  test::TemporaryDirectory folder;
  const OpenedCheckpoint opened = open_checkpoint(test::write_tiny_model(folder.path() / "model"), {});
  ASSERT_TRUE(opened.tokenizer.has_value());
  const std::string norm = "model.layers.1.post_attention_layernorm.weight";
  for (const Dtype type : {Dtype::kF32, Dtype::kF16, Dtype::kBF16, Dtype::kQ8_0}) {
    SCOPED_TRACE(checkpoint::name(type));
    export_gguf(opened, folder.path() / "m.gguf", type);
    const OpenedCheckpoint again = open_checkpoint(folder.path() / "m.gguf", {});
    for (const std::string name : {"model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight",
                                   "model.embed_tokens.weight"}) {
      const std::vector<float> before = stored(opened, name), after = stored(again, name);
      ASSERT_EQ(before.size(), after.size());
      for (std::size_t i = 0; i < before.size(); ++i) {
        const double value = before[i];
        double largest = 0;
        for (std::size_t k = i / 32 * 32; k < i / 32 * 32 + 32; ++k)
          largest = std::max(largest, std::abs(static_cast<double>(before[k])));
        // Half a step: of 11 or 8 significant bits, or of a block's scale, which is rounded to 11 bits itself.
        const double bound = type == Dtype::kF32    ? 0
                             : type == Dtype::kF16  ? std::abs(value) / 2048 + 1e-7
                             : type == Dtype::kBF16 ? std::abs(value) / 256
                                                    : largest / 254 + largest / 2048 + 1e-7;
        ASSERT_NEAR(value, static_cast<double>(after[i]), bound) << name << ' ' << i;
      }
    }
    EXPECT_EQ(stored(opened, norm), stored(again, norm));
    ASSERT_TRUE(again.tokenizer.has_value());
    EXPECT_EQ(again.tokenizer->tokens, opened.tokenizer->tokens);
    EXPECT_EQ(again.tokenizer->bos, opened.tokenizer->bos);
    const tokenizer::Tokenizer first(*opened.tokenizer), second(*again.tokenizer);
    EXPECT_EQ(second.encode("abcab ba", true, false), first.encode("abcab ba", true, false));
  }
}

TEST(ExportGguf, TheHardwareOfTheTrainingAndInputRangesAreReadBack) {
  const std::string text =
      R"({"class": "TorchInferenceRPUConfig", "fields": {"forward": {"class": "IOParameters", "fields": {"inp_res": 254,
          "out_res": 254, "out_bound": 12}}, "clip": {"class": "WeightClipParameter", "fields": {"type": {"class":
          "WeightClipType", "arguments": ["LayerGaussianPerChannel"]}}}}})";
  test::TemporaryDirectory folder;
  const test::TinyModel model = test::tiny_model("llama");
  test::NamedTensors tensors = test::stored_tensors(model);
  tensors["model.layers.1.self_attn.k_proj.input_range"] = {{2}, {1.5F, 0.1F}};
  tensors["lm_head.input_range"] = {{1}, {3.25F}};
  folder.write("model.safetensors", test::safetensors_file(tensors));
  folder.write("config.json", model.config_json);
  folder.write("rpu_config.json", text);
  export_gguf(open_checkpoint(folder.path(), {}), folder.path() / "m.gguf", Dtype::kQ8_0);

  const auto again = checkpoint::open_checkpoint(folder.path() / "m.gguf");
  EXPECT_NO_THROW(static_cast<void>(checkpoint::import_graph(*again)));
  const std::map<std::string, std::vector<float>> expected = {{"lm_head", {3.25F}},
                                                              {"model.layers.1.self_attn.k_proj", {1.5F, 0.1F}}};
  EXPECT_EQ(checkpoint::stored_input_ranges(*again), expected);
  ASSERT_NE(again->training(), nullptr);
  EXPECT_EQ(again->training()->output_bound, 12);
  EXPECT_EQ(again->training()->input_steps, 254);
  EXPECT_EQ(again->training()->clip_type, "LayerGaussianPerChannel");
  // Other programs see no tensors that they do not know.
  EXPECT_EQ(checkpoint::GgufFile(folder.path() / "m.gguf").tensors().size(), model.canonical.size());
}

TEST(ExportGguf, ATrainingThatTheFileCannotSayIsRefused) {
  test::TemporaryDirectory folder;
  const test::TinyModel model = test::tiny_model("llama");
  folder.write("model.safetensors", test::safetensors_file(test::stored_tensors(model)));
  folder.write("config.json", model.config_json);
  folder.write("rpu_config", "a pickle");
  test::expect_error(ErrorCode::kUnsupported, {"GGUF", "pickled"},
                     [&] { export_gguf(open_checkpoint(folder.path(), {}), folder.path() / "m.gguf", Dtype::kF32); });
}

TEST(ExportGguf, WhatTheFileCannotSayIsRefused) {
  test::TemporaryDirectory folder;
  const test::TinyModel model = test::tiny_model("qwen2");
  folder.write("model.safetensors", test::safetensors_file(test::stored_tensors(model)));
  folder.write("config.json", model.config_json);
  const OpenedCheckpoint opened = open_checkpoint(folder.path(), {});
  test::expect_error(ErrorCode::kUnsupported, {"GGUF", "q_proj"},
                     [&] { export_gguf(opened, folder.path() / "m.gguf", Dtype::kF32); });
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "m.gguf"));
}

}  // namespace
}  // namespace xw::toolchain
