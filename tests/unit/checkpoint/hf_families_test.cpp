// config.json of families whose layers differ from each other or whose blocks have more than Llama's.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compiler/checkpoint/model_config.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"
#include "tests/unit/checkpoint/changed_config.hpp"

namespace xw::checkpoint {
namespace {

using nlohmann::json;
using test::base;
using test::expect_failure;
using test::parse_with;
using xw::test::expect_error;

TEST(HfFamilies, LayerTypesGiveAnyPattern) {
  const std::string full = "full_attention";
  const std::string sliding = "sliding_attention";
  for (const char* family : {"gemma3", "mistral", "qwen2", "qwen3"}) {
    const auto windows = [&](const json& types) {
      const ModelConfig config = parse_with(family, {{"use_sliding_window", true}, {"layer_types", types}});
      return std::vector<bool>{config.has_window(0), config.has_window(1)};
    };
    EXPECT_EQ(windows({full, sliding}), (std::vector<bool>{false, true})) << family;
    EXPECT_EQ(windows({sliding, full}), (std::vector<bool>{true, false})) << family;
    EXPECT_EQ(windows({sliding, sliding}), (std::vector<bool>{true, true})) << family;
    EXPECT_EQ(windows({full, full}), (std::vector<bool>{false, false})) << family;
    for (const json& wrong : {json{full}, json{full, full, full}, json{full, "chunked_attention"}, json{full, 1}}) {
      expect_failure(
          family, {{"use_sliding_window", true}, {"layer_types", wrong}}, ErrorCode::kUnsupported,
          "\"layer_types\": expected one entry per layer, \"full_attention\" or \"sliding_attention\", found " +
              wrong.dump());
    }
  }
}

TEST(HfFamilies, GemmaHasWindowsInAllLayersOfAPeriodButTheLast) {
  json config = base("gemma3");
  config["num_hidden_layers"] = 13;
  const auto windows = [&] { return parse_hf_config(config.dump(), "config.json").window_layers; };
  EXPECT_EQ(windows(),
            (std::vector<bool>{true, false, true, false, true, false, true, false, true, false, true, false, true}));
  config.erase("sliding_window_pattern");  // 6
  EXPECT_EQ(windows(),
            (std::vector<bool>{true, true, true, true, true, false, true, true, true, true, true, false, true}));
  config["_sliding_window_pattern"] = 6;
  EXPECT_EQ(windows().size(), 13U);
  config["_sliding_window_pattern"] = 3;
  expect_error(ErrorCode::kUnsupported, "\"_sliding_window_pattern\": found 3 beside a pattern of 6",
               [&] { static_cast<void>(windows()); });
  config.erase("_sliding_window_pattern");
  config["sliding_window_pattern"] = 1;
  EXPECT_EQ(parse_hf_config(config.dump(), "config.json").sliding_window, 0U);
  config["sliding_window_pattern"] = 0;
  expect_error(ErrorCode::kFormat, "\"sliding_window_pattern\": expected 1 or more, found 0",
               [&] { static_cast<void>(windows()); });
  expect_failure("gemma3", {{"sliding_window", nullptr}}, ErrorCode::kUnsupported,
                 "in a model without a sliding window");
}

TEST(HfFamilies, WhatAGemmaBlockHas) {
  const ModelConfig gemma = parse_with("gemma3", {});
  EXPECT_TRUE(gemma.gelu && gemma.qk_norm && gemma.post_norms && gemma.unit_norms && gemma.scaled_embeddings);
  EXPECT_EQ(gemma.attention_scale, 0.2);
  json config = base("gemma3");
  for (const char* key :
       {"query_pre_attn_scalar", "head_dim", "hidden_activation", "tie_word_embeddings", "bos_token_id", "eos_token_id",
        "rope_theta", "rope_local_base_freq", "sliding_window", "num_attention_heads", "num_key_value_heads",
        "vocab_size", "max_position_embeddings", "rms_norm_eps"}) {
    config.erase(key);
  }
  const ModelConfig absent = parse_hf_config(config.dump(), "config.json");
  EXPECT_EQ(absent.attention_scale, 1.0 / 16);
  EXPECT_EQ(absent.num_heads, 8U);
  EXPECT_EQ(absent.num_kv_heads, 4U);
  EXPECT_EQ(absent.head_dim, 256U);
  EXPECT_EQ(absent.vocab_size, 262208U);
  EXPECT_EQ(absent.context_length, 131072U);
  EXPECT_EQ(absent.sliding_window, 4096U);
  EXPECT_EQ(absent.rope.theta, 1e6);
  EXPECT_EQ(absent.window_rope.value().theta, 1e4);
  EXPECT_EQ(absent.norm_eps, 1e-6);
  EXPECT_TRUE(absent.tied_embeddings);
  EXPECT_EQ(absent.bos_token, 2);
  EXPECT_EQ(absent.eos_tokens, (std::vector<std::int64_t>{1}));
  const ModelConfig llama = parse_with("llama", {});
  EXPECT_FALSE(llama.gelu || llama.qk_norm || llama.post_norms || llama.unit_norms || llama.scaled_embeddings);
  const ModelConfig qwen3 = parse_with("qwen3", {});
  EXPECT_TRUE(qwen3.qk_norm);
  EXPECT_FALSE(qwen3.gelu || qwen3.post_norms || qwen3.unit_norms || qwen3.scaled_embeddings);
  json no_dim = base("qwen3");
  no_dim.erase("head_dim");
  EXPECT_EQ(parse_hf_config(no_dim.dump(), "config.json").head_dim, 128U);
}

TEST(HfFamilies, GemmaRotatesLayersWithAWindowByABaseOfTheirOwn) {
  const ModelConfig plain = parse_with("gemma3", {});
  EXPECT_EQ(plain.rope.theta, 500.0);
  EXPECT_EQ(plain.window_rope.value().theta, 50.0);
  const json linear = {{"rope_type", "linear"}, {"factor", 8.0}};
  const ModelConfig scaled = parse_with("gemma3", {{"rope_scaling", linear}});
  EXPECT_EQ(scaled.rope.factor, 8.0);
  EXPECT_EQ(scaled.window_rope.value().scaling, "none");
  EXPECT_FALSE(parse_with("gemma3", {{"rope_local_base_freq", 500.0}}).window_rope.has_value());
  const json all_windows = {{"layer_types", {"sliding_attention", "sliding_attention"}}};
  EXPECT_EQ(parse_with("gemma3", all_windows).rope.theta, 50.0);
  json nested = {{"rope_parameters", {{"full_attention", linear}, {"sliding_attention", {{"rope_theta", 7.0}}}}}};
  EXPECT_EQ(parse_with("gemma3", nested).rope.factor, 8.0);
  EXPECT_EQ(parse_with("gemma3", nested).rope.theta, 500.0);
  EXPECT_EQ(parse_with("gemma3", nested).window_rope.value().theta, 7.0);
  nested["rope_parameters"].erase("sliding_attention");
  EXPECT_EQ(parse_with("gemma3", nested).window_rope.value().theta, 50.0);
  expect_failure("gemma3", {{"rope_parameters", linear}}, ErrorCode::kUnsupported,
                 "expected objects \"full_attention\" and \"sliding_attention\", found factor");
}

TEST(HfFamilies, GemmaKeysThatAreNotSupportedAreRefused) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, json>>{{"final_logit_softcapping", 30.0},
                                                                            {"attn_logit_softcapping", 50.0},
                                                                            {"use_bidirectional_attention", true}}) {
    expect_failure("gemma3", {{key, value}}, ErrorCode::kUnsupported, "\"" + key + "\": found " + value.dump());
    EXPECT_NO_THROW(static_cast<void>(parse_with("gemma3", {{key, nullptr}})));
  }
  for (const char* key : {"hidden_activation", "hidden_act"}) {
    expect_failure("gemma3", {{key, "gelu"}}, ErrorCode::kUnsupported,
                   std::string("\"") + key + "\": found \"gelu\"; supported in family gemma3: gelu_pytorch_tanh");
  }
  expect_failure("gemma3", {{"query_pre_attn_scalar", 0}}, ErrorCode::kFormat, "expected a positive number");
  expect_failure("llama", {{"model_type", "gemma2"}}, ErrorCode::kUnsupported, "found \"gemma2\"; supported: gemma3, ");
  expect_failure("llama", {{"model_type", "qwen3_moe"}}, ErrorCode::kUnsupported, "found \"qwen3_moe\"; supported: ");
}

TEST(HfFamilies, TheTextPartOfAModelWithImagesIsAModel) {
  json text = base("gemma3");
  for (const char* key : {"model_type", "bos_token_id", "eos_token_id", "tie_word_embeddings"}) text.erase(key);
  const json document = {{"model_type", "gemma3"},
                         {"text_config", text},
                         {"vision_config", {{"depth", 2}}},
                         {"eos_token_id", {1, 3}},
                         {"mm_tokens_per_image", 256}};
  const ModelConfig config = parse_hf_config(document.dump(), "config.json");
  EXPECT_EQ(config.family, "gemma3");
  EXPECT_EQ(config.hidden_size, 16U);
  EXPECT_EQ(config.bos_token, 2);
  EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{1, 3}));
  EXPECT_TRUE(config.tied_embeddings);
  const auto fails = [&](ErrorCode code, const std::string& key, const json& value, const std::string& message) {
    json changed = document;
    changed[key] = value;
    expect_error(code, message, [&] { static_cast<void>(parse_hf_config(changed.dump(), "config.json")); });
  };
  fails(ErrorCode::kFormat, "text_config", nullptr, "config.json: expected an object \"text_config\", found nothing");
  fails(ErrorCode::kFormat, "text_config", 3, "expected an object \"text_config\", found number");
  fails(ErrorCode::kUnsupported, "text_config", {{"model_type", "llama"}},
        "\"text_config\": \"model_type\": found \"llama\"; supported: gemma3_text");
  fails(ErrorCode::kFormat, "text_config", {{"hidden_size", 0}},
        "config.json: \"text_config\": hidden_size: expected 1 to");
  fails(ErrorCode::kUnsupported, "audio_config", {{"depth", 2}}, "\"audio_config\": found");
}

}  // namespace
}  // namespace xw::checkpoint
