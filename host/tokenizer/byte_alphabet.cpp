// The GPT-2 byte alphabet: every byte as a printable character.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/byte_alphabet.hpp"

#include <array>

#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

constexpr std::uint32_t kAlphabetEnd = 0x144;  // 188 bytes stand for themselves, 68 from U+0100 on

constexpr bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::uint16_t, 256> make_code_points() {
  std::array<std::uint16_t, 256> table{};
  std::uint16_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    table[byte] = is_printable(byte) ? static_cast<std::uint16_t>(byte) : next++;
  }
  return table;
}

constexpr std::array<std::int16_t, kAlphabetEnd> make_bytes() {
  std::array<std::int16_t, kAlphabetEnd> table{};
  for (std::int16_t& entry : table) entry = -1;
  const std::array<std::uint16_t, 256> code_points = make_code_points();
  for (unsigned byte = 0; byte < 256; ++byte) table[code_points[byte]] = static_cast<std::int16_t>(byte);
  return table;
}

constexpr std::array<std::uint16_t, 256> kCodePoints = make_code_points();
constexpr std::array<std::int16_t, kAlphabetEnd> kBytes = make_bytes();

}  // namespace

std::uint32_t byte_to_code_point(std::uint8_t byte) {
  return kCodePoints[byte];
}

std::string to_byte_alphabet(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size() * 2);
  for (const char c : bytes) append_utf8(result, kCodePoints[static_cast<std::uint8_t>(c)]);
  return result;
}

std::optional<std::string> from_byte_alphabet(std::string_view token) {
  std::string result;
  result.reserve(token.size());
  for (std::size_t pos = 0; pos < token.size();) {
    const Utf8Char c = utf8_at(token, pos);
    if (!c.valid || c.code_point >= kAlphabetEnd || kBytes[c.code_point] < 0) return std::nullopt;
    result.push_back(static_cast<char>(kBytes[c.code_point]));
    pos += c.length;
  }
  return result;
}

}  // namespace xw::tokenizer
