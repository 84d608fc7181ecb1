// Requests of XRT's hw_emu driver whose answers say nothing: they are kept until one comes that has to wait for the card.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xw::xrt_emulation {

/// The driver's end of its socket to a card. The driver asks and waits for the answer, some thirty times per run; on a bus
/// most of these would be posted writes. Writes of registers and memory are answered here at once and go to the card,
/// in their order, together with the next request that must be answered by it (the poll of the kernel, a read); the card's
/// own answers to them are dropped. Questions for debug messages, of which this card has none, never leave the process.
/// Not thread safe: the driver asks one thing at a time.
class PostedRequests {
 public:
  /// At most so many are kept, so that neither end fills the other's buffer, and only up to so many bytes.
  static constexpr std::size_t kMostPosted = 64;
  static constexpr std::size_t kMostBytes = std::size_t{256} << 10U;

  explicit PostedRequests(int socket) : socket_(socket) {}

  /// Whether a request begins with these bytes, at least its whole header.
  [[nodiscard]] static bool begins_request(std::span<const std::byte> bytes);

  /// Takes bytes of a request; the driver writes header and payload by themselves. False if the card has gone, or for bytes
  /// that are no request.
  [[nodiscard]] bool write(std::span<const std::byte> bytes);
  /// As recv(): answers to requests in their order; 0 when the card has gone.
  [[nodiscard]] ssize_t receive(std::span<std::byte> bytes);

 private:
  /// Takes a whole request.
  [[nodiscard]] bool send(std::span<const std::byte> request);
  [[nodiscard]] bool flush(std::span<const std::byte> last);
  /// Drops answers to what was posted. False if the card has gone.
  [[nodiscard]] bool drop_answers();
  /// So many bytes of `arrived_`, or more. False if the card has gone.
  [[nodiscard]] bool fill(std::size_t bytes);

  int socket_;
  std::vector<std::byte> begun_;  ///< a request without its end
  std::vector<std::byte> kept_;   ///< requests, not sent yet
  std::size_t num_kept_ = 0;
  std::size_t num_to_drop_ = 0;     ///< answers on their way that nobody waits for
  std::vector<std::byte> arrived_;  ///< from the card, not looked at yet: from arrived_at_ on
  std::size_t arrived_at_ = 0;
  std::vector<std::byte> made_;  ///< answers made here, not read yet: from made_at_ on
  std::size_t made_at_ = 0;
};

}  // namespace xw::xrt_emulation
