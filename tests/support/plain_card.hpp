// A card of one page of memory and some registers, for tests of the protocol.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>

#include "arch/support/error.hpp"
#include "host/backends/xrt/emulation/card.hpp"

namespace xw::test {

/// Memory exists from kBase on whatever is allocated; allocations are only counted. Register writes are kept.
class PlainCard final : public xrt_emulation::Card {
 public:
  static constexpr device::Address kBase = 0x1'0000'0000;
  static constexpr std::size_t kBytes = 4096;

  void allocate(device::Address address, std::uint64_t bytes) override { allocations[address] = bytes; }
  void free(device::Address address) override {
    if (allocations.erase(address) == 0) throw Error(ErrorCode::kInvalidArgument, "no allocation");
  }
  bool write(device::Address address, std::span<const std::byte> bytes) override {
    if (!inside(address, bytes.size())) return false;
    std::copy(bytes.begin(), bytes.end(), memory.begin() + static_cast<std::ptrdiff_t>(address - kBase));
    return true;
  }
  bool read(device::Address address, std::span<std::byte> bytes) override {
    if (!inside(address, bytes.size())) return false;
    std::copy_n(memory.begin() + static_cast<std::ptrdiff_t>(address - kBase), bytes.size(), bytes.begin());
    return true;
  }
  void write_register(std::uint32_t offset, std::uint32_t value) override { registers[offset] = value; }
  std::uint32_t read_register(std::uint32_t offset) override { return registers[offset]; }
  bool advance() override { return false; }

  std::map<device::Address, std::uint64_t> allocations;
  std::array<std::byte, kBytes> memory{};
  std::map<std::uint32_t, std::uint32_t> registers;

 private:
  [[nodiscard]] static bool inside(device::Address address, std::size_t bytes) {
    return address >= kBase && address - kBase <= kBytes && bytes <= kBytes - (address - kBase);
  }
};

}  // namespace xw::test
