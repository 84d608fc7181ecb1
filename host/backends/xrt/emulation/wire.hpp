// What XRT's hardware-emulation driver and the process that plays the card say to each other: requests and answers on a
// Unix socket, their fields in the wire format of protocol buffers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xw::xrt_emulation {

/// Requests of the driver, by the numbers it sends.
enum class Call : std::uint32_t {
  kClose = 1,
  kAllocate = 4,
  kFree = 5,
  kWriteMemory = 6,
  kReadMemory = 7,
  kWriteRawMemory = 8,
  kWriteRegisters = 9,
  kReadRawMemory = 10,
  kReadRegisters = 11,
  kPerformanceCounters = 14,
  kTraceCount = 15,
  kTrace = 16,
  kTimestamp = 17,
  kBusStatus = 18,
  kDebugMessages = 19,
  kEnvironment = 20,
  kWriteRegister = 51,
  kReadRegister = 52,
};

inline constexpr std::size_t kRequestHeaderBytes = 14;
inline constexpr std::size_t kAnswerHeaderBytes = 9;
/// Longer payloads are refused; xrt.ini keeps the driver's below a tenth of this.
inline constexpr std::uint64_t kMostPayloadBytes = std::uint64_t{32} << 20U;

struct RequestHeader {
  std::uint64_t payload_bytes = 0;
  std::uint32_t call = 0;
};
/// Throws Error{kFormat} for bytes that are no header, or one of a payload beyond kMostPayloadBytes.
[[nodiscard]] RequestHeader parse_header(std::span<const std::byte, kRequestHeaderBytes> bytes);

/// The fields of a payload by number. Views of the payload: it must outlive them.
class Fields {
 public:
  static constexpr std::uint32_t kMostFields = 16;  ///< fields with greater numbers are skipped
  /// Throws Error{kFormat} naming the place in the payload.
  explicit Fields(std::span<const std::byte> payload);
  /// 0 if there is none. Of a repeated field the last one.
  [[nodiscard]] std::uint64_t number(std::uint32_t field) const { return numbers_.at(field); }
  /// Empty if there is none.
  [[nodiscard]] std::span<const std::byte> bytes(std::uint32_t field) const { return bytes_.at(field); }

 private:
  std::array<std::uint64_t, kMostFields> numbers_{};
  std::array<std::span<const std::byte>, kMostFields> bytes_{};
};

/// An answer with its header, built in memory that is used again.
class Answer {
 public:
  void clear() { bytes_.resize(kAnswerHeaderBytes); }
  void number(std::uint32_t field, std::uint64_t value);
  void bytes(std::uint32_t field, std::span<const std::byte> value);
  /// Adds a field of so many bytes, to be filled in place until the next call.
  [[nodiscard]] std::span<std::byte> room(std::uint32_t field, std::size_t bytes);
  /// Header and payload.
  [[nodiscard]] std::span<const std::byte> finish();

 private:
  void varint(std::uint64_t value);
  std::vector<std::byte> bytes_ = std::vector<std::byte>(kAnswerHeaderBytes);
};

}  // namespace xw::xrt_emulation
