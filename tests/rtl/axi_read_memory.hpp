// A memory behind AXI4 read channels, with seeded random latency, gaps and back-pressure.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace xw::test {

/// Answers bursts in order. Outside its bytes it answers DECERR; at `slverr_line` (64 bytes) SLVERR.
/// Checks the rules a master must keep: 4 KiB boundary, alignment, stable requests.
struct AxiReadMemory {
  static constexpr std::uint64_t kBase = 0x1'0000'0000;

  explicit AxiReadMemory(std::size_t size, std::uint32_t beat_size) : bytes(size), beat_bytes(beat_size) {}

  /// Sets the inputs of the model before the clock edge.
  template <typename Model>
  void drive(Model& top, std::mt19937& random) {
    top.arready_i = random() % 100 >= stall_percent && bursts.size() < max_bursts;
    if (!holding && !bursts.empty() && bursts.front().ready_at <= cycle) holding = random() % 100 >= stall_percent;
    top.rvalid_i = holding;
    if (!holding) return;
    const Burst& burst = bursts.front();
    const bool mapped = burst.address >= kBase && burst.address + beat_bytes <= kBase + bytes.size();
    if (mapped) std::memcpy(&top.rdata_i, bytes.data() + (burst.address - kBase), beat_bytes);
    const bool slverr = slverr_line && burst.address / 64 == *slverr_line / 64;
    top.rresp_i = slverr ? 2 : mapped ? 0 : 3;
    top.rlast_i = burst.beats == 1;
  }

  /// Looks at the settled signals before the clock edge and advances.
  template <typename Model>
  void sample(const Model& top, std::mt19937& random) {
    ++cycle;
    if (top.arvalid_o != 0) {
      const std::uint64_t last = top.araddr_o + (std::uint64_t{top.arlen_o} + 1) * beat_bytes - 1;
      EXPECT_EQ(top.araddr_o / 4096, last / 4096) << "burst crosses a 4 KiB boundary";
      EXPECT_EQ(top.araddr_o % beat_bytes, 0U);
      if (pending) {
        EXPECT_EQ(*pending, std::pair(top.araddr_o, std::uint64_t{top.arlen_o})) << "request changed before accepted";
      }
      pending = {top.araddr_o, std::uint64_t{top.arlen_o}};
      if (top.arready_i != 0) {
        bursts.push_back({top.araddr_o, top.arlen_o + 1U, cycle + random() % (max_latency + 1)});
        ++num_bursts;
        pending.reset();
      }
    } else {
      EXPECT_FALSE(pending) << "request withdrawn";
      pending.reset();
    }
    most_bursts = std::max(most_bursts, bursts.size());
    if (top.rvalid_i != 0 && top.rready_o != 0) {
      holding = false;
      Burst& burst = bursts.front();
      burst.address += beat_bytes;
      if (--burst.beats == 0) bursts.pop_front();
    }
  }

  void reset() {
    bursts.clear();
    holding = false;
    pending.reset();
  }

  struct Burst {
    std::uint64_t address = 0;
    std::uint32_t beats = 0;
    std::uint64_t ready_at = 0;
  };
  std::vector<std::byte> bytes;
  std::uint32_t beat_bytes;
  unsigned stall_percent = 0, max_latency = 0;
  std::size_t max_bursts = 64;
  std::optional<std::uint64_t> slverr_line;
  std::deque<Burst> bursts;
  std::size_t most_bursts = 0;   ///< largest number of bursts under way
  std::uint64_t num_bursts = 0;  ///< accepted so far
  std::uint64_t cycle = 0;
  bool holding = false;  ///< a beat is on the bus until it is accepted
  std::optional<std::pair<std::uint64_t, std::uint64_t>> pending;
};

}  // namespace xw::test
