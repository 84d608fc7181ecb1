// The signature of every operation: the one table that verifier, printer and parser read.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "compiler/ir/graph.hpp"

namespace xw::ir {

/// What an attribute holds; kFloat also accepts an integer.
enum class AttributeType { kInt, kFloat, kString, kTensor, kFloats };
[[nodiscard]] std::string_view name(AttributeType type);
[[nodiscard]] bool has_type(const Attribute& attribute, AttributeType type);
/// How an attribute's actual type is called in messages.
[[nodiscard]] std::string_view type_name(const Attribute& attribute);

struct AttributeSpec {
  std::string_view key;
  AttributeType type = AttributeType::kInt;
  bool required = true;
};

struct Operation {
  OpKind kind = OpKind::kInput;
  std::string_view name;
  std::size_t num_inputs = 0;
  std::size_t min_results = 0, max_results = 0;
  std::span<const AttributeSpec> attributes;
};

[[nodiscard]] std::span<const Operation> operations();
[[nodiscard]] const Operation& operation(OpKind kind);
[[nodiscard]] std::optional<OpKind> kind_from(std::string_view name);

/// Limits of names and texts, so that untrusted graphs stay small.
inline constexpr std::size_t kMaxNameBytes = 512;
inline constexpr std::size_t kMaxResults = 4096;
inline constexpr std::uint32_t kMaxFeatures = 1U << 24;

/// A value's name: [A-Za-z0-9_.]+, at most kMaxNameBytes.
[[nodiscard]] bool is_value_name(std::string_view text);
/// An attribute's key: [A-Za-z_][A-Za-z0-9_]*, at most kMaxNameBytes.
[[nodiscard]] bool is_key(std::string_view text);

}  // namespace xw::ir
