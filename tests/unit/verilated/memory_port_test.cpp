// The memory behind the Verilated kernel's AXI ports, alone: data, time, stalls, faults, and the rules it checks.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/memory_port.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "arch/support/error.hpp"

namespace xw::verilated {
namespace {

using device::DeviceMemory;
using ::testing::HasSubstr;

constexpr std::uint32_t kBeat = 16;

struct Beat {
  std::uint64_t cycle = 0;
  std::vector<std::byte> data;
  std::uint8_t response = 0, id = 0;
  bool last = false;
};

/// A memory of two pages with random contents, and a master that asks for bursts one after another.
struct Bench {
  explicit Bench(const PortOptions& options, std::uint32_t ids = 1)
      : memory(1U << 20U), base(memory.allocate(8192)), port(memory, faults, options, "port", kBeat, ids) {
    std::mt19937 random(5);
    for (std::byte& b : memory.host_span(base, 8192)) b = std::byte(random() & 0xFFU);
  }
  [[nodiscard]] BurstRequest burst(std::uint64_t offset, std::uint32_t beats, std::uint8_t id = 0) const {
    return {true, base + offset, static_cast<std::uint8_t>(beats - 1), 4, 1, id};
  }
  /// Asks for all bursts and clocks for `cycles`, ready whenever `ready(cycle)`.
  std::vector<Beat> read(std::vector<BurstRequest> bursts, std::uint64_t cycles,
                         const std::function<bool(std::uint64_t)>& ready) {
    std::vector<Beat> beats;
    std::size_t next = 0;
    std::optional<ReadPort::Outputs> held;
    for (std::uint64_t c = 0; c < cycles; ++c) {
      const ReadPort::Outputs out = port.outputs();
      if (held) {  // the memory keeps the rules too: nothing changes until it is taken
        EXPECT_TRUE(out.r_valid);
        EXPECT_EQ(out.r_data, held->r_data);
        EXPECT_EQ(out.r_id, held->r_id);
        EXPECT_EQ(out.r_last, held->r_last);
        EXPECT_EQ(out.r_response, held->r_response);
      }
      const bool take = ready(c);
      held.reset();
      if (out.r_valid && !take) held = out;
      if (out.r_valid && take) {
        Beat beat{c, std::vector<std::byte>(kBeat), out.r_response, out.r_id, out.r_last};
        if (out.r_data != nullptr) std::memcpy(beat.data.data(), out.r_data, kBeat);
        beats.push_back(beat);
      }
      const BurstRequest request = next < bursts.size() ? bursts[next] : BurstRequest{};
      if (request.valid && out.ar_ready) {
        ++next;
        accepted.push_back(c);
      }
      port.clock(request, take, c);
      most_under_way = std::max(most_under_way, accepted.size() - count_last(beats));
    }
    return beats;
  }
  static std::size_t count_last(const std::vector<Beat>& beats) {
    return static_cast<std::size_t>(std::count_if(beats.begin(), beats.end(), [](const Beat& b) { return b.last; }));
  }
  /// Beats of one id against memory, in the order of its bursts.
  void expect_data(const std::vector<Beat>& beats, const std::vector<BurstRequest>& bursts, std::uint8_t id) {
    std::size_t i = 0;
    for (const BurstRequest& burst : bursts) {
      if (burst.id != id) continue;
      for (std::uint32_t b = 0; b <= burst.length; ++b) {
        while (i < beats.size() && beats[i].id != id) ++i;
        ASSERT_LT(i, beats.size());
        const auto expected = memory.host_span(burst.address + std::uint64_t{b} * kBeat, kBeat);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), beats[i].data.begin())) << "beat " << i;
        EXPECT_EQ(beats[i].last, b == burst.length) << "beat " << i;
        EXPECT_EQ(beats[i].response, 0);
        ++i;
      }
    }
  }

  DeviceMemory memory;
  Address base;
  MemoryFaults faults;
  ReadPort port;
  std::vector<std::uint64_t> accepted;
  std::size_t most_under_way = 0;
};

bool always(std::uint64_t) {
  return true;
}

PortOptions quick() {
  PortOptions options;
  options.bytes_per_cycle = kBeat;
  return options;
}

TEST(MemoryPort, FirstBeatComesAfterTheLatencyAndBeatsThenEveryCycle) {
  for (const std::uint32_t latency : {1U, 2U, 20U, 150U}) {
    PortOptions options = quick();
    options.latency_cycles = latency;
    Bench bench(options);
    const std::vector<BurstRequest> bursts = {bench.burst(0, 8), bench.burst(256, 8)};
    const auto beats = bench.read(bursts, 400, always);
    ASSERT_EQ(beats.size(), 16U);
    EXPECT_EQ(beats[0].cycle, bench.accepted[0] + latency);
    for (std::size_t i = 1; i < beats.size(); ++i) EXPECT_EQ(beats[i].cycle, beats[i - 1].cycle + 1) << i;
    bench.expect_data(beats, bursts, 0);
  }
}

TEST(MemoryPort, BandwidthIsWhatWasAsked) {
  for (const double rate : {16.0, 12.0, 5.3, 1.0}) {
    PortOptions options = quick();
    options.bytes_per_cycle = rate;
    Bench bench(options);
    const auto beats = bench.read({bench.burst(0, 128), bench.burst(4096, 128)}, 8000, always);
    ASSERT_EQ(beats.size(), 256U);
    const auto cycles = static_cast<double>(beats.back().cycle - beats.front().cycle);
    EXPECT_NEAR(cycles, 255 * kBeat / rate, 2) << rate;
  }
}

TEST(MemoryPort, StallsRequestsBeyondItsOutstandingBursts) {
  PortOptions options = quick();
  options.latency_cycles = 50;
  options.max_outstanding = 3;
  Bench bench(options);
  std::vector<BurstRequest> bursts;
  for (std::uint32_t i = 0; i < 10; ++i) bursts.push_back(bench.burst(64 * i, 4));
  const auto beats = bench.read(bursts, 1000, always);
  EXPECT_EQ(beats.size(), 40U);
  EXPECT_EQ(bench.most_under_way, 3U);
}

TEST(MemoryPort, RandomStallsAndInterleavingKeepTheDataOfEveryId) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PortOptions options = quick();
    options.latency_cycles = static_cast<std::uint32_t>(seed % 7);
    options.backpressure = 0.3;
    options.seed = seed;
    Bench bench(options, 2);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    std::vector<BurstRequest> bursts;
    std::size_t expected = 0;
    for (int i = 0; i < 30; ++i) {
      const std::uint32_t beats = 1 + random() % 20;
      expected += beats;
      bursts.push_back(bench.burst(random() % 236 * kBeat, beats, random() % 2));
    }
    const auto beats = bench.read(bursts, 20'000, [&](std::uint64_t) { return random() % 3 != 0; });
    ASSERT_EQ(beats.size(), expected);
    bench.expect_data(beats, bursts, 0);
    bench.expect_data(beats, bursts, 1);
    const auto changes = [&] {
      std::size_t count = 0;
      for (std::size_t i = 1; i < beats.size(); ++i) count += beats[i].id != beats[i - 1].id && !beats[i - 1].last;
      return count;
    }();
    EXPECT_GT(changes, 0U) << "beats of different ids were never interleaved";
  }
}

TEST(MemoryPort, TheSameSeedGivesTheSameCycles) {
  const auto cycles = [](std::uint64_t seed) {
    PortOptions options = quick();
    options.backpressure = 0.5;
    options.seed = seed;
    Bench bench(options);
    std::vector<std::uint64_t> all;
    for (const Beat& beat : bench.read({bench.burst(0, 100)}, 1000, always)) all.push_back(beat.cycle);
    return all;
  };
  EXPECT_EQ(cycles(3), cycles(3));
  EXPECT_NE(cycles(3), cycles(4));
}

TEST(MemoryPort, AnswersFaultsPerBeat) {
  Bench bench(quick());
  bench.faults.read_slverr = {bench.base + 32, bench.base + 48};
  const auto beats = bench.read({bench.burst(0, 4)}, 20, always);
  ASSERT_EQ(beats.size(), 4U);
  EXPECT_EQ(beats[1].response, 0);
  EXPECT_EQ(beats[2].response, 2);
  EXPECT_EQ(beats[3].response, 0);
}

TEST(MemoryPort, NoMemoryIsDecerr) {
  Bench bench(quick());
  const auto beats = bench.read({bench.burst(8192, 2)}, 20, always);
  ASSERT_EQ(beats.size(), 2U);
  EXPECT_EQ(beats[0].response, 3);
  EXPECT_EQ(beats[1].response, 3);
}

TEST(MemoryPort, ABurstThatHangsHoldsBackItsIdOnly) {
  Bench bench(quick(), 2);
  bench.faults.hang = {bench.base, bench.base + 1};
  const std::vector<BurstRequest> bursts = {bench.burst(0, 2, 0), bench.burst(64, 2, 0), bench.burst(128, 2, 1)};
  const auto beats = bench.read(bursts, 1000, always);
  ASSERT_EQ(beats.size(), 2U);
  EXPECT_EQ(beats[0].id, 1);
}

TEST(MemoryPort, FindsEveryBrokenRuleOfRequests) {
  const auto message = [](const std::vector<BurstRequest>& requests, std::uint32_t promised = 0,
                          std::uint32_t most = 0) -> std::string {
    PortOptions options;
    options.promised_bursts = promised;
    options.max_outstanding = most;
    DeviceMemory memory(1U << 20U);
    const MemoryFaults faults;
    ReadPort port(memory, faults, options, "port", kBeat, 1);
    try {
      for (std::size_t c = 0; c < requests.size(); ++c) port.clock(requests[c], false, c);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInternal);
      return error.what();
    }
    return "";
  };
  const BurstRequest good{true, 4096, 3, 4, 1, 0};
  EXPECT_EQ(message({good, good, good}), "");
  const auto with = [&](auto change) {
    BurstRequest request = good;
    change(request);
    return message({good, request});
  };
  EXPECT_THAT(with([](auto& r) { r.address += 8; }), HasSubstr("port in cycle 1: misaligned address 0x1008"));
  EXPECT_THAT(with([](auto& r) { r.address = 8192 - 48; }), HasSubstr("crosses a 4 KiB boundary"));
  EXPECT_EQ(with([](auto& r) { r.address = 8192 - 64; }), "");
  EXPECT_THAT(with([](auto& r) { r.size = 3; }), HasSubstr("size 3, expected 4"));
  EXPECT_THAT(with([](auto& r) { r.burst = 0; }), HasSubstr("burst type 0"));
  EXPECT_THAT(with([](auto& r) { r.id = 1; }), HasSubstr("id 1, expected below 1"));
  EXPECT_THAT(message({good, good, good}, 2), HasSubstr("3 bursts of id 0 under way, expected at most 2"));
  BurstRequest other = good;
  other.address += 64;
  EXPECT_THAT(message({good, good, other}, 0, 1), HasSubstr("the request changed"));
  EXPECT_THAT(message({good, good, BurstRequest{}}, 0, 1), HasSubstr("the request was withdrawn"));
}

/// A write master that offers one beat at a time.
struct WriteBench {
  explicit WriteBench(const PortOptions& options)
      : memory(1U << 20U), base(memory.allocate(8192)), port(memory, faults, options, "port", kBeat) {}

  struct Burst {
    std::uint64_t offset = 0;
    std::vector<std::vector<std::byte>> beats;
    std::vector<std::uint16_t> strobes;
  };
  /// Writes all bursts; returns the response of each. Requests run ahead of data.
  std::vector<std::uint8_t> write(const std::vector<Burst>& bursts, std::uint64_t cycles,
                                  const std::function<bool(std::uint64_t)>& b_ready) {
    std::vector<std::uint8_t> responses;
    std::size_t request = 0, burst = 0, beat = 0;
    for (std::uint64_t c = 0; c < cycles; ++c) {
      const WritePort::Outputs out = port.outputs();
      BurstRequest aw;
      if (request < bursts.size()) {
        aw = {true, base + bursts[request].offset, static_cast<std::uint8_t>(bursts[request].beats.size() - 1), 4, 1,
              0};
      }
      WritePort::Beat w;
      if (burst < bursts.size()) {
        w = {true, beat + 1 == bursts[burst].beats.size(), bursts[burst].beats[beat].data(),
             reinterpret_cast<const std::uint8_t*>(&bursts[burst].strobes[beat])};
      }
      const bool ready = b_ready(c);
      if (out.b_valid && ready) {
        responses.push_back(out.b_response);
        last_response = c;
      }
      if (aw.valid && out.aw_ready) ++request;
      if (w.valid && out.w_ready) {
        last_beat = c;
        if (++beat == bursts[burst].beats.size()) {
          beat = 0;
          ++burst;
        }
      }
      port.clock(aw, w, ready, c);
    }
    return responses;
  }

  DeviceMemory memory;
  Address base;
  MemoryFaults faults;
  WritePort port;
  std::uint64_t last_beat = 0, last_response = 0;
};

TEST(MemoryPort, WritesBytesByTheirStrobes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PortOptions options = quick();
    options.latency_cycles = static_cast<std::uint32_t>(seed % 5);
    options.backpressure = seed % 2 == 0 ? 0.3 : 0.0;
    options.seed = seed;
    WriteBench bench(options);
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    std::vector<std::byte> expected(8192);
    std::vector<WriteBench::Burst> bursts(15);
    for (WriteBench::Burst& burst : bursts) {
      burst.offset = random() % 200 * kBeat;
      const std::uint32_t beats = 1 + random() % 20;
      for (std::uint32_t b = 0; b < beats; ++b) {
        std::vector<std::byte>& data = burst.beats.emplace_back(kBeat);
        for (std::byte& byte : data) byte = std::byte(random() & 0xFFU);
        burst.strobes.push_back(static_cast<std::uint16_t>(random()));
        for (std::uint32_t i = 0; i < kBeat; ++i) {
          if ((burst.strobes.back() >> i & 1U) != 0) expected[burst.offset + b * kBeat + i] = data[i];
        }
      }
    }
    const auto responses = bench.write(bursts, 5000, [&](std::uint64_t) { return random() % 3 != 0; });
    EXPECT_EQ(responses, std::vector<std::uint8_t>(bursts.size(), 0));
    const auto actual = bench.memory.host_span(bench.base, expected.size());
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), actual.begin()));
  }
}

WriteBench::Burst ones(std::uint64_t offset, std::uint32_t beats) {
  return {offset, std::vector(beats, std::vector(kBeat, std::byte{1})), std::vector<std::uint16_t>(beats, 0xFFFF)};
}

TEST(MemoryPort, ResponsesComeAfterTheLatencyAndSayWhatWentWrong) {
  PortOptions options = quick();
  options.latency_cycles = 30;
  WriteBench bench(options);
  bench.faults.write_slverr = {bench.base + 64, bench.base + 65};
  const auto responses = bench.write({ones(0, 4), ones(64, 2), ones(8192, 2)}, 200, always);
  EXPECT_EQ(responses, (std::vector<std::uint8_t>{0, 2, 3}));
  EXPECT_EQ(bench.last_response, bench.last_beat + 30);
  EXPECT_EQ(bench.memory.host_span(bench.base + 63, 1)[0], std::byte{1});
  EXPECT_EQ(bench.memory.host_span(bench.base + 64, 1)[0], std::byte{0}) << "a faulty write changed memory";
}

TEST(MemoryPort, AWriteThatHangsIsNeverAnswered) {
  WriteBench bench(quick());
  bench.faults.hang = {bench.base + 64, bench.base + 65};
  EXPECT_EQ(bench.write({ones(0, 1), ones(64, 1), ones(128, 1)}, 1000, always).size(), 1U);
}

TEST(MemoryPort, WriteBandwidthIsWhatWasAsked) {
  PortOptions options = quick();
  options.bytes_per_cycle = 4;
  WriteBench bench(options);
  bench.write({ones(0, 256), ones(4096, 256)}, 4000, always);
  EXPECT_NEAR(static_cast<double>(bench.last_beat), 512 * 4, 8);
}

TEST(MemoryPort, FindsBrokenRulesOfWriteData) {
  std::vector<std::byte> data(kBeat);
  std::uint16_t strobes = 0xFFFF;
  const BurstRequest aw{true, 4096, 1, 4, 1, 0};
  const auto beat = [&](bool last) {
    return WritePort::Beat{true, last, data.data(), reinterpret_cast<const std::uint8_t*>(&strobes)};
  };
  const auto message = [&](const std::function<void(WritePort&)>& run) -> std::string {
    DeviceMemory memory(1U << 20U);
    const MemoryFaults faults;
    WritePort port(memory, faults, quick(), "port", kBeat);
    data.assign(kBeat, std::byte{});
    strobes = 0xFFFF;
    try {
      run(port);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInternal);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message([&](WritePort& port) {
              port.clock(aw, beat(false), true, 0);
              port.clock({}, beat(false), true, 1);
              port.clock({}, beat(true), true, 2);
            }),
            "");
  EXPECT_THAT(message([&](WritePort& port) {
                port.clock(aw, beat(true), true, 0);
                port.clock({}, beat(true), true, 1);
              }),
              HasSubstr("port in cycle 1: the last beat is too early, 2 beats were to come"));
  EXPECT_THAT(message([&](WritePort& port) {
                port.clock(aw, beat(false), true, 0);
                port.clock({}, beat(false), true, 1);
                port.clock({}, beat(false), true, 2);
              }),
              HasSubstr("not marked"));
  EXPECT_THAT(message([&](WritePort& port) {
                port.clock({}, beat(false), true, 0);
                data[3] = std::byte{1};
                port.clock({}, beat(false), true, 1);
              }),
              HasSubstr("a beat changed"));
  EXPECT_THAT(message([&](WritePort& port) {
                port.clock({}, beat(false), true, 0);
                strobes = 1;
                port.clock({}, beat(false), true, 1);
              }),
              HasSubstr("a beat changed"));
  EXPECT_THAT(message([&](WritePort& port) {
                port.clock({}, beat(false), true, 0);
                port.clock({}, {}, true, 1);
              }),
              HasSubstr("a beat was withdrawn"));
}

}  // namespace
}  // namespace xw::verilated
