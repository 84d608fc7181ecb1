// The card's end of the driver's protocol.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/server.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::xrt_emulation {
namespace {

[[nodiscard]] std::uint64_t bounded(std::uint64_t bytes, std::uint64_t most, const char* what) {
  if (bytes <= most) return bytes;
  throw Error(ErrorCode::kFormat, std::string("request of the XRT driver: ") + what + " of " + std::to_string(bytes) +
                                      " bytes, expected at most " + std::to_string(most));
}

[[nodiscard]] std::uint32_t register_offset(std::uint64_t address) {
  return static_cast<std::uint32_t>((address - kKernelBase) & 0xFFFU);
}

void write_memory(Card& card, ServerCounts& counts, Address address, std::span<const std::byte> bytes) {
  if (!bytes.empty() && !card.write(address, bytes)) ++counts.stray_accesses;
}

void read_memory(Card& card, ServerCounts& counts, Address address, std::span<std::byte> bytes) {
  if (!bytes.empty() && !card.read(address, bytes)) ++counts.stray_accesses;
}

void write_registers(Card& card, std::uint64_t address, std::span<const std::byte> bytes) {
  (void)bounded(bytes.size(), kMostRegisterBytes, "registers");
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + i, sizeof value);
    card.write_register(register_offset(address + i), value);
  }
}

void read_registers(Card& card, std::uint64_t address, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    const std::uint32_t value = card.read_register(register_offset(address + i));
    std::memcpy(bytes.data() + i, &value, sizeof value);
  }
}

/// Requests as they arrive, many at a time: the driver's shim sends those that need no answer together with the next.
class Requests {
 public:
  explicit Requests(int socket) : socket_(socket) {}

  /// Whether a whole request is here; then header() and payload() are its.
  [[nodiscard]] bool next() {
    const std::span<const std::byte> here = arrived();
    if (here.size() < kRequestHeaderBytes) return false;
    header_ = parse_header(here.first<kRequestHeaderBytes>());
    const std::size_t size = kRequestHeaderBytes + static_cast<std::size_t>(header_.payload_bytes);
    wanted_ = size;
    if (here.size() < size) return false;
    payload_ = here.subspan(kRequestHeaderBytes, static_cast<std::size_t>(header_.payload_bytes));
    at_ += size;
    wanted_ = kRequestHeaderBytes;
    return true;
  }
  [[nodiscard]] const RequestHeader& header() const { return header_; }
  /// Until receive().
  [[nodiscard]] std::span<const std::byte> payload() const { return payload_; }

  /// Reads what there is; false at the end of the stream.
  [[nodiscard]] bool receive() {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
    const std::size_t old = bytes_.size();
    constexpr std::size_t kAtLeast = std::size_t{16} << 10U;
    bytes_.resize(std::max(old + kAtLeast, wanted_));
    ssize_t got = -1;
    do {
      got = ::recv(socket_, bytes_.data() + old, bytes_.size() - old, 0);
    } while (got < 0 && errno == EINTR);
    bytes_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
  }

 private:
  [[nodiscard]] std::span<const std::byte> arrived() const { return std::span(bytes_).subspan(at_); }

  int socket_;
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;                        ///< answered up to here
  std::size_t wanted_ = kRequestHeaderBytes;  ///< of the request that has begun
  RequestHeader header_;
  std::span<const std::byte> payload_;
};

[[nodiscard]] bool send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Lets the card work until a request is there, or until it is better to fall asleep: the next request often comes within
/// less than that takes.
void wait_for_request(int socket, Card& card) {
  constexpr auto kAwake = std::chrono::microseconds(20);
  const auto until = std::chrono::steady_clock::now() + kAwake;
  pollfd waiting{socket, POLLIN, 0};
  for (;;) {
    const bool working = card.advance();
    if (::poll(&waiting, 1, 0) != 0) return;
    if (working) continue;
    if (std::chrono::steady_clock::now() >= until) return;
  }
}

}  // namespace

void answer(std::uint32_t call, std::span<const std::byte> payload, Card& card, ServerCounts& counts, Answer& answer) {
  const Fields f(payload);
  answer.clear();
  switch (static_cast<Call>(call)) {
    case Call::kAllocate:
      card.allocate(f.number(1), f.number(2));
      answer.number(1, 1);
      return;
    case Call::kFree:
      card.free(f.number(1));
      answer.number(1, 1);
      return;
    case Call::kWriteMemory:  // the driver keeps the offset in the buffer apart from its address
      write_memory(card, counts, f.number(3) + f.number(6), f.bytes(4));
      answer.number(1, f.bytes(4).size());
      return;
    case Call::kReadMemory: {
      const std::uint64_t bytes = bounded(f.number(5), kMostReadBytes, "memory");
      answer.number(1, bytes);
      read_memory(card, counts, f.number(4) + f.number(6), answer.room(2, static_cast<std::size_t>(bytes)));
      return;
    }
    case Call::kWriteRawMemory:
      write_memory(card, counts, f.number(2), f.bytes(4));
      answer.number(1, 1);
      return;
    case Call::kReadRawMemory: {
      const std::uint64_t bytes = bounded(f.number(3), kMostReadBytes, "memory");
      answer.number(1, 1);
      read_memory(card, counts, f.number(2), answer.room(2, static_cast<std::size_t>(bytes)));
      return;
    }
    case Call::kWriteRegisters:
      write_registers(card, f.number(2), f.bytes(4));
      answer.number(1, 1);
      return;
    case Call::kReadRegisters: {
      const std::uint64_t bytes = bounded(f.number(3), kMostRegisterBytes, "registers");
      answer.number(1, 1);
      read_registers(card, f.number(2), answer.room(2, static_cast<std::size_t>(bytes)));
      return;
    }
    case Call::kWriteRegister:
      write_registers(card, f.number(1) + f.number(2), f.bytes(3));
      answer.number(1, 1);
      return;
    case Call::kReadRegister:
      answer.number(1, 1);
      read_registers(card, f.number(1) + f.number(2), answer.room(2, 4));
      return;
    case Call::kTrace:  // no events
      return;
    case Call::kPerformanceCounters:
      for (std::uint32_t field = 1; field < 7; ++field) answer.number(field, 0);
      return;
    case Call::kTraceCount:
    case Call::kTimestamp:
      answer.number(1, 0);
      return;
    case Call::kBusStatus:
      answer.number(3, 1);
      return;
    case Call::kDebugMessages:
      for (std::uint32_t field = 1; field < 4; ++field) answer.bytes(field, {});
      return;
    case Call::kEnvironment:
    case Call::kClose:
      answer.number(1, 1);
      return;
  }
  ++counts.unknown_calls;
  answer.number(1, 1);
}

bool serve(int socket, Card& card, ServerCounts& counts) {
  Requests requests(socket);
  Answer made;
  std::vector<std::byte> answers;
  for (;;) {
    while (requests.next()) {
      const RequestHeader& header = requests.header();
      ++counts.calls[header.call];
      answer(header.call, requests.payload(), card, counts, made);
      const std::span<const std::byte> bytes = made.finish();
      answers.insert(answers.end(), bytes.begin(), bytes.end());
      if (static_cast<Call>(header.call) == Call::kClose) return send_all(socket, answers);
    }
    if (!send_all(socket, answers)) return false;
    answers.clear();
    wait_for_request(socket, card);
    if (!requests.receive()) return false;
  }
}

}  // namespace xw::xrt_emulation
