// What XRT's hardware-emulation driver and the process that plays the card say to each other.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/wire.hpp"

#include <cstring>
#include <string>

#include "arch/support/error.hpp"

namespace xw::xrt_emulation {
namespace {

// Wire types of protocol buffers; the low three bits of a field's tag.
constexpr std::uint64_t kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5;
// Headers are messages of two fixed-size fields: 1 (64 bits), 2 (32 bits).
constexpr std::byte kSizeTag{1U << 3U | kFixed64}, kCallTag{2U << 3U | kFixed32};

template <typename T>
[[nodiscard]] T little_endian(const std::byte* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value |= static_cast<T>(static_cast<T>(bytes[i]) << (8 * i));
  return value;
}

/// A payload, read from front to back.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

  [[nodiscard]] std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(take(1)[0]);
      value |= (byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    refuse("a number of more than 64 bits");
  }
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) refuse("a field that leaves the message");
    const auto taken = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return taken;
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kFormat, "request of the XRT driver: " + what + " at byte " + std::to_string(at_) + " of " +
                                        std::to_string(bytes_.size()));
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace

RequestHeader parse_header(std::span<const std::byte, kRequestHeaderBytes> bytes) {
  if (bytes[0] != kSizeTag || bytes[9] != kCallTag) {
    throw Error(ErrorCode::kFormat, "request of the XRT driver: expected a header (tags 0x09 and 0x15), found 0x" +
                                        std::to_string(std::to_integer<unsigned>(bytes[0])) + " and 0x" +
                                        std::to_string(std::to_integer<unsigned>(bytes[9])));
  }
  RequestHeader header;
  header.payload_bytes = little_endian<std::uint64_t>(bytes.data() + 1);
  header.call = little_endian<std::uint32_t>(bytes.data() + 10);
  if (header.payload_bytes > kMostPayloadBytes) {
    throw Error(ErrorCode::kFormat, "request of the XRT driver: a payload of " + std::to_string(header.payload_bytes) +
                                        " bytes, expected at most " + std::to_string(kMostPayloadBytes));
  }
  return header;
}

Fields::Fields(std::span<const std::byte> payload) {
  Reader reader(payload);
  while (!reader.at_end()) {
    const std::uint64_t tag = reader.varint();
    const std::uint64_t field = tag >> 3U;
    std::uint64_t number = 0;
    std::span<const std::byte> bytes;
    switch (tag & 7U) {
      case kVarint:
        number = reader.varint();
        break;
      case kFixed64:
        number = little_endian<std::uint64_t>(reader.take(8).data());
        break;
      case kFixed32:
        number = little_endian<std::uint32_t>(reader.take(4).data());
        break;
      case kLengthDelimited:
        bytes = reader.take(reader.varint());
        break;
      default:
        reader.refuse("a field of unknown type " + std::to_string(tag & 7U));
    }
    if (field >= kMostFields) continue;
    if ((tag & 7U) == kLengthDelimited) {
      bytes_[field] = bytes;
    } else {
      numbers_[field] = number;
    }
  }
}

void Answer::varint(std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) bytes_.push_back(static_cast<std::byte>((value & 0x7FU) | 0x80U));
  bytes_.push_back(static_cast<std::byte>(value));
}

void Answer::number(std::uint32_t field, std::uint64_t value) {
  varint(std::uint64_t{field} << 3U | kVarint);
  varint(value);
}

std::span<std::byte> Answer::room(std::uint32_t field, std::size_t bytes) {
  varint(std::uint64_t{field} << 3U | kLengthDelimited);
  varint(bytes);
  bytes_.resize(bytes_.size() + bytes);
  return std::span(bytes_).last(bytes);
}

void Answer::bytes(std::uint32_t field, std::span<const std::byte> value) {
  const std::span<std::byte> place = room(field, value.size());
  if (!value.empty()) std::memcpy(place.data(), value.data(), value.size());
}

std::span<const std::byte> Answer::finish() {
  bytes_[0] = kSizeTag;
  const std::uint64_t payload = bytes_.size() - kAnswerHeaderBytes;
  for (std::size_t i = 0; i < sizeof payload; ++i) bytes_[1 + i] = static_cast<std::byte>(payload >> (8 * i));
  return bytes_;
}

}  // namespace xw::xrt_emulation
