// The driver's protocol, from bytes that protocol buffers define: https://protobuf.dev/programming-guides/encoding.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "arch/support/error.hpp"
#include "host/backends/xrt/emulation/server.hpp"
#include "tests/support/emulation_request.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/support/plain_card.hpp"

namespace xw::xrt_emulation {
namespace {

using Bytes = std::vector<std::byte>;
using test::expect_error;
using test::PlainCard;
using test::request_message;

[[nodiscard]] Bytes bytes_of(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

struct Exchange {
  PlainCard card;
  ServerCounts counts;
  /// The payload of the answer.
  Bytes ask(Call call, const Bytes& payload) {
    Answer made;
    answer(static_cast<std::uint32_t>(call), payload, card, counts, made);
    const auto all = made.finish();
    return {all.begin() + kAnswerHeaderBytes, all.end()};
  }
};

// 0x100000010 as a varint: 90 80 80 80 10.
TEST(XrtProtocol, MemoryIsWrittenAndReadAtAddressPlusOffset) {
  Exchange exchange;
  // Field 3: address, 4: bytes, 5: size, 6: offset.
  EXPECT_EQ(exchange.ask(Call::kWriteMemory, bytes_of({0x18, 0x90, 0x80, 0x80, 0x80, 0x10, 0x22, 3, 0xAA, 0xBB, 0xCC,
                                                       0x28, 3, 0x30, 0x20})),
            bytes_of({0x08, 3}));
  EXPECT_EQ(exchange.card.memory[0x30], std::byte{0xAA});
  EXPECT_EQ(exchange.card.memory[0x32], std::byte{0xCC});
  EXPECT_EQ(exchange.card.memory[0x10], std::byte{0});
  // Field 4: address, 5: size, 6: offset.
  EXPECT_EQ(exchange.ask(Call::kReadMemory, bytes_of({0x20, 0x90, 0x80, 0x80, 0x80, 0x10, 0x28, 2, 0x30, 0x21})),
            bytes_of({0x08, 2, 0x12, 2, 0xBB, 0xCC}));
  EXPECT_EQ(exchange.counts.stray_accesses, 0U);
}

TEST(XrtProtocol, MemoryThatIsNotThereReadsZerosAndIsCounted) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask(Call::kReadMemory, bytes_of({0x20, 0, 0x28, 2})), bytes_of({0x08, 2, 0x12, 2, 0, 0}));
  EXPECT_EQ(exchange.ask(Call::kWriteMemory, bytes_of({0x18, 0, 0x22, 1, 7})), bytes_of({0x08, 1}));
  EXPECT_EQ(exchange.counts.stray_accesses, 2U);
}

TEST(XrtProtocol, RegistersAreWrittenAndReadByTheirOffsets) {
  Exchange exchange;
  // Field 2: 0x1800010 (90 80 80 0c), 4: two words.
  EXPECT_EQ(
      exchange.ask(Call::kWriteRegisters, bytes_of({0x10, 0x90, 0x80, 0x80, 0x0C, 0x22, 8, 1, 2, 3, 4, 5, 6, 7, 8})),
      bytes_of({0x08, 1}));
  EXPECT_EQ(exchange.card.registers.at(0x10), 0x04030201U);
  EXPECT_EQ(exchange.card.registers.at(0x14), 0x08070605U);
  EXPECT_EQ(exchange.ask(Call::kReadRegisters, bytes_of({0x10, 0x94, 0x80, 0x80, 0x0C, 0x18, 4})),
            bytes_of({0x08, 1, 0x12, 4, 5, 6, 7, 8}));
}

TEST(XrtProtocol, AllocationsComeAndGo) {
  Exchange exchange;
  EXPECT_EQ(exchange.ask(Call::kAllocate, bytes_of({0x08, 0x80, 0x20, 0x10, 0x80, 0x40})), bytes_of({0x08, 1}));
  EXPECT_EQ(exchange.card.allocations.at(4096), 8192U);
  EXPECT_EQ(exchange.ask(Call::kFree, bytes_of({0x08, 0x80, 0x20})), bytes_of({0x08, 1}));
  EXPECT_TRUE(exchange.card.allocations.empty());
}

TEST(XrtProtocol, WhatIsNoMessageIsRefused) {
  Exchange exchange;
  const auto refuse = [&](Call call, const Bytes& payload, const char* message) {
    expect_error(ErrorCode::kFormat, message, [&] { (void)exchange.ask(call, payload); });
  };
  refuse(Call::kWriteMemory, bytes_of({0x22, 5, 1}), "a field that leaves the message at byte 2 of 3");
  refuse(Call::kWriteMemory, bytes_of({0x18}), "leaves the message");
  refuse(Call::kWriteMemory, bytes_of({0x18, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
         "a number of more than 64 bits");
  refuse(Call::kWriteMemory, bytes_of({0x1B}), "a field of unknown type 3");
  refuse(Call::kWriteMemory, bytes_of({0x22, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}),
         "leaves the message");
  refuse(Call::kReadMemory, bytes_of({0x28, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}), "memory of 4294967295 bytes");
  refuse(Call::kReadRegisters, bytes_of({0x18, 0x84, 0x20}), "registers of 4100 bytes, expected at most 4096");
}

TEST(XrtProtocol, HeadersAreCheckedAndBounded) {
  const auto parse = [](const Bytes& bytes) {
    return parse_header(std::span<const std::byte, kRequestHeaderBytes>(bytes.data(), kRequestHeaderBytes));
  };
  const RequestHeader header = parse(request_message(Call::kReadMemory, Bytes(300)));
  EXPECT_EQ(header.payload_bytes, 300U);
  EXPECT_EQ(header.call, 7U);
  Bytes wrong = request_message(Call::kClose, {});
  wrong[9] = std::byte{0x16};
  expect_error(ErrorCode::kFormat, "expected a header", [&] { (void)parse(wrong); });
  Bytes huge = request_message(Call::kClose, {});
  huge[8] = std::byte{0x80};
  expect_error(ErrorCode::kFormat, "expected at most", [&] { (void)parse(huge); });
}

TEST(XrtProtocol, RandomBytesAreAnsweredOrRefused) {
  constexpr unsigned kSeed = 20261127;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  int answered = 0;
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    Exchange exchange;
    Bytes payload(random() % 24);
    for (std::byte& byte : payload) byte = static_cast<std::byte>(random());
    try {
      (void)exchange.ask(static_cast<Call>(random() % 56), payload);
      ++answered;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(answered, 100);
  EXPECT_GT(refused, 100);
}

/// Serves one end of a pair of sockets; the test is the driver.
class Served {
 public:
  Served() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
    thread_ = std::thread([this] {
      try {
        closed_ = serve(ends_[1], card_, counts_);
      } catch (const Error& error) {
        failure_ = error.what();
      }
      ::close(ends_[1]);
    });
  }
  ~Served() {
    if (thread_.joinable()) finish();
  }
  void send(const Bytes& bytes) {
    ASSERT_EQ(::send(ends_[0], bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] Bytes receive(std::size_t bytes) {
    Bytes got(bytes);
    EXPECT_EQ(::recv(ends_[0], got.data(), got.size(), MSG_WAITALL), static_cast<ssize_t>(bytes));
    return got;
  }
  void finish() {
    ::close(ends_[0]);
    thread_.join();
  }
  bool closed_ = false;
  std::string failure_;
  ServerCounts counts_;

 private:
  std::array<int, 2> ends_{};
  PlainCard card_;
  std::thread thread_;
};

TEST(XrtProtocol, TheCloseOfTheDriverIsAnsweredAndEndsTheServer) {
  Served served;
  served.send(request_message(Call::kEnvironment, bytes_of({0x0A, 1, 'x'})));
  EXPECT_EQ(served.receive(11), bytes_of({0x09, 2, 0, 0, 0, 0, 0, 0, 0, 0x08, 1}));
  served.send(request_message(Call::kClose, {}));
  EXPECT_EQ(served.receive(11), bytes_of({0x09, 2, 0, 0, 0, 0, 0, 0, 0, 0x08, 1}));
  served.finish();
  EXPECT_TRUE(served.closed_);
  EXPECT_EQ(served.counts_.calls.at(20), 1U);
}

TEST(XrtProtocol, ADriverThatIsGoneEndsTheServerAtAnyByte) {
  const Bytes whole = request_message(Call::kWriteMemory, bytes_of({0x18, 0, 0x22, 1, 7}));
  for (std::size_t sent = 0; sent < whole.size(); ++sent) {
    Served served;
    served.send(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(sent)));
    served.finish();
    EXPECT_FALSE(served.closed_);
    EXPECT_EQ(served.failure_, "");
  }
}

}  // namespace
}  // namespace xw::xrt_emulation
