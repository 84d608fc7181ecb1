// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "compiler/checkpoint/model_config.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/warnings.hpp"
#include "tests/unit/checkpoint/builders.hpp"
#include "tests/unit/checkpoint/changed_config.hpp"

namespace xw::checkpoint {
namespace {

using nlohmann::json;
using test::base;
using test::expect_failure;
using test::parse_with;
using xw::test::expect_error;

TEST(HfConfig, ReadsWhatAllFamiliesShare) {
  for (const char* family : {"gemma3", "llama", "mistral", "phi3", "qwen2", "qwen3"}) {
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
    EXPECT_EQ(config.rope.dims, 4U);
    EXPECT_EQ(config.rope.theta, 500.0);
    EXPECT_EQ(config.rope.scaling, "none");
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
  EXPECT_EQ(parsed.rope.theta, 10000.0);
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
  for (const char* family : {"qwen2", "qwen3"}) {
    EXPECT_EQ(parse_with(family, {}).sliding_window, 0U);
    const ModelConfig qwen = parse_with(family, {{"use_sliding_window", true}, {"max_window_layers", 1}});
    EXPECT_EQ(qwen.sliding_window, 12U);
    EXPECT_EQ(qwen.window_layers, (std::vector<bool>{false, true}));
    const json all = {{"use_sliding_window", true}, {"max_window_layers", 0}};
    EXPECT_TRUE(parse_with(family, all).has_window(0) && parse_with(family, all).has_window(1));
    const json none = {{"use_sliding_window", true}, {"max_window_layers", 2}};
    EXPECT_EQ(parse_with(family, none).sliding_window, 0U);
    EXPECT_EQ(parse_with(family, {{"use_sliding_window", true}}).sliding_window, 0U);  // 28 layers without one
  }
}

TEST(HfConfig, Llama3Scaling) {
  const json scaling = {{"rope_type", "llama3"},
                        {"factor", 32.0},
                        {"low_freq_factor", 1.5},
                        {"high_freq_factor", 4.5},
                        {"original_max_position_embeddings", 8192}};
  for (const ModelConfig& config :
       {parse_with("llama", {{"rope_scaling", scaling}}), parse_with("llama", {{"rope_parameters", scaling}})}) {
    EXPECT_EQ(config.rope.scaling, "llama3");
    EXPECT_EQ(config.rope.factor, 32.0);
    EXPECT_EQ(config.rope.low_freq_factor, 1.5);
    EXPECT_EQ(config.rope.high_freq_factor, 4.5);
    EXPECT_EQ(config.rope.original_context, 8192U);
    EXPECT_EQ(config.rope.theta, 500.0);
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
  EXPECT_EQ(linear.rope.scaling, "linear");
  EXPECT_EQ(linear.rope.factor, 4.0);
  const ModelConfig plain = parse_with("llama", {{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 7e5}}}});
  EXPECT_EQ(plain.rope.scaling, "none");
  EXPECT_EQ(plain.rope.theta, 7e5);
  expect_failure("llama", {{"rope_scaling", {{"type", "yarn"}}}}, ErrorCode::kUnsupported,
                 "found type \"yarn\"; supported: default, linear, llama3, longrope");
}

TEST(HfConfig, LongropeFactorsAndAttentionFactor) {
  const json factors = {{"short_factor", {1.0, 1.5}}, {"long_factor", {2.0, 4.0}}};
  json scaling = factors;
  scaling["type"] = "longrope";
  const json changes = {{"rope_scaling", scaling}, {"original_max_position_embeddings", 8}};
  const ModelConfig config = parse_with("phi3", changes);
  EXPECT_EQ(config.rope.scaling, "longrope");
  EXPECT_EQ(config.rope.short_factors, (std::vector<double>{1.0, 1.5}));
  EXPECT_EQ(config.rope.long_factors, (std::vector<double>{2.0, 4.0}));
  EXPECT_EQ(config.rope.original_context, 8U);
  // 32 positions from 8: sqrt(1 + ln 4 / ln 8) = sqrt(5 / 3).
  EXPECT_DOUBLE_EQ(config.rope.attention_factor, std::sqrt(5.0 / 3.0));
  scaling["type"] = "su";
  EXPECT_EQ(parse_with("phi3", {{"rope_scaling", scaling}, {"original_max_position_embeddings", 8}}).rope.scaling,
            "longrope");
  EXPECT_EQ(
      parse_with("phi3", {{"rope_scaling", scaling}, {"original_max_position_embeddings", 32}}).rope.attention_factor,
      1.0);
  scaling["attention_factor"] = 1.25;
  EXPECT_EQ(parse_with("phi3", {{"rope_scaling", scaling}}).rope.attention_factor, 1.25);
  scaling["long_factor"] = {2.0};
  expect_failure("phi3", {{"rope_scaling", scaling}}, ErrorCode::kShapeMismatch, "expected 2 factors, found 1");
}

TEST(HfConfig, PartialRotaryFactor) {
  EXPECT_EQ(parse_with("phi3", {{"partial_rotary_factor", 0.5}}).rope.dims, 2U);
  expect_failure("phi3", {{"partial_rotary_factor", 0.75}}, ErrorCode::kShapeMismatch,
                 "even number of rotated dimensions");
  expect_failure("phi3", {{"partial_rotary_factor", 1.5}}, ErrorCode::kFormat, "above 0 and at most 1, found 1.5");
}

TEST(HfConfig, PartialRotaryFactorCountsInsideRopeParameters) {
  const json inside = {{"rope_theta", 500.0}, {"rope_type", "default"}, {"partial_rotary_factor", 0.5}};
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    EXPECT_EQ(parse_with("phi3", {{key, inside}}).rope.dims, 2U);
    EXPECT_EQ(parse_with("phi3", {{key, inside}, {"partial_rotary_factor", 1.0}}).rope.dims, 2U);  // inside wins
  }
  expect_failure("llama", {{"rope_parameters", inside}}, ErrorCode::kUnsupported,
                 "\"partial_rotary_factor\": found 0.500000; supported in family llama: 1");
}

TEST(HfConfig, RopeParametersMayBeNestedByLayerType) {
  const json full = {{"rope_type", "default"}, {"rope_theta", 3.0}};
  const json sliding = {{"rope_type", "linear"}, {"rope_theta", 7.0}, {"factor", 2.0}};
  const json both = {{"full_attention", full}, {"sliding_attention", sliding}};
  const ModelConfig llama = parse_with("llama", {{"rope_parameters", both}});
  EXPECT_EQ(llama.rope.theta, 3.0);
  EXPECT_FALSE(llama.window_rope.has_value());
  const ModelConfig mistral = parse_with("mistral", {{"rope_parameters", both}});  // a window in every layer
  EXPECT_EQ(mistral.rope.theta, 7.0);
  EXPECT_EQ(mistral.rope.factor, 2.0);
  const json window = {{"use_sliding_window", true}, {"max_window_layers", 1}};
  json changes = window;
  changes["rope_parameters"] = both;
  const ModelConfig mixed = parse_with("qwen2", changes);
  EXPECT_EQ(mixed.rope.theta, 3.0);
  ASSERT_TRUE(mixed.window_rope.has_value());
  EXPECT_EQ(mixed.window_rope->theta, 7.0);
  changes["rope_parameters"] = {{"full_attention", full}, {"sliding_attention", full}};
  EXPECT_FALSE(parse_with("qwen2", changes).window_rope.has_value());
  changes["rope_parameters"] = {{"full_attention", full}, {"sliding_attention", nullptr}};
  expect_failure("qwen2", changes, ErrorCode::kUnsupported, "expected rotary settings of sliding_attention");
  expect_failure("llama", {{"rope_parameters", {{"full_attention", full}, {"factor", 2}}}}, ErrorCode::kUnsupported,
                 "found key \"factor\" beside layer types");
  expect_failure("llama", {{"rope_parameters", {{"full_attention", {{"beta", 2}}}}}}, ErrorCode::kUnsupported,
                 "of full_attention: found key \"beta\"");
}

TEST(HfConfig, KeysThatARopeTypeDoesNotUseAreRefused) {
  for (const char* object : {"rope_parameters", "rope_scaling"}) {
    for (const char* key : {"mscale", "beta_fast", "mrope_section", "factor", "something_new"}) {
      expect_failure("llama", {{object, {{"rope_type", "default"}, {key, 2}}}}, ErrorCode::kUnsupported,
                     std::string("\"") + object + "\": found key \"" + key + "\"; supported with type default");
    }
    expect_failure("llama", {{object, {{"rope_type", "linear"}, {"factor", 2}, {"low_freq_factor", 1}}}},
                   ErrorCode::kUnsupported, "found key \"low_freq_factor\"; supported with type linear");
    const json unused = {{"rope_type", "default"}, {"factor", nullptr}, {"original_max_position_embeddings", 8}};
    EXPECT_EQ(parse_with("llama", {{object, unused}}).rope.scaling, "none");
  }
}

TEST(HfConfig, NeutralRopeKeysPass) {
  for (const json& type : {json("default"), json()}) {
    EXPECT_EQ(parse_with("llama", {{"rope_scaling", {{"type", type}, {"factor", 1.0}}}}).rope.scaling, "none");
  }
  const json linear = {{"type", "linear"}, {"factor", 2.0}, {"finetuned", true}};
  EXPECT_EQ(parse_with("llama", {{"rope_scaling", linear}}).rope.factor, 2.0);
  json llama3 = {{"rope_type", "llama3"}, {"factor", 8.0}, {"original_max_position_embeddings", 8}};
  const RopeSettings plain = parse_with("llama", {{"rope_scaling", llama3}}).rope;
  llama3["attention_factor"] = 1.0;
  EXPECT_EQ(parse_with("llama", {{"rope_scaling", llama3}}).rope, plain);
  llama3["attention_factor"] = 1.5;
  expect_failure("llama", {{"rope_scaling", llama3}}, ErrorCode::kUnsupported, "found key \"attention_factor\"");
}

TEST(HfConfig, TwoRopeObjectsWithTheSameMeaningPass) {
  const json both = {{"rope_scaling", {{"rope_type", "default"}}},
                     {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 5000.0}}},
                     {"rope_theta", 5000.0}};
  EXPECT_EQ(parse_with("llama", both).rope.theta, 5000.0);
  json different = both;  // one release of transformers would take 5000, another one 7000
  different["rope_theta"] = 7000.0;
  expect_failure("llama", different, ErrorCode::kUnsupported, "found different \"rope_scaling\" and");
}

TEST(HfConfig, NullsAmongEndTokensAreNone) {
  EXPECT_EQ(parse_with("llama", {{"eos_token_id", {2, nullptr}}}).eos_tokens, (std::vector<std::int64_t>{2}));
}

TEST(HfConfig, TwoDifferentRopeObjectsAreRefused) {
  const json linear = {{"rope_type", "linear"}, {"factor", 2.0}};
  EXPECT_EQ(parse_with("llama", {{"rope_scaling", linear}, {"rope_parameters", linear}}).rope.factor, 2.0);
  expect_failure("llama", {{"rope_scaling", linear}, {"rope_parameters", {{"rope_type", "default"}}}},
                 ErrorCode::kUnsupported, "found different \"rope_scaling\" and \"rope_parameters\"");
}

TEST(HfConfig, OriginalContextOutsideWinsAndPhi3HasADefault) {
  json scaling = {{"rope_type", "longrope"}, {"short_factor", {1.0, 1.0}}, {"long_factor", {2.0, 2.0}}};
  EXPECT_EQ(parse_with("phi3", {{"rope_parameters", scaling}}).rope.original_context, 4096U);
  scaling["original_max_position_embeddings"] = 16;
  const json outside = {{"rope_parameters", scaling}, {"original_max_position_embeddings", 8}};
  EXPECT_EQ(parse_with("phi3", outside).rope.original_context, 8U);
  expect_failure("phi3", {{"rope_parameters", scaling}}, ErrorCode::kUnsupported, "write it outside, too");
  EXPECT_EQ(parse_with("llama", {{"rope_parameters", scaling}}).rope.original_context, 16U);
  // 32 positions from 8 are a factor of 4; transformers 4 and 5 disagree about another one.
  scaling["factor"] = 4;
  EXPECT_DOUBLE_EQ(
      parse_with("phi3", {{"rope_parameters", scaling}, {"original_max_position_embeddings", 8}}).rope.attention_factor,
      std::sqrt(5.0 / 3.0));
  scaling["factor"] = 2;
  expect_failure("phi3", {{"rope_parameters", scaling}, {"original_max_position_embeddings", 8}},
                 ErrorCode::kUnsupported, "found \"factor\" 2.000000 and a context stretched by 4.000000");
}

TEST(HfConfig, KeysOfOtherFamiliesThatChangeTheMathematicsAreRefused) {
  const std::vector<std::pair<std::string, json>> changes = {{"embedding_multiplier", 12.0},
                                                             {"residual_multiplier", 0.22},
                                                             {"attention_multiplier", 0.0156},
                                                             {"logits_scaling", 8.0},
                                                             {"logit_scale", 0.0625},
                                                             {"scale_emb", 12},
                                                             {"scale_depth", 1.4},
                                                             {"dim_model_base", 256},
                                                             {"final_logit_softcapping", 30.0},
                                                             {"attn_logit_softcapping", 50.0},
                                                             {"query_pre_attn_scalar", 256},
                                                             {"clip_qkv", 8},
                                                             {"qk_layernorm", true},
                                                             {"use_qk_norm", true},
                                                             {"parallel_attn", true},
                                                             {"alibi", true},
                                                             {"rotary_pct", 0.25},
                                                             {"rope_type", "yarn"},
                                                             {"rope_ratio", 2},
                                                             {"use_mrope", true},
                                                             {"no_rope_layers", {1, 0}},
                                                             {"attn_temperature_tuning", true},
                                                             {"attention_chunk_size", 8},
                                                             {"sliding_window_pattern", 6},
                                                             {"num_local_experts", 8},
                                                             {"num_experts_per_tok", 2},
                                                             {"kv_lora_rank", 512},
                                                             {"position_embedding_type", "none"},
                                                             {"is_encoder_decoder", true},
                                                             {"vision_config", {{"depth", 2}}},
                                                             {"pruned_heads", {{"0", {1}}}},
                                                             {"hidden_activation", "gelu"},
                                                             {"rope_local_base_freq", 10000.0}};
  for (const auto& [key, value] : changes) {
    expect_failure("llama", {{key, value}}, ErrorCode::kUnsupported, "\"" + key + "\": found " + value.dump());
  }
}

TEST(HfConfig, NeutralValuesAndKeysWithoutASayPass) {
  const json neutral = {{"embedding_multiplier", 1.0},
                        {"logit_scale", 1},
                        {"qk_layernorm", false},
                        {"clip_qkv", nullptr},
                        {"pruned_heads", json::object()},
                        {"num_local_experts", 1},
                        {"is_encoder_decoder", false},
                        {"rope_type", "default"},
                        {"position_embedding_type", "absolute"},
                        {"num_experts", 1},
                        {"no_rope_layers", json::array()},
                        {"attention_dropout", 0.1},
                        {"initializer_range", 0.02},
                        {"use_cache", true},
                        {"torch_dtype", "bfloat16"},
                        {"pretraining_tp", 2},
                        {"transformers_version", "5.24.0"}};
  EXPECT_NO_THROW(static_cast<void>(parse_with("llama", neutral)));
}

TEST(HfConfig, AbsentNumbersOfKeyValueHeadsAreThoseOfTheFamily) {
  for (const auto& [family, expected] : std::map<std::string, std::uint32_t>{
           {"llama", 64}, {"phi3", 64}, {"mistral", 8}, {"qwen2", 32}, {"qwen3", 32}, {"gemma3", 4}}) {
    json config = base(family);
    config["num_attention_heads"] = 64;
    config["head_dim"] = 4;
    config.erase("num_key_value_heads");
    EXPECT_EQ(parse_hf_config(config.dump(), "config.json").num_kv_heads, expected) << family;
    config["num_key_value_heads"] = nullptr;
    EXPECT_EQ(parse_hf_config(config.dump(), "config.json").num_kv_heads, 64U) << family;
  }
}

TEST(HfConfig, LayerTypesOfAModelWithoutAWindow) {
  const json full = {{"layer_types", {"full_attention", "full_attention"}}};
  const json mixed = {{"layer_types", {"full_attention", "sliding_attention"}}};
  for (const char* family : {"llama", "qwen2"}) {
    EXPECT_EQ(parse_with(family, full).sliding_window, 0U);
    expect_failure(family, mixed, ErrorCode::kUnsupported, "in a model without a sliding window");
  }
  json absent = base("qwen2");
  absent.update({{"use_sliding_window", true}, {"max_window_layers", 0}});
  absent.erase("sliding_window");
  EXPECT_EQ(parse_hf_config(absent.dump(), "config.json").sliding_window, 4096U);
}

TEST(HfConfig, BiasesAsTheFamilySays) {
  EXPECT_FALSE(parse_with("llama", {}).qkv_bias);
  EXPECT_TRUE(parse_with("llama", {{"attention_bias", true}}).qkv_bias);
  EXPECT_TRUE(parse_with("llama", {{"attention_bias", true}}).output_bias);
  EXPECT_TRUE(parse_with("llama", {{"mlp_bias", true}}).mlp_bias);
  EXPECT_TRUE(parse_with("qwen2", {}).qkv_bias);
  EXPECT_FALSE(parse_with("qwen2", {}).output_bias);
  for (const char* family : {"gemma3", "qwen3"}) {
    EXPECT_FALSE(parse_with(family, {}).qkv_bias || parse_with(family, {}).output_bias) << family;
    const ModelConfig biased = parse_with(family, {{"attention_bias", true}, {"mlp_bias", true}});
    EXPECT_TRUE(biased.qkv_bias && biased.output_bias) << family;
    EXPECT_FALSE(biased.mlp_bias) << family;  // not a key of these families
  }
}

TEST(HfConfig, UnsupportedModelsListWhatIsSupported) {
  expect_failure(
      "llama", {{"model_type", "gpt_neox"}}, ErrorCode::kUnsupported,
      "config.json: \"model_type\": found \"gpt_neox\"; supported: gemma3, llama, mistral, phi3, qwen2, qwen3");
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
  expect_failure("llama", {{"eos_token_id", "x"}}, ErrorCode::kFormat, "expected a token id or a list of them");
  expect_failure("llama", {{"tie_word_embeddings", 1}}, ErrorCode::kFormat, "expected true or false");
}

TEST(HfConfig, TextThatIsNotJsonIsRejected) {
  for (const char* text :
       {"", "{", "[]", "null", R"({"rms_norm_eps": NaN})", "{\"a\": \"\xFF\"}", R"({"rope_theta": 1e999})"}) {
    expect_error(ErrorCode::kFormat, "config.json: expected",
                 [&] { static_cast<void>(parse_hf_config(text, "config.json")); });
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
  add_generation_config(config, R"({"eos_token_id": 5})", "generation_config.json");  // a number, too
  EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{2, 3, 7, 5}));
}

TEST(SpecialTokens, OutsideTheVocabularyAreIgnoredWithAWarning) {
  const test::Warnings warnings;
  ModelConfig config = parse_with("llama", {{"eos_token_id", {3, 20, 4294967295U}}, {"bos_token_id", -7}});
  EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{3}));
  EXPECT_EQ(config.bos_token, -1);
  EXPECT_TRUE(warnings.has("end-of-sequence token 20 is ignored")) << warnings.text;
  EXPECT_TRUE(warnings.has("end-of-sequence token 4294967295 is ignored")) << warnings.text;
  EXPECT_TRUE(warnings.has("begin-of-sequence token -7 is ignored")) << warnings.text;
  add_generation_config(config, R"({"eos_token_id": 99})", "generation_config.json");
  EXPECT_TRUE(warnings.has("generation_config.json: end-of-sequence token 99 is ignored")) << warnings.text;
  EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{3}));
}

TEST(CheckConfig, PatternsOfWindowsHaveOneEntryPerLayer) {
  ModelConfig config = parse_with("mistral", {});
  config.window_layers = {true};
  expect_error(ErrorCode::kShapeMismatch,
               "model: expected one entry per layer in the pattern of sliding windows (2), found 1",
               [&] { check_config(config, "model"); });
}

TEST(CheckConfig, NumbersAreFinite) {
  const auto expect_not_finite = [](const auto& set) {
    for (const double value : {std::nan(""), HUGE_VAL}) {
      ModelConfig config = parse_with("llama", {});
      set(config, value);
      expect_error(ErrorCode::kNotFinite, "expected a finite number", [&] { check_config(config, "model"); });
    }
  };
  expect_not_finite([](ModelConfig& config, double value) { config.norm_eps = value; });
  for (double RopeSettings::*field : {&RopeSettings::theta, &RopeSettings::factor, &RopeSettings::low_freq_factor,
                                      &RopeSettings::high_freq_factor, &RopeSettings::attention_factor}) {
    expect_not_finite([&](ModelConfig& config, double value) { config.rope.*field = value; });
    expect_not_finite([&](ModelConfig& config, double value) {
      config.window_rope = config.rope;
      (*config.window_rope).*field = value;
    });
  }
}

}  // namespace
}  // namespace xw::checkpoint
