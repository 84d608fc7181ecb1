// Requests that are sent together give the driver the answers, and the card the requests, of one at a time.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/posted_requests.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "host/backends/xrt/emulation/server.hpp"
#include "tests/support/emulation_request.hpp"
#include "tests/support/plain_card.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::xrt_emulation {
namespace {

using Bytes = std::vector<std::byte>;
using test::PlainCard;

void put_varint(Bytes& bytes, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) bytes.push_back(static_cast<std::byte>((value & 0x7FU) | 0x80U));
  bytes.push_back(static_cast<std::byte>(value));
}

void put_number(Bytes& bytes, std::uint32_t field, std::uint64_t value) {
  put_varint(bytes, field << 3U);
  put_varint(bytes, value);
}

void put_bytes(Bytes& bytes, std::uint32_t field, const Bytes& value) {
  put_varint(bytes, field << 3U | 2U);
  put_varint(bytes, value.size());
  bytes.insert(bytes.end(), value.begin(), value.end());
}

struct Request {
  Call call;
  Bytes payload;
  [[nodiscard]] Bytes message() const { return test::request_message(call, payload); }
};

[[nodiscard]] Bytes random_bytes(std::mt19937& random, std::size_t count) {
  Bytes bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// What the driver asks, of a card of one page and a few registers.
[[nodiscard]] Request random_request(std::mt19937& random) {
  Request request{};
  Bytes& p = request.payload;
  const std::uint64_t offset = random() % 2048;
  const std::size_t size = random() % 8 == 0 ? 2048 : random() % 64;
  switch (random() % 5) {
    case 0:
      request.call = Call::kWriteMemory;
      put_bytes(p, 2, random_bytes(random, 6));
      put_number(p, 3, PlainCard::kBase);
      put_bytes(p, 4, random_bytes(random, size));
      put_number(p, 5, size);
      put_number(p, 6, offset);
      break;
    case 1:
      request.call = Call::kReadMemory;
      put_bytes(p, 2, random_bytes(random, 6));
      put_bytes(p, 3, random_bytes(random, size));
      put_number(p, 4, PlainCard::kBase);
      put_number(p, 5, size);
      put_number(p, 6, offset);
      break;
    case 2:
      request.call = Call::kWriteRegisters;
      put_number(p, 2, kKernelBase + 4 * (random() % 32));
      put_number(p, 3, 4);
      put_bytes(p, 4, random_bytes(random, 4));
      break;
    case 3:
      request.call = Call::kReadRegisters;
      put_number(p, 2, kKernelBase + 4 * (random() % 32));
      put_number(p, 3, 4);
      break;
    default:
      request.call = Call::kDebugMessages;
      put_number(p, 1, 1);
  }
  return request;
}

/// A card served at one end of a pair of sockets.
class Served {
 public:
  Served() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
    thread_ = std::thread([this] {
      (void)serve(ends_[1], card, counts);
      ::close(ends_[1]);
    });
  }
  ~Served() { finish(); }
  void finish() {
    if (!thread_.joinable()) return;
    ::close(ends_[0]);
    thread_.join();
  }
  [[nodiscard]] int socket() const { return ends_[0]; }
  PlainCard card;
  ServerCounts counts;

 private:
  std::array<int, 2> ends_{};
  std::thread thread_;
};

/// Reads as the driver does, header and payload by themselves.
[[nodiscard]] Bytes read_answer(PostedRequests& requests) {
  const auto all = [&](std::size_t count) {
    Bytes bytes(count);
    for (std::size_t at = 0; at < count;) {
      const ssize_t got = requests.receive(std::span(bytes).subspan(at));
      if (got <= 0) return Bytes{};
      at += static_cast<std::size_t>(got);
    }
    return bytes;
  };
  Bytes answer = all(kAnswerHeaderBytes);
  if (answer.empty()) return answer;
  const std::size_t size = std::to_integer<std::size_t>(answer[1]) | std::to_integer<std::size_t>(answer[2]) << 8U;
  const Bytes payload = all(size);
  answer.insert(answer.end(), payload.begin(), payload.end());
  return answer;
}

TEST(XrtPostedRequests, AnswersAndMemoryAreThoseOfOneRequestAtATime) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Served served;
  PostedRequests requests(served.socket());
  PlainCard expected_card;
  ServerCounts expected_counts;
  for (int i = 0; i < 5'000; ++i) {
    Request request = random_request(random);
    // Long series of requests without an answer of the card, too.
    if (i % 1000 > 700 && (request.call == Call::kReadMemory || request.call == Call::kReadRegisters)) continue;
    const Bytes message = request.message();
    if (random() % 4 == 0) {  // in two pieces, as the driver writes it, or elsewhere
      const std::size_t cut = random() % 2 == 0 ? kRequestHeaderBytes : 1 + random() % (message.size() - 1);
      ASSERT_TRUE(requests.write(std::span(message).first(cut)));
      ASSERT_TRUE(requests.write(std::span(message).subspan(cut)));
    } else {
      ASSERT_TRUE(requests.write(message));
    }
    Answer expected;
    answer(static_cast<std::uint32_t>(request.call), request.payload, expected_card, expected_counts, expected);
    const auto bytes = expected.finish();
    ASSERT_EQ(read_answer(requests), Bytes(bytes.begin(), bytes.end())) << "request " << i;
  }
  ASSERT_TRUE(requests.write(Request{Call::kTimestamp, {}}.message()));
  ASSERT_EQ(read_answer(requests).size(), kAnswerHeaderBytes + 2);
  served.finish();
  EXPECT_EQ(served.card.memory, expected_card.memory);
  EXPECT_EQ(served.card.registers, expected_card.registers);
  EXPECT_EQ(served.counts.calls.count(static_cast<std::uint32_t>(Call::kDebugMessages)), 0U);
}

TEST(XrtPostedRequests, WritesWaitForTheNextQuestion) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  PostedRequests requests(ends[0]);
  Request write{Call::kWriteRegisters, {}};
  put_number(write.payload, 2, kKernelBase);
  put_bytes(write.payload, 4, Bytes(4));
  const Request poll{Call::kReadRegisters, {}};
  const Bytes first = write.message();
  const Bytes second = poll.message();
  ASSERT_TRUE(requests.write(first));
  EXPECT_EQ(read_answer(requests).size(), kAnswerHeaderBytes + 2);
  pollfd arriving{ends[1], POLLIN, 0};
  EXPECT_EQ(::poll(&arriving, 1, 20), 0);
  ASSERT_TRUE(requests.write(second));
  Bytes got(first.size() + second.size() + 1);
  ASSERT_EQ(::recv(ends[1], got.data(), got.size(), 0), static_cast<ssize_t>(got.size() - 1));
  got.pop_back();
  Bytes both = first;
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(got, both);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(XrtPostedRequests, ACardThatIsGoneIsTold) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  PostedRequests requests(ends[0]);
  ASSERT_TRUE(requests.write(Request{Call::kReadRegisters, {}}.message()));
  ::close(ends[1]);
  std::array<std::byte, 9> header{};
  EXPECT_LE(requests.receive(header), 0);
  EXPECT_FALSE(requests.write(Request{Call::kReadRegisters, {}}.message()));
  ::close(ends[0]);
}

TEST(XrtPostedRequests, WhatIsNoRequestIsRefused) {
  PostedRequests requests(-1);
  EXPECT_FALSE(PostedRequests::begins_request(Bytes(20)));
  EXPECT_FALSE(requests.write(Bytes(20)));
}

}  // namespace
}  // namespace xw::xrt_emulation
