// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_keys.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <variant>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

// Read, or without a say in what is computed.
constexpr std::array<std::string_view, 25> kKnown = {"vocab_size",
                                                     "context_length",
                                                     "embedding_length",
                                                     "block_count",
                                                     "feed_forward_length",
                                                     "tensor_data_layout",
                                                     "decoder_start_token_id",
                                                     "attention.head_count",
                                                     "attention.head_count_kv",
                                                     "attention.key_length",
                                                     "attention.value_length",
                                                     "attention.layer_norm_rms_epsilon",
                                                     "attention.layer_norm_epsilon",
                                                     "attention.sliding_window",
                                                     "rope.dimension_count",
                                                     "rope.freq_base",
                                                     "rope.scale_linear",
                                                     "rope.scaling.type",
                                                     "rope.scaling.factor",
                                                     "rope.scaling.attn_factor",
                                                     "rope.scaling.original_context_length",
                                                     "rope.scaling.finetuned",
                                                     "rope.scaling.yarn_log_multiplier",
                                                     "rope.scaling.yarn_beta_fast",   // the type "yarn" is refused,
                                                     "rope.scaling.yarn_beta_slow"};  // no other one uses them

// Keys that one family reads.
struct FamilyKey {
  std::string_view prefix, key;
};
constexpr std::array kOfFamilies = {FamilyKey{"gemma3.", "attention.sliding_window_pattern"},
                                    FamilyKey{"gemma3.", "rope.freq_base_swa"}};

// Values that leave the mathematics alone although they are neither 0 nor false.
struct NeutralValue {
  std::string_view key;
  double value;
  bool zero_is_neutral = true;
};
constexpr std::array kNeutral = {
    NeutralValue{"attention.causal", 1, false}, NeutralValue{"rope.scaling.yarn_attn_factor", 1, false},
    NeutralValue{"rope.scaling.yarn_ext_factor", -1}, NeutralValue{"interleave_moe_layer_step", 1},
    NeutralValue{"expert_weights_scale", 1}, NeutralValue{"logit_scale", 1}, NeutralValue{"embedding_scale", 1},
    NeutralValue{"residual_scale", 1},
    // What llama.cpp stores for models without caps; it applies none to these families.
    NeutralValue{"attn_logit_softcapping", 50}, NeutralValue{"router_logit_softcapping", 30},
    NeutralValue{"final_logit_softcapping", 30}};

std::string text_of(const GgufValue& value) {
  if (const auto* flag = std::get_if<bool>(&value.data)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::uint64_t>(&value.data)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value.data)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value.data)) return "\"" + printable(*text, 60) + "\"";
  return value.type_name();
}

bool is_value(const GgufValue& value, double expected) {
  if (const auto* flag = std::get_if<bool>(&value.data)) return (*flag ? 1 : 0) == expected;
  if (const auto* number = std::get_if<std::uint64_t>(&value.data)) return static_cast<double>(*number) == expected;
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return static_cast<double>(*number) == expected;
  if (const auto* number = std::get_if<double>(&value.data)) return *number == expected;
  return false;
}

// Writers store what is not set as 0, false or nothing.
bool is_not_set(const GgufValue& value) {
  return std::visit(
      [&](const auto& held) {
        if constexpr (requires { held.empty(); }) return held.empty();  // texts, arrays
        return is_value(value, 0);
      },
      value.data);
}

// True if the value says nothing beyond another key, or about layers that the model does not have.
bool is_covered(const GgufFile& file, const std::string& prefix, std::string_view key, const GgufValue& value) {
  if (key == "embedding_length_out") {
    const std::optional<std::int64_t> width = file.find_int(prefix + "embedding_length");
    return width.has_value() && is_value(value, static_cast<double>(*width));
  }
  if (key != "rope.freq_base_swa") return false;
  const bool has_window = file.find_int(prefix + "attention.sliding_window").value_or(0) != 0;
  const std::optional<double> base = file.find_float(prefix + "rope.freq_base");
  return !has_window || (base.has_value() && is_value(value, *base));
}

}  // namespace

void check_gguf_keys(const GgufFile& file, const std::string& prefix) {
  for (auto entry = file.metadata().lower_bound(prefix);
       entry != file.metadata().end() && entry->first.starts_with(prefix); ++entry) {
    const std::string_view key = std::string_view(entry->first).substr(prefix.size());
    if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    const auto is_read = [&](const FamilyKey& known) { return known.prefix == prefix && known.key == key; };
    if (std::any_of(kOfFamilies.begin(), kOfFamilies.end(), is_read)) continue;
    const auto* neutral =
        std::find_if(kNeutral.begin(), kNeutral.end(), [&](const NeutralValue& n) { return n.key == key; });
    // llama.cpp caps the logits of Gemma 3 where the file says so.
    const bool caps = prefix == "gemma3." && key == "final_logit_softcapping";
    const bool has_value = neutral != kNeutral.end() && !caps;
    if (has_value && is_value(entry->second, neutral->value)) continue;
    if ((!has_value || neutral->zero_is_neutral) && is_not_set(entry->second)) continue;
    if (is_covered(file, prefix, key, entry->second)) continue;
    std::string supported = "files without this key, or with 0, false or nothing";
    if (has_value) {
      supported = (neutral->zero_is_neutral ? "0, " : "") + std::to_string(static_cast<int>(neutral->value));
    }
    throw Error(ErrorCode::kUnsupported, file.path().string() + ": metadata \"" + printable(entry->first) +
                                             "\": found " + text_of(entry->second) + "; supported: " + supported);
  }
}

}  // namespace xw::checkpoint
