// Requests of XRT's hw_emu driver whose answers say nothing: they are kept until one comes that has to wait for the card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/emulation/posted_requests.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "host/backends/xrt/emulation/wire.hpp"

namespace xw::xrt_emulation {
namespace {

/// Most answers take some microseconds, waking up some tens: they are waited for awake for so long. Not longer, since on a
/// busy machine that takes the time of the very process that is to answer.
constexpr std::uint64_t kSpinNs = 20'000;
constexpr std::size_t kReceiveBytes = std::size_t{16} << 10U;

[[nodiscard]] std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

[[nodiscard]] std::uint64_t size_in(const std::byte* header) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < sizeof size; ++i) size |= std::to_integer<std::uint64_t>(header[1 + i]) << (8 * i);
  return size;
}

/// Adds a number as protocol buffers write it.
void put_varint(std::vector<std::byte>& bytes, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) bytes.push_back(static_cast<std::byte>((value & 0x7FU) | 0x80U));
  bytes.push_back(static_cast<std::byte>(value));
}

/// How many bytes field 4 of a request to write memory has. The card's own reader would throw; nothing may here, below XRT's
/// driver: what is no field ends the search.
[[nodiscard]] std::uint64_t bytes_to_write(std::span<const std::byte> payload) {
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (unsigned shift = 0; at < payload.size() && shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(payload[at++]);
      value |= (byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) break;
    }
    return value;
  };
  while (at < payload.size()) {
    const std::uint64_t tag = varint();
    if ((tag & 7U) == 0) {
      (void)varint();
    } else if ((tag & 7U) == 2) {
      const std::uint64_t size = varint();
      if (tag >> 3U == 4) return size;
      if (size > payload.size() - at) break;
      at += static_cast<std::size_t>(size);
    } else {
      break;
    }
  }
  return 0;
}

/// What recv() gives, looked for shortly before falling asleep.
[[nodiscard]] ssize_t receive_some(int socket, std::span<std::byte> bytes) {
  const std::uint64_t until = now_ns() + kSpinNs;
  do {
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return got;
  } while (now_ns() < until);
  ssize_t got = -1;
  do {
    got = ::recv(socket, bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

bool PostedRequests::begins_request(std::span<const std::byte> bytes) {
  return bytes.size() >= kRequestHeaderBytes && bytes[0] == std::byte{0x09} && bytes[9] == std::byte{0x15};
}

bool PostedRequests::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    std::size_t left = kRequestHeaderBytes - std::min(kRequestHeaderBytes, begun_.size());
    if (left == 0) left = kRequestHeaderBytes + size_in(begun_.data()) - begun_.size();
    const std::span<const std::byte> piece = bytes.first(std::min(left, bytes.size()));
    begun_.insert(begun_.end(), piece.begin(), piece.end());
    bytes = bytes.subspan(piece.size());
    if (begun_.size() < kRequestHeaderBytes) continue;
    if (!begins_request(begun_)) return false;
    if (begun_.size() - kRequestHeaderBytes < size_in(begun_.data())) continue;
    const bool sent = send(begun_);
    begun_.clear();
    if (!sent) return false;
  }
  return true;
}

bool PostedRequests::send(std::span<const std::byte> request) {
  const auto call = static_cast<Call>(std::to_integer<std::uint32_t>(request[10]));
  const bool posted = call == Call::kWriteMemory || call == Call::kWriteRegisters;
  if (!posted && call != Call::kDebugMessages) return flush(request);
  if (made_at_ == made_.size()) {
    made_.clear();
    made_at_ = 0;
  }
  std::vector<std::byte> payload;
  if (call == Call::kDebugMessages) {  // three empty texts
    for (const unsigned byte : {0x0AU, 0U, 0x12U, 0U, 0x1AU, 0U}) payload.push_back(static_cast<std::byte>(byte));
  } else {
    payload.push_back(std::byte{0x08});
    put_varint(payload, call == Call::kWriteMemory ? bytes_to_write(request.subspan(kRequestHeaderBytes)) : 1);
  }
  made_.push_back(std::byte{0x09});
  for (std::size_t i = 0; i < 8; ++i) made_.push_back(static_cast<std::byte>(payload.size() >> (8 * i)));
  made_.insert(made_.end(), payload.begin(), payload.end());
  if (!posted) return true;
  ++num_kept_;
  if (kept_.size() + request.size() > kMostBytes) return flush(request);
  kept_.insert(kept_.end(), request.begin(), request.end());
  if (num_kept_ < kMostPosted) return true;
  return flush({}) && drop_answers();
}

bool PostedRequests::flush(std::span<const std::byte> last) {
  std::array<iovec, 2> pieces{iovec{kept_.data(), kept_.size()},
                              iovec{const_cast<std::byte*>(last.data()), last.size()}};
  std::size_t left = kept_.size() + last.size();
  while (left > 0) {
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    left -= static_cast<std::size_t>(sent);
    auto gone = static_cast<std::size_t>(sent);
    for (iovec& piece : pieces) {
      const std::size_t taken = std::min(gone, piece.iov_len);
      piece.iov_base = static_cast<std::byte*>(piece.iov_base) + taken;
      piece.iov_len -= taken;
      gone -= taken;
    }
  }
  kept_.clear();
  num_to_drop_ += num_kept_;
  num_kept_ = 0;
  return num_to_drop_ < kMostPosted || drop_answers();
}

bool PostedRequests::fill(std::size_t bytes) {
  if (arrived_at_ == arrived_.size()) {
    arrived_.clear();
    arrived_at_ = 0;
  }
  while (arrived_.size() - arrived_at_ < bytes) {
    const std::size_t old = arrived_.size();
    arrived_.resize(old + std::max(kReceiveBytes, bytes));
    const ssize_t got = receive_some(socket_, std::span(arrived_).subspan(old));
    arrived_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got <= 0) return false;
  }
  return true;
}

bool PostedRequests::drop_answers() {
  for (; num_to_drop_ > 0; --num_to_drop_) {
    if (!fill(kAnswerHeaderBytes)) return false;
    const std::size_t size = kAnswerHeaderBytes + static_cast<std::size_t>(size_in(arrived_.data() + arrived_at_));
    if (!fill(size)) return false;
    arrived_at_ += size;
  }
  return true;
}

ssize_t PostedRequests::receive(std::span<std::byte> bytes) {
  const auto take = [&](const std::vector<std::byte>& from, std::size_t& at) {
    const std::size_t count = std::min(bytes.size(), from.size() - at);
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at), count, bytes.begin());
    at += count;
    return static_cast<ssize_t>(count);
  };
  if (made_at_ < made_.size()) return take(made_, made_at_);
  if (!drop_answers()) return 0;
  if (arrived_at_ == arrived_.size()) {
    if (bytes.size() >= kReceiveBytes) return receive_some(socket_, bytes);
    if (!fill(1)) return 0;
  }
  return take(arrived_, arrived_at_);
}

}  // namespace xw::xrt_emulation
