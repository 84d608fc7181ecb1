// The bytes behind a memory.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xw::systemc {

/// Where a Memory keeps its bytes.
class Storage {
 public:
  virtual ~Storage() = default;
  /// The bytes [address, address + bytes), or null if not all of them exist.
  [[nodiscard]] virtual std::byte* find(std::uint64_t address, std::uint64_t bytes) = 0;
};

/// Zeroed bytes [base, base + size).
class Ram final : public Storage {
 public:
  Ram(std::uint64_t base, std::uint64_t bytes) : base_(base), bytes_(bytes) {}
  [[nodiscard]] std::byte* find(std::uint64_t address, std::uint64_t bytes) override {
    const bool inside = address >= base_ && bytes <= bytes_.size() && address - base_ <= bytes_.size() - bytes;
    return inside ? bytes_.data() + (address - base_) : nullptr;
  }

 private:
  std::uint64_t base_;
  std::vector<std::byte> bytes_;
};

}  // namespace xw::systemc
