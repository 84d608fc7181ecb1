// A bounded cursor over the bytes of an untrusted little-endian file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace xw::checkpoint {

static_assert(std::endian::native == std::endian::little, "checkpoints are read in place: little-endian hosts only");

/// Reads fields in order; everything that would pass the end throws Error{kFormat} naming file, offset and field.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string origin) : bytes_(bytes), origin_(std::move(origin)) {}

  template <typename T>
  [[nodiscard]] T read(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }
  /// The next `count` bytes, in place.
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t count, std::string_view what);
  /// A 64-bit length of at most `max_length`, then that many bytes.
  [[nodiscard]] std::string_view read_string(std::uint64_t max_length, std::string_view what);

  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t remaining() const noexcept { return bytes_.size() - offset_; }
  [[nodiscard]] const std::string& origin() const noexcept { return origin_; }

 private:
  std::span<const std::byte> bytes_;
  std::string origin_;
  std::uint64_t offset_ = 0;
};

/// True if the bytes are well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] bool is_valid_utf8(std::string_view text);
/// `text` for a message: bytes outside printable ASCII as \xNN, cut after `max_length`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_length = 80);

}  // namespace xw::checkpoint
