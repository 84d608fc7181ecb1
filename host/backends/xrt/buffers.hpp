// Memory of a card: buffer objects by device address, each with its copy on the host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include "host/backends/xrt/card.hpp"
#include "host/device/device.hpp"

namespace xw::xrt_device {

using device::Address;

/// Not thread safe. Only what is asked for moves over the bus, and what a run has written only once it is looked at.
class Buffers {
 public:
  static constexpr std::uint64_t kPageBytes = 4096;

  explicit Buffers(Card& card) : card_(card) {}

  /// In the memory that the master of argument `argument` reads; zeroed. Throws Error{kInvalidArgument} for 0 bytes,
  /// Error{kCapacity} with what is free.
  [[nodiscard]] Address allocate(std::uint64_t bytes, int argument);
  /// Throws Error{kInvalidArgument} if `address` is not the start of a buffer.
  void free(Address address);
  /// The host's copy of [address, address + bytes), as the card has it. Throws Error{kInvalidArgument} unless it lies in
  /// what was asked for in one buffer.
  [[nodiscard]] std::span<std::byte> view(Address address, std::uint64_t bytes);
  /// The host's copy of this range was changed: the card gets it.
  void changed(Address address, std::uint64_t bytes);
  /// The card has run and may have written the buffer that holds `address`; without one there, any.
  void written_by_card(Address address);
  /// Fetches [address, address + bytes) at once if the card may have written it; as much of it as one buffer has.
  void fetch_ahead(Address address, std::uint64_t bytes);
  /// How many bytes from `address` on were looked at since the card has run: up to the last one. 0 if there is no such buffer.
  [[nodiscard]] std::uint64_t looked_at(Address address) const;
  /// Whether [address, address + bytes) lies in one buffer.
  [[nodiscard]] bool contains(Address address, std::uint64_t bytes) const;
  /// Forgets all without giving it back.
  void abandon();

 private:
  struct Buffer {
    xrt::bo object;
    std::byte* data = nullptr;
    std::uint64_t bytes = 0;  ///< asked for
    std::uint64_t whole = 0;  ///< pages
    std::uint32_t group = 0;
    bool stale = false;                            ///< the card may have written it since
    std::uint64_t fresh_begin = 0, fresh_end = 0;  ///< but this range was fetched
    std::uint64_t looked_end = 0;                  ///< up to where it was looked at since
  };
  using Entry = std::pair<const Address, Buffer>;
  [[nodiscard]] const Entry* containing(Address address, std::uint64_t bytes) const;
  [[nodiscard]] Entry& at(Address address, std::uint64_t bytes);
  /// Brings the pages of a range of a stale buffer here.
  void fetch(Buffer& buffer, std::uint64_t begin, std::uint64_t end);
  void sync(Buffer& buffer, xclBOSyncDirection direction, std::uint64_t begin, std::uint64_t end);

  Card& card_;
  std::map<Address, Buffer> buffers_;
  std::map<std::uint32_t, std::uint64_t> used_;  ///< bytes by group
};

}  // namespace xw::xrt_device
