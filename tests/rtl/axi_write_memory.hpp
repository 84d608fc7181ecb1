// A memory behind AXI4 write channels, with seeded random latency, gaps and back-pressure.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "tests/rtl/axi_read_memory.hpp"
#include "tests/rtl/members.hpp"

namespace xw::test {

/// Answers bursts in order: DECERR if a beat lies outside its bytes, SLVERR if one lies in `slverr_line` (64 bytes).
/// Checks the rules a master must keep: 4 KiB boundary, alignment, stable requests and beats, WLAST, no beat before
/// the address of its burst is announced. BRESP is noise while not valid.
struct AxiWriteMemory {
  static constexpr std::uint64_t kBase = 0x2'0000'0000;
  /// When the memory takes addresses and beats; AXI allows all of these.
  enum class Order : std::uint8_t { kAny, kAddressFirst, kDataFirst };

  explicit AxiWriteMemory(std::size_t size, std::uint32_t beat_size) : bytes(size), beat_bytes(beat_size) {}

  /// Sets the inputs of the model before the clock edge.
  template <typename Model>
  void drive(Model& top, std::mt19937& random) {
    const bool data_waits = order == Order::kAddressFirst && (writing == bursts.size() || !bursts[writing].accepted);
    const bool address_waits = order == Order::kDataFirst && !data_began;
    using Rsp = rtl::AxiWriteRsp;
    auto& rsp = top.write_rsp_i;
    set_member(rsp, Rsp::aw_ready, random() % 100 >= stall_percent && bursts.size() <= max_bursts && !address_waits);
    set_member(rsp, Rsp::w_ready, random() % 100 >= stall_percent && !data_waits);
    if (!holding && !bursts.empty()) {
      const Burst& burst = bursts.front();
      holding = burst.accepted && writing != 0 && written_at.front() <= cycle && random() % 100 >= stall_percent;
    }
    set_member(rsp, Rsp::b_valid, holding);
    set_member(rsp, Rsp::b_resp, holding ? response(bursts.front().request) : static_cast<std::uint8_t>(random() % 4));
  }

  /// Looks at the settled signals before the clock edge and advances.
  template <typename Model>
  void sample(const Model& top, std::mt19937& random) {
    ++cycle;
    sample_address(top);
    sample_data(top, random);
    data_began = writing == bursts.size() || (writing + 1 == bursts.size() && (beat != 0 || payload));
    most_bursts = std::max(most_bursts, bursts.size());
    if (member(top.write_rsp_i, rtl::AxiWriteRsp::b_valid) != 0 && member(top.write_req_o, Req::b_ready) != 0) {
      holding = false;
      bursts.pop_front();
      written_at.pop_front();
      --writing;
    }
  }

  void reset() {
    bursts.clear();
    written_at.clear();
    requests.clear();
    writing = beat = 0;
    holding = announcing = data_began = false;
    payload.reset();
  }

  [[nodiscard]] bool mapped(std::uint64_t address) const {
    return address >= kBase && address + beat_bytes <= kBase + bytes.size();
  }
  /// BRESP of a burst.
  [[nodiscard]] std::uint8_t response(const AxiRequest& request) const {
    bool decerr = false;
    for (std::uint32_t i = 0; i < request.beats; ++i) {
      const std::uint64_t address = request.address + std::uint64_t{i} * beat_bytes;
      if (slverr_line && address / 64 == *slverr_line / 64) return 2;
      decerr = decerr || !mapped(address);
    }
    return decerr ? 3 : 0;
  }
  /// No burst is announced or under way.
  [[nodiscard]] bool quiet() const { return bursts.empty(); }

  struct Burst {
    AxiRequest request;
    bool accepted = false;  ///< AWREADY
  };
  struct Payload {
    std::array<std::byte, 64> data{};
    std::uint64_t strobes = 0;
    bool last = false;
    bool operator==(const Payload&) const = default;
  };
  std::vector<std::byte> bytes;
  std::uint32_t beat_bytes;
  unsigned stall_percent = 0, max_latency = 0;
  std::size_t max_bursts = 64;
  Order order = Order::kAny;
  std::optional<std::uint64_t> slverr_line;
  std::deque<Burst> bursts;              ///< announced, not answered
  std::deque<std::uint64_t> written_at;  ///< of completely written bursts: cycle of the earliest answer
  std::size_t writing = 0;               ///< the burst in `bursts` that the next beat belongs to
  std::uint32_t beat = 0;                ///< and its number in it
  std::vector<AxiRequest> requests;      ///< announced since the last reset
  std::size_t most_bursts = 0;           ///< largest number of bursts announced and not answered
  std::uint64_t num_beats = 0;           ///< written so far
  std::uint64_t num_silent_beats = 0;    ///< of these: without any strobe
  std::uint64_t cycle = 0;
  bool holding = false;     ///< a response is on the bus until it is accepted
  bool announcing = false;  ///< the last burst's address is on the bus
  bool data_began = false;  ///< data of the last burst came or waits on the bus
  std::optional<Payload> payload;

 private:
  using Req = rtl::AxiWriteReq;

  template <typename Model>
  void sample_address(const Model& top) {
    if (member(top.write_req_o, Req::aw_valid) == 0) {
      EXPECT_FALSE(announcing) << "request withdrawn";
      announcing = false;
      return;
    }
    const AxiRequest request{member(top.write_req_o, Req::aw_addr),
                             static_cast<std::uint32_t>(member(top.write_req_o, Req::aw_len)) + 1U, 0};
    if (announcing) {
      EXPECT_EQ(bursts.back().request, request) << "request changed before accepted";
    } else {
      check_axi_request(request, beat_bytes);
      bursts.push_back({request, false});
      requests.push_back(request);
    }
    announcing = member(top.write_rsp_i, rtl::AxiWriteRsp::aw_ready) == 0;
    if (!announcing) bursts.back().accepted = true;
  }

  template <typename Model>
  void sample_data(const Model& top, std::mt19937& random) {
    if (member(top.write_req_o, Req::w_valid) == 0) {
      EXPECT_FALSE(payload) << "beat withdrawn";
      payload.reset();
      return;
    }
    Payload now;
    std::memcpy(now.data.data(), &top.write_data_o, beat_bytes);
    now.strobes = top.write_strb_o;
    now.last = member(top.write_req_o, Req::w_last) != 0;
    if (payload) {
      EXPECT_TRUE(*payload == now) << "beat changed before accepted";
    }
    payload = now;
    if (writing == bursts.size()) {
      ADD_FAILURE() << "beat without a burst";
      return;
    }
    if (member(top.write_rsp_i, rtl::AxiWriteRsp::w_ready) == 0) return;
    payload.reset();
    const AxiRequest& request = bursts[writing].request;
    const std::uint64_t address = request.address + std::uint64_t{beat} * beat_bytes;
    for (std::uint32_t i = 0; mapped(address) && i < beat_bytes; ++i) {
      if ((now.strobes >> i & 1U) != 0) bytes[address - kBase + i] = now.data[i];
    }
    ++num_beats;
    if (now.strobes == 0) ++num_silent_beats;
    EXPECT_EQ(now.last, beat + 1 == request.beats) << "WLAST";
    if (++beat == request.beats) {
      beat = 0;
      ++writing;
      written_at.push_back(cycle + random() % (max_latency + 1));
    }
  }
};

}  // namespace xw::test
