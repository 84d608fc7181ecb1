// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "compiler/checkpoint/model_config.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using test::GgufBuilder;
using xw::test::expect_error;

ModelConfig read(const GgufBuilder& builder) {
  const Bytes bytes = builder.build();
  return read_gguf_config(GgufFile(bytes, "m.gguf"));
}

GgufBuilder base(const std::string& family) {
  return test::tiny_gguf(test::tiny_model(family));
}

void expect_failure(const GgufBuilder& builder, ErrorCode code, const std::string& text) {
  expect_error(code, text, [&] { static_cast<void>(read(builder)); });
}

TEST(GgufConfig, ReadsEveryFamily) {
  for (const char* family : {"gemma3", "llama", "phi3", "qwen2", "qwen3"}) {
    const ModelConfig config = read(base(family));
    EXPECT_EQ(config.family, family);
    EXPECT_EQ(config.name, "tiny");
    EXPECT_EQ(config.hidden_size, 16U);
    EXPECT_EQ(config.intermediate_size, 24U);
    EXPECT_EQ(config.num_layers, 2U);
    EXPECT_EQ(config.num_heads, 4U);
    EXPECT_EQ(config.num_kv_heads, 2U);
    EXPECT_EQ(config.head_dim, 4U);
    EXPECT_EQ(config.vocab_size, 20U);
    EXPECT_EQ(config.context_length, 32U);
    EXPECT_FLOAT_EQ(static_cast<float>(config.norm_eps), 1e-5F);
    EXPECT_TRUE(config.tied_embeddings);
    EXPECT_EQ(config.rope_style, std::string(family) == "llama" ? "interleaved" : "half");
    EXPECT_EQ(config.rope.theta, 500.0);
    EXPECT_EQ(config.qkv_bias, std::string(family) == "qwen2");
    EXPECT_EQ(config.bos_token, 1);
    EXPECT_EQ(config.eos_tokens, (std::vector<std::int64_t>{2}));
  }
}

TEST(GgufConfig, OutputMatrixUntiesTheEmbeddings) {
  GgufBuilder builder = base("llama");
  builder.add_tensor("output.weight", {20, 16}, 0, Bytes(20 * 16 * 4));
  EXPECT_FALSE(read(builder).tied_embeddings);
}

TEST(GgufConfig, EveryEndTokenCounts) {
  GgufBuilder builder = base("llama");
  builder.add_uint32("tokenizer.ggml.eot_token_id", 9);
  builder.add_uint32("tokenizer.ggml.eom_token_id", 2);
  EXPECT_EQ(read(builder).eos_tokens, (std::vector<std::int64_t>{2, 9}));
}

TEST(GgufConfig, RopeFrequencyTensorIsAnExplicitScaling) {
  GgufBuilder builder = base("llama");
  builder.add_tensor("rope_freqs.weight", {2}, 0, test::float_bytes({1.0F, 8.0F}));
  const ModelConfig config = read(builder);
  EXPECT_EQ(config.rope.scaling, "longrope");
  EXPECT_EQ(config.rope.short_factors, (std::vector<double>{1.0, 8.0}));
  EXPECT_EQ(config.rope.long_factors, config.rope.short_factors);
  EXPECT_EQ(config.rope.attention_factor, 1.0);
  EXPECT_EQ(config.rope.original_context, 32U);
  GgufBuilder wrong = base("llama");
  wrong.add_tensor("rope_freqs.weight", {3}, 0, test::float_bytes({1, 2, 3}));
  expect_failure(wrong, ErrorCode::kShapeMismatch,
                 "tensor \"rope_freqs.weight\": expected F32 [2], found F32 of 12 bytes");
  GgufBuilder not_finite = base("llama");
  not_finite.add_tensor("rope_freqs.weight", {2}, 0, test::float_bytes({NAN, 1}));
  expect_failure(not_finite, ErrorCode::kNotFinite, "rope short factor: expected a finite number, found nan");
}

TEST(GgufConfig, Phi3LongropeTensors) {
  GgufBuilder builder = base("phi3");
  builder.add_uint32("phi3.rope.scaling.original_context_length", 8);
  builder.add_string("phi3.rope.scaling.type", "longrope");
  GgufBuilder missing = builder;
  expect_failure(missing, ErrorCode::kFormat, "rope_factors_short.weight");
  builder.add_tensor("rope_factors_short.weight", {2}, 0, test::float_bytes({1, 1.5}));
  expect_failure(builder, ErrorCode::kFormat, "rope_factors_long.weight");
  builder.add_tensor("rope_factors_long.weight", {2}, 0, test::float_bytes({2, 4}));
  const ModelConfig config = read(builder);
  EXPECT_EQ(config.rope.short_factors, (std::vector<double>{1, 1.5}));
  EXPECT_EQ(config.rope.long_factors, (std::vector<double>{2, 4}));
  EXPECT_EQ(config.rope.original_context, 8U);
  EXPECT_DOUBLE_EQ(config.rope.attention_factor, std::sqrt(5.0 / 3.0));
  builder.add_float("phi3.rope.scaling.attn_factor", 1.25F);
  EXPECT_EQ(read(builder).rope.attention_factor, 1.25);
}

TEST(GgufConfig, LinearScalingInBothSpellings) {
  GgufBuilder builder = base("llama");
  builder.add_string("llama.rope.scaling.type", "linear");
  builder.add_float("llama.rope.scaling.factor", 4.0F);
  EXPECT_EQ(read(builder).rope.scaling, "linear");
  EXPECT_EQ(read(builder).rope.factor, 4.0);
  GgufBuilder old = base("llama");
  old.add_float("llama.rope.scale_linear", 2.0F);
  EXPECT_EQ(read(old).rope.factor, 2.0);
  GgufBuilder none = base("llama");
  none.add_string("llama.rope.scaling.type", "none");
  EXPECT_EQ(read(none).rope.scaling, "none");
}

TEST(GgufConfig, FactorTensorsAndLinearScalingBothApply) {
  GgufBuilder builder = base("llama");
  builder.add_tensor("rope_freqs.weight", {2}, 0, test::float_bytes({1.0F, 8.0F}));
  builder.add_string("llama.rope.scaling.type", "linear");
  builder.add_float("llama.rope.scaling.factor", 4.0F);
  const ModelConfig config = read(builder);
  EXPECT_EQ(config.rope.scaling, "longrope");
  EXPECT_EQ(config.rope.factor, 4.0);
  EXPECT_EQ(config.rope.short_factors, (std::vector<double>{1.0, 8.0}));
}

TEST(GgufConfig, AScalingFactorCountsUnlessTheTypeIsNone) {
  GgufBuilder absent_type = base("llama");
  absent_type.add_float("llama.rope.scaling.factor", 4.0F);
  EXPECT_EQ(read(absent_type).rope.scaling, "linear");
  EXPECT_EQ(read(absent_type).rope.factor, 4.0);
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    GgufBuilder none = base("llama");
    none.add_string("llama.rope.scaling.type", "none");
    none.add_float(key, 4.0F);
    EXPECT_EQ(read(none).rope.factor, 1.0);
    GgufBuilder not_set = base("llama");
    not_set.add_float(key, 0.0F);
    EXPECT_EQ(read(not_set).rope.factor, 1.0);
  }
}

TEST(GgufConfig, TheAttentionFactorCountsWithEveryScaling) {
  GgufBuilder builder = base("llama");
  builder.add_float("llama.rope.scaling.attn_factor", 1.5F);
  EXPECT_EQ(read(builder).rope.attention_factor, 1.5);
}

TEST(GgufConfig, KeysThatChangeTheMathematicsAreRefused) {
  for (const char* key : {"attention.scale", "attention.something_new", "rope.dimension_sections", "expert_count",
                          "logit_scale", "residual_scale", "attn_logit_softcapping", "rope.scaling.yarn_ext_factor",
                          "attention.causal", "something_new"}) {
    GgufBuilder builder = base("llama");
    builder.add_float(std::string("llama.") + key, 0.5F);
    expect_failure(builder, ErrorCode::kUnsupported,
                   std::string("metadata \"llama.") + key + "\": found 0.500000; supported: ");
  }
  GgufBuilder neutral = base("llama");
  neutral.add_float("llama.logit_scale", 1.0F);
  neutral.add_uint32("llama.expert_count", 0);
  neutral.add_uint32("llama.vocab_size", 20);
  neutral.add_string("llama.tensor_data_layout", "Meta AI original pth");
  neutral.add_float("phi3.attention.scale", 0.5F);  // of another architecture
  EXPECT_NO_THROW(static_cast<void>(read(neutral)));
}

TEST(GgufConfig, ValuesThatAreNotSetAreNeutral) {
  GgufBuilder builder = base("llama");
  for (const char* key :
       {"leading_dense_block_count", "expert_feed_forward_length", "expert_shared_feed_forward_length",
        "expert_shared_count", "expert_count", "expert_used_count", "pooling_type", "rescale_every_n_layers",
        "time_mix_extra_dim", "time_decay_extra_dim", "attention.q_lora_rank", "attention.kv_lora_rank",
        "attention.relative_buckets_count", "ssm.inner_size", "ssm.conv_kernel", "ssm.state_size", "wkv.head_size",
        "something_new"}) {
    builder.add_uint32(std::string("llama.") + key, 0);
  }
  for (const char* key :
       {"expert_weights_scale", "logit_scale", "residual_scale", "embedding_scale", "attn_logit_softcapping",
        "final_logit_softcapping", "attention.scale", "attention.max_alibi_bias", "attention.clamp_kqv"}) {
    builder.add_float(std::string("llama.") + key, 0);
  }
  for (const char* key : {"swin_norm", "use_parallel_residual", "ssm.dt_b_c_rms"}) {
    builder.add_raw(std::string("llama.") + key, 7, Bytes(1));
  }
  builder.add_string("llama.classifier", "");
  for (const std::uint8_t type : {0, 4, 5, 6, 7, 8, 9, 12}) {  // arrays of nothing
    Bytes empty(12);
    empty[0] = std::byte{type};
    builder.add_raw("llama.list_of_type_" + std::to_string(type), 9, empty);
  }
  builder.add_raw("llama.decoder_start_token_id", 5, Bytes(4, std::byte{0xFF}));
  builder.add_uint32("llama.interleave_moe_layer_step", 1);
  builder.add_float("llama.rope.scaling.yarn_ext_factor", -1);
  builder.add_float("llama.rope.freq_base_swa", 10000);
  builder.add_uint32("llama.embedding_length_out", 16);
  builder.add_uint32("tokenizer.ggml.eot_token_id", UINT32_MAX);
  EXPECT_EQ(read(builder).eos_tokens, (std::vector<std::int64_t>{2}));
  for (const char* key : {"attention.causal", "rope.scaling.yarn_attn_factor"}) {
    GgufBuilder zero = base("llama");
    zero.add_float(std::string("llama.") + key, 0);
    expect_failure(zero, ErrorCode::kUnsupported, std::string(key) + "\": found 0.000000; supported: 1");
  }
  GgufBuilder list = base("llama");  // of one element, a 0 of 8 bits
  Bytes one(13);
  one[4] = std::byte{1};
  list.add_raw("llama.something_new", 9, one);
  expect_failure(list, ErrorCode::kUnsupported,
                 "something_new\": found array of unsigned integers; supported: files "
                 "without this key, or with 0, false or nothing");
  GgufBuilder defaults = base("llama");  // of llama.cpp where they are not 0
  defaults.add_float("llama.attn_logit_softcapping", 50);
  defaults.add_float("llama.final_logit_softcapping", 30);
  EXPECT_NO_THROW(static_cast<void>(read(defaults)));
  GgufBuilder output = base("llama");
  output.add_uint32("llama.embedding_length_out", 8);
  expect_failure(output, ErrorCode::kUnsupported, "embedding_length_out\": found 8; supported: files without this key");
  GgufBuilder window = base("llama");
  window.add_uint32("llama.attention.sliding_window", 8);
  GgufBuilder same = window;
  same.add_float("llama.rope.freq_base_swa", 500);
  EXPECT_EQ(read(same).rope.theta, 500.0);
  window.add_float("llama.rope.freq_base_swa", 10000);
  expect_failure(window, ErrorCode::kUnsupported, "freq_base_swa\": found 10000.000000");
}

TEST(GgufConfig, KeyLengthAndWindow) {
  GgufBuilder builder = base("llama");
  builder.add_uint32("llama.attention.key_length", 8);
  builder.add_uint32("llama.attention.value_length", 8);
  builder.add_uint32("llama.attention.sliding_window", 12);
  EXPECT_EQ(read(builder).head_dim, 8U);
  EXPECT_EQ(read(builder).sliding_window, 12U);
  GgufBuilder different = base("llama");
  different.add_uint32("llama.attention.value_length", 8);
  expect_failure(different, ErrorCode::kUnsupported, "keys and values of equal length");
}

TEST(GgufConfig, GemmaBlocksWindowsAndRotation) {
  const ModelConfig full = read(base("gemma3"));
  EXPECT_TRUE(full.gelu && full.qk_norm && full.post_norms && full.scaled_embeddings);
  EXPECT_FALSE(full.unit_norms);  // the files hold what multiplies
  EXPECT_EQ(full.sliding_window, 0U);
  EXPECT_EQ(full.attention_scale, 0);
  EXPECT_FALSE(full.window_rope.has_value());
  GgufBuilder builder = base("gemma3");
  builder.add_uint32("gemma3.attention.sliding_window", 12);
  EXPECT_EQ(read(builder).window_layers, (std::vector<bool>{true, true}));  // the sixth layer would have none
  EXPECT_EQ(read(builder).window_rope.value().theta, 10000.0);
  GgufBuilder period = builder;
  period.add_uint32("gemma3.attention.sliding_window_pattern", 2);
  EXPECT_EQ(read(period).window_layers, (std::vector<bool>{true, false}));
  GgufBuilder none = builder;
  none.add_uint32("gemma3.attention.sliding_window_pattern", 0);
  EXPECT_EQ(read(none).window_layers, (std::vector<bool>{true, true}));
  GgufBuilder list = builder;
  Bytes flags;
  test::append(flags, std::uint32_t{7});
  test::append(flags, std::uint64_t{2});
  test::append(flags, std::uint8_t{0});
  test::append(flags, std::uint8_t{1});
  list.add_raw("gemma3.attention.sliding_window_pattern", 9, flags);
  EXPECT_EQ(read(list).window_layers, (std::vector<bool>{false, true}));
  builder.add_float("gemma3.rope.freq_base_swa", 50.0F);
  builder.add_string("gemma3.rope.scaling.type", "linear");
  builder.add_float("gemma3.rope.scaling.factor", 8.0F);
  const ModelConfig scaled = read(builder);
  EXPECT_EQ(scaled.rope.factor, 8.0);
  EXPECT_EQ(scaled.window_rope.value().theta, 50.0);
  EXPECT_EQ(scaled.window_rope.value().factor, 1.0);
  for (const float cap : {30.0F, 50.0F}) {
    GgufBuilder capped = base("gemma3");
    capped.add_float("gemma3.final_logit_softcapping", cap);
    expect_failure(capped, ErrorCode::kUnsupported, "metadata \"gemma3.final_logit_softcapping\": found ");
  }
}

TEST(GgufConfig, ScoresOfTheLargestGemmaAreScaledByItsWidth) {
  GgufBuilder large;
  large.add_string("general.architecture", "gemma3");
  for (const auto& [key, value] : std::map<std::string, std::uint32_t>{{"embedding_length", 16},
                                                                       {"feed_forward_length", 24},
                                                                       {"block_count", 62},
                                                                       {"attention.head_count", 4},
                                                                       {"attention.head_count_kv", 2},
                                                                       {"attention.key_length", 8},
                                                                       {"attention.value_length", 8},
                                                                       {"context_length", 32}}) {
    large.add_uint32("gemma3." + key, value);
  }
  large.add_tensor("token_embd.weight", {20, 16}, 0, Bytes(20 * 16 * 4));
  EXPECT_EQ(read(large).attention_scale, 0.5);
}

TEST(GgufConfig, QwenWindowsOfUnknownLayersAreRefused) {
  for (const std::string family : {"qwen2", "qwen3"}) {
    GgufBuilder builder = base(family);
    builder.add_uint32(family + ".attention.sliding_window", 12);
    expect_failure(builder, ErrorCode::kUnsupported,
                   "attention.sliding_window\": found 12, and nothing about which layers have it");
    GgufBuilder wide = base(family);
    wide.add_uint32(family + ".attention.sliding_window", 32);  // the whole context
    EXPECT_NO_THROW(static_cast<void>(read(wide)));
  }
  EXPECT_TRUE(read(base("qwen3")).qk_norm);
  EXPECT_FALSE(read(base("qwen2")).qk_norm);
}

TEST(GgufConfig, Errors) {
  GgufBuilder other;
  other.add_string("general.architecture", "gemma2");
  expect_failure(other, ErrorCode::kUnsupported,
                 "m.gguf: metadata \"general.architecture\": found \"gemma2\"; supported: gemma3, llama (also for "
                 "mistral models), phi3, qwen2, qwen3");
  expect_failure(GgufBuilder(), ErrorCode::kUnsupported, "\"general.architecture\": found nothing");
  GgufBuilder empty;
  empty.add_string("general.architecture", "llama");
  expect_failure(empty, ErrorCode::kFormat, "expected metadata \"llama.embedding_length\", found nothing");
  GgufBuilder yarn = base("llama");
  yarn.add_string("llama.rope.scaling.type", "yarn");
  expect_failure(yarn, ErrorCode::kUnsupported, "found \"yarn\"; supported: none, linear, longrope");
  GgufBuilder negative = base("llama");
  Bytes minus_one;
  test::append(minus_one, std::int32_t{-1});
  negative.add_raw("llama.attention.sliding_window", 5, minus_one);
  expect_failure(negative, ErrorCode::kFormat, "expected 0 to 2^32 - 1, found -1");
  GgufBuilder nan = base("qwen2");
  nan.add_float("qwen2.rope.scale_linear", NAN);
  expect_failure(nan, ErrorCode::kNotFinite, "rope_factor: expected a finite number, found nan");
}

TEST(GgufConfig, VocabularyOnlyFilesAreNoModels) {
  test::TinyModel model = test::tiny_model("llama");
  model.canonical.clear();
  expect_failure(test::tiny_gguf(model), ErrorCode::kShapeMismatch, "a vocabulary-only file?");
}

}  // namespace
}  // namespace xw::checkpoint
