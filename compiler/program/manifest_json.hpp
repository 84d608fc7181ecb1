// The manifest and the constants index as JSON. Private to compiler/program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/program/program.hpp"

namespace xw::program {

/// A constant's entry in the index: where its data stands in the bulk section.
struct ConstantEntry {
  std::string name;
  ConstantType type = ConstantType::kF32;
  std::vector<std::uint64_t> shape;
  std::uint64_t offset = 0;  ///< bytes from the start of the bulk section, multiple of 64
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
};

/// Deterministic; numbers read back exactly, text does when it is UTF-8 (else its other bytes are escaped, see
/// as_utf8()). Throws Error{kInvalidArgument} for numbers that are not finite.
[[nodiscard]] std::string manifest_to_json(const Manifest& manifest);
/// Throws Error{kFormat} naming `origin`, the JSON place, expected, found.
[[nodiscard]] Manifest manifest_from_json(std::span<const std::byte> text, const std::string& origin);

[[nodiscard]] std::string constants_to_json(std::span<const ConstantEntry> constants);
[[nodiscard]] std::vector<ConstantEntry> constants_from_json(std::span<const std::byte> text,
                                                             const std::string& origin);

/// Bytes of one element.
[[nodiscard]] constexpr std::uint64_t element_bytes(ConstantType type) {
  return type == ConstantType::kF32 ? 4 : 2;
}
/// Bytes of a tensor; nothing if the shape overflows 2^63.
[[nodiscard]] bool tensor_bytes(ConstantType type, std::span<const std::uint64_t> shape, std::uint64_t& bytes);

}  // namespace xw::program
