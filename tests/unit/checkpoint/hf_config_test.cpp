// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "compiler/checkpoint/model_config.hpp"
#include "tests/unit/checkpoint/builders.hpp"
#include "tests/unit/checkpoint/expect_error.hpp"

namespace xw::checkpoint {
namespace {

using nlohmann::json;
using test::expect_error;

json base(const std::string& family) {
  return json::parse(test::tiny_model(family).config_json);
}

// The base configuration with some keys changed.
ModelConfig parse_with(const std::string& family, const json& changes) {
  json config = base(family);
  if (!changes.is_null()) config.update(changes);
  return parse_hf_config(config.dump(), "config.json");
}

void expect_failure(const std::string& family, const json& changes, ErrorCode code, const std::string& text) {
  expect_error([&] { static_cast<void>(parse_with(family, changes)); }, code, text);
}

TEST(HfConfig, ReadsWhatAllFamiliesShare) {
  for (const char* family : {"llama", "mistral", "phi3", "qwen2"}) {
    const ModelConfig config = parse_with(family, {});
    EXPECT_EQ(config.family, family);
    EXPECT_EQ(config.hidden_size, 16U);
    EXPECT_EQ(config.intermediate_size, 24U);
    EXPECT_EQ(config.num_layers, 2U);
    EXPECT_EQ(config.num_heads, 4U);
    EXPECT_EQ(config.num_kv_heads, 2U);
    EXPECT_EQ(config.head_dim, 4U);
    EXPECT_EQ(config.vocab_size, 20U);
    EXPECT_EQ(config.context_length, 32U);
    EXPECT_EQ(config.norm_eps, 1e-5);
    EXPECT_TRUE(config.tied_embeddings);
    EXPECT_EQ(config.rope_style, "half");
    EXPECT_EQ(config.rope_dims, 4U);
    EXPECT_EQ(config.rope_theta, 500.0);
    EXPECT_EQ(config.rope_scaling, "none");
    EXPECT_EQ(config.bos_token, 1);
    EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{2, 3}));
  }
}

TEST(HfConfig, DefaultsAreThoseOfTheFamilies) {
  json config = base("llama");
  for (const char* key : {"num_key_value_heads", "rms_norm_eps", "rope_theta", "tie_word_embeddings", "bos_token_id",
                          "eos_token_id", "hidden_act"}) {
    config.erase(key);
  }
  const ModelConfig parsed = parse_hf_config(config.dump(), "config.json");
  EXPECT_EQ(parsed.num_kv_heads, 4U);
  EXPECT_EQ(parsed.norm_eps, 1e-6);
  EXPECT_EQ(parsed.rope_theta, 10000.0);
  EXPECT_FALSE(parsed.tied_embeddings);
  EXPECT_EQ(parsed.bos_token, -1);
  EXPECT_TRUE(parsed.eos_tokens.empty());
}

TEST(HfConfig, SlidingWindowsOfEachFamily) {
  EXPECT_EQ(parse_with("llama", {{"sliding_window", 5}}).sliding_window, 0U);
  EXPECT_EQ(parse_with("mistral", {}).sliding_window, 12U);
  EXPECT_EQ(parse_with("mistral", {{"sliding_window", nullptr}}).sliding_window, 0U);
  json absent = base("mistral");
  absent.erase("sliding_window");
  EXPECT_EQ(parse_hf_config(absent.dump(), "config.json").sliding_window, 4096U);
  EXPECT_EQ(parse_with("phi3", {}).sliding_window, 7U);
  EXPECT_EQ(parse_with("qwen2", {}).sliding_window, 0U);
  const ModelConfig qwen2 = parse_with("qwen2", {{"use_sliding_window", true}, {"max_window_layers", 1}});
  EXPECT_EQ(qwen2.sliding_window, 12U);
  EXPECT_EQ(qwen2.first_window_layer, 1U);
  const json types = {{"layer_types", {"full_attention", "sliding_attention"}}};
  EXPECT_EQ(parse_with("mistral", types).first_window_layer, 1U);
  expect_failure("mistral", {{"layer_types", {"sliding_attention", "full_attention"}}}, ErrorCode::kUnsupported,
                 "layer_types");
  expect_failure("mistral", {{"layer_types", {"full_attention"}}}, ErrorCode::kUnsupported, "one entry per layer");
}

TEST(HfConfig, Llama3Scaling) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 32.0},
                        {"low_freq_factor", 1.5},
                        {"high_freq_factor", 4.5},
                        {"original_max_position_embeddings", 8192}};
  for (const ModelConfig& config :
       {parse_with("llama", {{"rope_scaling", scaling}}), parse_with("llama", {{"rope_parameters", scaling}})}) {
    EXPECT_EQ(config.rope_scaling, "llama3");
    EXPECT_EQ(config.rope_factor, 32.0);
    EXPECT_EQ(config.rope_low_freq_factor, 1.5);
    EXPECT_EQ(config.rope_high_freq_factor, 4.5);
    EXPECT_EQ(config.rope_original_context, 8192U);
    EXPECT_EQ(config.rope_theta, 500.0);
  }
  json broken = scaling;
  broken["low_freq_factor"] = 5.0;
  expect_failure("llama", {{"rope_scaling", broken}}, ErrorCode::kFormat,
                 "expected low_freq_factor < high_freq_factor");
  broken = scaling;
  broken.erase("original_max_position_embeddings");
  expect_failure("llama", {{"rope_scaling", broken}}, ErrorCode::kFormat,
                 "expected \"original_max_position_embeddings\"");
  broken.erase("factor");
  expect_failure("llama", {{"rope_scaling", broken}}, ErrorCode::kFormat, "expected \"factor\", found nothing");
}

TEST(HfConfig, LinearScalingAndThetaInRopeParameters) {
  const ModelConfig linear = parse_with("llama", {{"rope_scaling", {{"type", "linear"}, {"factor", 4}}}});
  EXPECT_EQ(linear.rope_scaling, "linear");
  EXPECT_EQ(linear.rope_factor, 4.0);
  const ModelConfig plain = parse_with("llama", {{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 7e5}}}});
  EXPECT_EQ(plain.rope_scaling, "none");
  EXPECT_EQ(plain.rope_theta, 7e5);
  expect_failure("llama", {{"rope_scaling", {{"type", "yarn"}}}}, ErrorCode::kUnsupported,
                 "found type \"yarn\"; supported: default, linear, llama3, longrope");
}

TEST(HfConfig, LongropeFactorsAndAttentionFactor) {
  const json factors = {{"short_factor", {1.0, 1.5}}, {"long_factor", {2.0, 4.0}}};
  json scaling = factors;
  scaling["type"] = "longrope";
  const json changes = {{"rope_scaling", scaling}, {"original_max_position_embeddings", 8}};
  const ModelConfig config = parse_with("phi3", changes);
  EXPECT_EQ(config.rope_scaling, "longrope");
  EXPECT_EQ(config.rope_short, (std::vector<double>{1.0, 1.5}));
  EXPECT_EQ(config.rope_long, (std::vector<double>{2.0, 4.0}));
  EXPECT_EQ(config.rope_original_context, 8U);
  // 32 positions from 8: sqrt(1 + ln 4 / ln 8) = sqrt(5 / 3).
  EXPECT_DOUBLE_EQ(config.rope_attention_factor, std::sqrt(5.0 / 3.0));
  scaling["type"] = "su";
  EXPECT_EQ(parse_with("phi3", {{"rope_scaling", scaling}, {"original_max_position_embeddings", 8}}).rope_scaling,
            "longrope");
  EXPECT_EQ(
      parse_with("phi3", {{"rope_scaling", scaling}, {"original_max_position_embeddings", 32}}).rope_attention_factor,
      1.0);
  scaling["attention_factor"] = 1.25;
  EXPECT_EQ(parse_with("phi3", {{"rope_scaling", scaling}}).rope_attention_factor, 1.25);
  scaling["long_factor"] = {2.0};
  expect_failure("phi3", {{"rope_scaling", scaling}}, ErrorCode::kShapeMismatch, "expected 2 factors, found 1");
}

TEST(HfConfig, PartialRotaryFactor) {
  EXPECT_EQ(parse_with("phi3", {{"partial_rotary_factor", 0.5}}).rope_dims, 2U);
  expect_failure("phi3", {{"partial_rotary_factor", 0.75}}, ErrorCode::kShapeMismatch,
                 "even number of rotated dimensions");
  expect_failure("phi3", {{"partial_rotary_factor", 1.5}}, ErrorCode::kFormat, "above 0 and at most 1, found 1.5");
}

TEST(HfConfig, BiasesAsTheFamilySays) {
  EXPECT_FALSE(parse_with("llama", {}).qkv_bias);
  EXPECT_TRUE(parse_with("llama", {{"attention_bias", true}}).qkv_bias);
  EXPECT_TRUE(parse_with("llama", {{"attention_bias", true}}).output_bias);
  EXPECT_TRUE(parse_with("llama", {{"mlp_bias", true}}).mlp_bias);
  EXPECT_TRUE(parse_with("qwen2", {}).qkv_bias);
  EXPECT_FALSE(parse_with("qwen2", {}).output_bias);
}

TEST(HfConfig, UnsupportedModelsListWhatIsSupported) {
  expect_failure("llama", {{"model_type", "gpt_neox"}}, ErrorCode::kUnsupported,
                 "config.json: \"model_type\": found \"gpt_neox\"; supported: llama, mistral, phi3, qwen2");
  expect_failure("llama", {{"model_type", nullptr}}, ErrorCode::kUnsupported, "\"model_type\": found nothing");
  expect_failure("llama", {{"hidden_act", "gelu"}}, ErrorCode::kUnsupported, "found \"gelu\"; supported: silu");
  expect_failure("llama", {{"quantization_config", {{"bits", 4}}}}, ErrorCode::kUnsupported, "quantization_config");
  expect_failure("llama", {{"rope_interleaved", true}}, ErrorCode::kUnsupported, "rope_interleaved");
}

TEST(HfConfig, ImpossibleValuesAreRejected) {
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size",
                          "max_position_embeddings"}) {
    expect_failure("llama", {{key, nullptr}}, ErrorCode::kFormat,
                   "expected \"" + std::string(key) + "\", found nothing");
    expect_failure("llama", {{key, "x"}}, ErrorCode::kFormat, "expected an integer of 0 to 4294967295, found \"x\"");
    expect_failure("llama", {{key, -1}}, ErrorCode::kFormat, "found -1");
    expect_failure("llama", {{key, 0}}, ErrorCode::kFormat, "expected 1 to");
    expect_failure("llama", {{key, 1.5}}, ErrorCode::kFormat, "found 1.5");
    expect_failure("llama", {{key, 4294967295U}}, ErrorCode::kFormat, "config.json");
    expect_failure("llama", {{key, 1e30}}, ErrorCode::kFormat, "config.json");
  }
  expect_failure("llama", {{"num_key_value_heads", 3}}, ErrorCode::kShapeMismatch,
                 "multiple of num_kv_heads, found 4 and 3");
  expect_failure("llama", {{"head_dim", 5}}, ErrorCode::kShapeMismatch, "even number of rotated dimensions");
  expect_failure("llama", {{"head_dim", 65536}, {"num_attention_heads", 65536}}, ErrorCode::kFormat,
                 "num_heads * head_dim");
  expect_failure("llama", {{"rms_norm_eps", -1}}, ErrorCode::kFormat, "norm_eps: expected a positive number");
  expect_failure("llama", {{"rope_theta", "x"}}, ErrorCode::kFormat, "\"rope_theta\": expected a number");
  expect_failure("llama", {{"eos_token_id", 20}}, ErrorCode::kFormat, "expected an id below 20, found 20");
  expect_failure("llama", {{"bos_token_id", 20}}, ErrorCode::kFormat, "begin-of-sequence token");
  expect_failure("llama", {{"eos_token_id", "x"}}, ErrorCode::kFormat, "expected a token id or a list of them");
  expect_failure("llama", {{"tie_word_embeddings", 1}}, ErrorCode::kFormat, "expected true or false");
}

TEST(HfConfig, TextThatIsNotJsonIsRejected) {
  for (const char* text :
       {"", "{", "[]", "null", R"({"rms_norm_eps": NaN})", "{\"a\": \"\xFF\"}", R"({"rope_theta": 1e999})"}) {
    expect_error([&] { static_cast<void>(parse_hf_config(text, "config.json")); }, ErrorCode::kFormat,
                 "config.json: expected");
  }
}

TEST(HfConfig, EveryTruncationIsAnError) {
  const std::string text = base("phi3").dump();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_THROW(static_cast<void>(parse_hf_config(text.substr(0, length), "config.json")), Error) << length;
  }
}

TEST(GenerationConfig, AddsTokensOnce) {
  ModelConfig config = parse_with("llama", {});
  add_generation_config(config, R"({"eos_token_id": [3, 7], "temperature": 0.6})", "generation_config.json");
  EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{2, 3, 7}));
  expect_error([&] { add_generation_config(config, R"({"eos_token_id": 99})", "generation_config.json"); },
               ErrorCode::kFormat, "generation_config.json: end-of-sequence token");
}

TEST(CheckConfig, NumbersAreFinite) {
  for (double ModelConfig::*field :
       {&ModelConfig::norm_eps, &ModelConfig::rope_theta, &ModelConfig::rope_factor, &ModelConfig::rope_low_freq_factor,
        &ModelConfig::rope_high_freq_factor, &ModelConfig::rope_attention_factor}) {
    for (const double value : {std::nan(""), HUGE_VAL}) {
      ModelConfig config = parse_with("llama", {});
      config.*field = value;
      expect_error([&] { check_config(config, "model"); }, ErrorCode::kNotFinite, "expected a finite number");
    }
  }
}

}  // namespace
}  // namespace xw::checkpoint
