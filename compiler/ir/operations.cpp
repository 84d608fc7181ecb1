// The signature of every operation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/operations.hpp"

#include <algorithm>
#include <array>

#include "arch/support/error.hpp"

namespace xw::ir {
namespace {

using enum AttributeType;

constexpr std::array kEmbeddingAttributes{AttributeSpec{"weight", kTensor, true},
                                          AttributeSpec{"scale", kFloat, false}};
constexpr std::array kRmsNormAttributes{AttributeSpec{"weight", kTensor, true}, AttributeSpec{"eps", kFloat, true},
                                        AttributeSpec{"add_unit", kInt, false}, AttributeSpec{"groups", kInt, false}};
constexpr std::array kLinearAttributes{
    AttributeSpec{"weight", kTensor, true},        AttributeSpec{"bias", kTensor, false},
    AttributeSpec{"name", kString, true},          AttributeSpec{"digital", kInt, false},
    AttributeSpec{kDigitalPositions, kInt, false}, AttributeSpec{kReplicas, kInt, false}};
constexpr std::array kShiftAttributes{AttributeSpec{"vector", kTensor, true}};
constexpr std::array kAimcCallAttributes{AttributeSpec{"call", kInt, true},
                                         AttributeSpec{kDigitalPositions, kInt, false}};
constexpr std::array kAttentionAttributes{
    AttributeSpec{"layer", kInt, true},
    AttributeSpec{"num_heads", kInt, true},
    AttributeSpec{"num_kv_heads", kInt, true},
    AttributeSpec{"head_dim", kInt, true},
    AttributeSpec{"scale", kFloat, true},
    AttributeSpec{"window", kInt, true},
    AttributeSpec{"rope_style", kString, true},
    AttributeSpec{"rope_dims", kInt, false},
    AttributeSpec{"rope_theta", kFloat, false},
    AttributeSpec{"rope_scaling", kString, false},
    AttributeSpec{"rope_factor", kFloat, false},
    AttributeSpec{"rope_low_freq_factor", kFloat, false},
    AttributeSpec{"rope_high_freq_factor", kFloat, false},
    AttributeSpec{"rope_original_context", kInt, false},
    AttributeSpec{"rope_short", kFloats, false},
    AttributeSpec{"rope_long", kFloats, false},
    AttributeSpec{"rope_attention_factor", kFloat, false},
};

constexpr std::array kOperations{
    Operation{OpKind::kInput, "input", 0, 1, 1, {}},
    Operation{OpKind::kEmbedding, "embedding", 1, 1, 1, kEmbeddingAttributes},
    Operation{OpKind::kRmsNorm, "rms_norm", 1, 1, 1, kRmsNormAttributes},
    Operation{OpKind::kLinear, "linear", 1, 1, 1, kLinearAttributes},
    Operation{OpKind::kAimcCall, "aimc_call", 1, 1, kMaxResults, kAimcCallAttributes},
    Operation{OpKind::kAttention, "attention", 3, 1, 1, kAttentionAttributes},
    Operation{OpKind::kSwiGlu, "swiglu", 2, 1, 1, {}},
    Operation{OpKind::kGeGlu, "geglu", 2, 1, 1, {}},
    Operation{OpKind::kAdd, "add", 2, 1, 1, {}},
    Operation{OpKind::kShift, "shift", 1, 1, 1, kShiftAttributes},
    Operation{OpKind::kOutput, "output", 1, 0, 0, {}},
};

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string_view name(AttributeType type) {
  switch (type) {
    case kInt:
      return "an integer";
    case kFloat:
      return "a number";
    case kString:
      return "a string";
    case kTensor:
      return "a tensor reference";
    case kFloats:
      return "a list of numbers";
  }
  return "unknown";
}

bool has_type(const Attribute& attribute, AttributeType type) {
  switch (type) {
    case kInt:
      return std::holds_alternative<std::int64_t>(attribute);
    case kFloat:
      return std::holds_alternative<double>(attribute) || std::holds_alternative<std::int64_t>(attribute);
    case kString:
      return std::holds_alternative<std::string>(attribute);
    case kTensor:
      return std::holds_alternative<TensorRef>(attribute);
    case kFloats:
      return std::holds_alternative<std::vector<double>>(attribute);
  }
  return false;
}

std::string_view type_name(const Attribute& attribute) {
  for (const AttributeType type : {kInt, kFloat, kString, kTensor, kFloats}) {
    if (has_type(attribute, type)) return name(type);
  }
  return "nothing";
}

std::span<const Operation> operations() {
  return kOperations;
}

const Operation& operation(OpKind kind) {
  for (const Operation& candidate : kOperations) {
    if (candidate.kind == kind) return candidate;
  }
  throw Error(ErrorCode::kInternal, "unknown operation kind " + std::to_string(static_cast<int>(kind)));
}

std::optional<OpKind> kind_from(std::string_view text) {
  for (const Operation& candidate : kOperations) {
    if (candidate.name == text) return candidate.kind;
  }
  return std::nullopt;
}

std::string_view name(OpKind kind) {
  return operation(kind).name;
}

bool is_value_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c) || c == '.'; });
}

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

}  // namespace xw::ir
