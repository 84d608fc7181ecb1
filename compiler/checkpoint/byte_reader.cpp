// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/byte_reader.hpp"

#include "arch/support/error.hpp"

namespace xw::checkpoint {

std::span<const std::byte> ByteReader::take(std::uint64_t count, std::string_view what) {
  if (count > remaining()) {
    throw Error(ErrorCode::kFormat, origin_ + ": truncated at byte " + std::to_string(offset_) + ": expected " +
                                        std::to_string(count) + " bytes of " + std::string(what) + ", found " +
                                        std::to_string(remaining()));
  }
  const std::span<const std::byte> bytes = bytes_.subspan(offset_, count);
  offset_ += count;
  return bytes;
}

std::string_view ByteReader::read_string(std::uint64_t max_length, std::string_view what) {
  const std::uint64_t at = offset_;
  const auto length = read<std::uint64_t>(what);
  if (length > max_length) {
    throw Error(ErrorCode::kFormat, origin_ + ": byte " + std::to_string(at) + ": expected a length of " +
                                        std::string(what) + " of at most " + std::to_string(max_length) + ", found " +
                                        std::to_string(length));
  }
  const std::span<const std::byte> bytes = take(length, what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_valid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80) continue;
    const int continuation = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || text.size() - i < static_cast<std::size_t>(continuation)) return false;
    std::uint32_t code = lead & (0x3FU >> continuation);
    for (int k = 0; k < continuation; ++k) {
      const auto byte = static_cast<unsigned char>(text[i++]);
      if ((byte & 0xC0U) != 0x80) return false;
      code = code << 6 | (byte & 0x3FU);
    }
    if (continuation == 2 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) return false;
    if (continuation == 3 && (code < 0x10000 || code > 0x10FFFF)) return false;
  }
  return true;
}

std::string printable(std::string_view text, std::size_t max_length) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string result;
  for (const char character : text.substr(0, max_length)) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte < 0x7F) {
      result += character;
    } else {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (text.size() > max_length) result += "...";
  return result;
}

}  // namespace xw::checkpoint
