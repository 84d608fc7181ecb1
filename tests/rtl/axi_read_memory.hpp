// A memory behind AXI4 read channels, with seeded random latency, gaps and back-pressure.
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

#include "tests/rtl/members.hpp"

namespace xw::test {

/// A burst as the master requests it.
struct AxiRequest {
  std::uint64_t address = 0;
  std::uint32_t beats = 0;
  std::uint32_t id = 0;
  bool operator==(const AxiRequest&) const = default;
};

/// Rules that every burst must keep.
inline void check_axi_request(const AxiRequest& request, std::uint32_t beat_bytes) {
  const std::uint64_t last = request.address + std::uint64_t{request.beats} * beat_bytes - 1;
  EXPECT_EQ(request.address / 4096, last / 4096) << "burst crosses a 4 KiB boundary";
  EXPECT_EQ(request.address % beat_bytes, 0U);
}

/// The fewest bursts that read or write `beats` beats from `address`, in order.
[[nodiscard]] inline std::vector<AxiRequest> axi_bursts(std::uint64_t address, std::uint64_t beats,
                                                        std::uint32_t beat_bytes) {
  std::vector<AxiRequest> bursts;
  while (beats != 0) {
    const std::uint64_t burst = std::min({beats, (4096 - address % 4096) / beat_bytes, std::uint64_t{256}});
    bursts.push_back({address, static_cast<std::uint32_t>(burst), 0});
    address += burst * beat_bytes;
    beats -= burst;
  }
  return bursts;
}

/// Answers bursts of an id in order; beats of different ids come in any order if the model has ids. Outside its bytes
/// it answers DECERR; at `slverr_line` (64 bytes) SLVERR. Checks the rules a master must keep: 4 KiB boundary,
/// alignment, stable requests. Signals that are not valid and faulty beats carry noise.
struct AxiReadMemory {
  static constexpr std::uint64_t kBase = 0x1'0000'0000;

  explicit AxiReadMemory(std::size_t size, std::uint32_t beat_size) : bytes(size), beat_bytes(beat_size) {}

  /// Sets the inputs of the model before the clock edge.
  template <typename Model>
  void drive(Model& top, std::mt19937& random) {
    using Rsp = rtl::AxiReadRsp;
    auto& rsp = top.read_rsp_i;
    set_member(rsp, Rsp::ar_ready, random() % 100 >= stall_percent && bursts.size() < max_bursts);
    if (!holding) choose(random);
    set_member(rsp, Rsp::r_valid, holding);
    if (!holding) {
      set_member(rsp, Rsp::r_resp, random() % 4);
      set_member(rsp, Rsp::r_last, random() % 2);
      return;
    }
    const Burst& burst = bursts[current];
    set_member(rsp, Rsp::r_resp, response(burst.address));
    if (response(burst.address) == 0) {
      std::memcpy(&data_port(top), bytes.data() + (burst.address - kBase), beat_bytes);
    } else {
      for (std::uint32_t word = 0; word < beat_bytes / 4; ++word) data_port(top)[word] = random();
    }
    set_member(rsp, Rsp::r_last, burst.beats == 1);
    if constexpr (requires { top.read_id_i; }) top.read_id_i = burst.id;
  }

  /// Looks at the settled signals before the clock edge and advances.
  template <typename Model>
  void sample(const Model& top, std::mt19937& random) {
    ++cycle;
    using Req = rtl::AxiReadReq;
    const auto& req = top.read_req_o;
    if (member(req, Req::ar_valid) != 0) {
      AxiRequest request{member(req, Req::ar_addr), static_cast<std::uint32_t>(member(req, Req::ar_len)) + 1U, 0};
      if constexpr (requires { top.read_id_o; }) request.id = top.read_id_o;
      if (pending) {
        EXPECT_EQ(*pending, request) << "request changed before accepted";
      } else {
        check_axi_request(request, beat_bytes);
      }
      pending = request;
      if (member(top.read_rsp_i, rtl::AxiReadRsp::ar_ready) != 0) {
        bursts.push_back({request.address, request.beats, request.id, cycle + random() % (max_latency + 1)});
        requests.push_back(request);
        ++num_bursts;
        pending.reset();
      }
    } else {
      EXPECT_FALSE(pending) << "request withdrawn";
      pending.reset();
    }
    most_bursts = std::max(most_bursts, bursts.size() + (pending ? 1 : 0));
    if (member(top.read_rsp_i, rtl::AxiReadRsp::r_valid) != 0 && member(req, Req::r_ready) != 0) {
      holding = false;
      Burst& burst = bursts[current];
      burst.address += beat_bytes;
      if (--burst.beats == 0) bursts.erase(bursts.begin() + static_cast<std::ptrdiff_t>(current));
    }
  }

  void reset() {
    bursts.clear();
    requests.clear();
    holding = false;
    pending.reset();
  }

  [[nodiscard]] bool mapped(std::uint64_t address) const {
    return address >= kBase && address + beat_bytes <= kBase + bytes.size();
  }
  /// RRESP of the beat at `address`.
  [[nodiscard]] std::uint8_t response(std::uint64_t address) const {
    if (slverr_line && address / 64 == *slverr_line / 64) return 2;
    return mapped(address) ? 0 : 3;
  }
  /// No burst is requested or under way.
  [[nodiscard]] bool quiet() const { return bursts.empty() && !pending; }

  struct Burst {
    std::uint64_t address = 0;
    std::uint32_t beats = 0;
    std::uint32_t id = 0;
    std::uint64_t ready_at = 0;
  };
  std::vector<std::byte> bytes;
  std::uint32_t beat_bytes;
  unsigned stall_percent = 0, max_latency = 0;
  std::size_t max_bursts = 64;
  std::optional<std::uint64_t> slverr_line;
  std::deque<Burst> bursts;
  std::vector<AxiRequest> requests;  ///< accepted since the last reset
  std::size_t most_bursts = 0;       ///< largest number of bursts requested and not answered
  std::uint64_t num_bursts = 0;      ///< accepted so far
  std::uint64_t cycle = 0;
  bool holding = false;     ///< a beat is on the bus until it is accepted
  std::size_t current = 0;  ///< burst of that beat
  std::optional<AxiRequest> pending;

 private:
  /// The port of R's data; without one (a multiplexer that data does not pass) a place of our own.
  template <typename Model>
  auto& data_port(Model& top) {
    if constexpr (requires { top.read_data_i; }) {
      return top.read_data_i;
    } else {
      return unseen_;
    }
  }
  std::array<std::uint32_t, 16> unseen_{};

  /// Perhaps puts a beat on the bus: of the first burst of any id.
  void choose(std::mt19937& random) {
    if (bursts.empty() || random() % 100 < stall_percent) return;
    const std::size_t start = random() % bursts.size();
    const std::uint32_t id = bursts[start].id;
    current = 0;
    while (bursts[current].id != id) ++current;
    holding = bursts[current].ready_at <= cycle;
  }
};

}  // namespace xw::test
