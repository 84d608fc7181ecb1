// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_keys.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {
namespace {

// Read, or without a say in what is computed.
constexpr std::array<std::string_view, 22> kKnown = {"vocab_size",
                                                     "context_length",
                                                     "embedding_length",
                                                     "block_count",
                                                     "feed_forward_length",
                                                     "tensor_data_layout",
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
                                                     "rope.scaling.yarn_log_multiplier"};

// Known with one value only.
struct OnlyValue {
  std::string_view key;
  double value;
};
constexpr std::array kOnly = {OnlyValue{"attention.causal", 1},
                              OnlyValue{"attention.clamp_kqv", 0},
                              OnlyValue{"attention.max_alibi_bias", 0},
                              OnlyValue{"use_parallel_residual", 0},
                              OnlyValue{"expert_count", 0},
                              OnlyValue{"expert_used_count", 0},
                              OnlyValue{"logit_scale", 1},
                              OnlyValue{"embedding_scale", 1},
                              OnlyValue{"residual_scale", 1}};

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

}  // namespace

void check_gguf_keys(const GgufFile& file, const std::string& prefix) {
  for (auto entry = file.metadata().lower_bound(prefix);
       entry != file.metadata().end() && entry->first.starts_with(prefix); ++entry) {
    const std::string_view key = std::string_view(entry->first).substr(prefix.size());
    if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    const auto* only = std::find_if(kOnly.begin(), kOnly.end(), [&](const OnlyValue& o) { return o.key == key; });
    if (only != kOnly.end() && is_value(entry->second, only->value)) continue;
    throw Error(ErrorCode::kUnsupported,
                file.path().string() + ": metadata \"" + printable(entry->first) + "\": found " +
                    text_of(entry->second) + "; supported: " +
                    (only != kOnly.end() ? std::to_string(static_cast<int>(only->value)) : "files without this key"));
  }
}

}  // namespace xw::checkpoint
