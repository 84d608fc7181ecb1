// Device memory behind AXI4: what an accelerator's bus masters talk to, with time, back-pressure and faults.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "host/device/device_memory.hpp"

namespace xw::verilated {

using device::Address;

/// Addresses [begin, end).
struct AddressRange {
  Address begin = 0, end = 0;
  [[nodiscard]] bool overlaps(Address first, Address last) const { return first < end && begin < last; }
};

/// Answers that go wrong, to be injected by tests.
struct MemoryFaults {
  AddressRange read_slverr;   ///< beats in here are answered with SLVERR
  AddressRange write_slverr;  ///< bursts with beats in here are answered with SLVERR
  AddressRange hang;          ///< bursts with beats in here are not answered as long as this is so
};

/// How a port behaves.
struct PortOptions {
  std::uint32_t latency_cycles =
      1;                        ///< from the accepted request to the first beat, and from the last beat to the response
  double bytes_per_cycle = 64;  ///< in each direction
  std::uint32_t max_outstanding = 0;  ///< bursts of one id that the memory takes before it stalls requests; 0: no limit
  std::uint32_t promised_bursts = 0;  ///< a master with more bursts of one id under way breaks its promise; 0: no check
  double backpressure = 0;            ///< probability that a channel stalls in a cycle
  std::uint64_t seed = 0;             ///< of the stalls
};

/// A seeded coin; never tossed when the probability is 0.
class StallCoin {
 public:
  StallCoin(double probability, std::uint64_t seed);
  [[nodiscard]] bool stall() { return threshold_ != 0 && next() < threshold_; }
  [[nodiscard]] bool random() const { return threshold_ != 0; }
  [[nodiscard]] std::uint32_t next();  ///< 32 random bits

 private:
  std::uint64_t threshold_;  ///< of 2^32
  std::uint64_t state_;
};

/// Spaces beats so that a port moves a given number of bytes per cycle on average, at most one beat per cycle.
class BeatClock {
 public:
  BeatClock(double bytes_per_cycle, std::uint32_t beat_bytes) : interval_(beat_bytes / bytes_per_cycle) {}
  [[nodiscard]] bool due(std::uint64_t cycle) const { return static_cast<double>(cycle) >= next_; }
  void take(std::uint64_t cycle) {
    const double earliest = static_cast<double>(cycle) - 1;
    next_ = (next_ > earliest ? next_ : earliest) + interval_;
  }

 private:
  double interval_;
  double next_ = 0;
};

/// A burst on an address channel.
struct BurstRequest {
  bool valid = false;
  Address address = 0;
  std::uint8_t length = 0;  ///< beats - 1
  std::uint8_t size = 0;    ///< log2 of bytes per beat
  std::uint8_t burst = 0;   ///< 1: INCR
  std::uint8_t id = 0;
  friend bool operator==(const BurstRequest&, const BurstRequest&) = default;
};

/// Rules of an address channel. A violation throws Error{kInternal} naming channel, cycle and rule: it is a defect of
/// the master, not of its program.
class RequestRules {
 public:
  RequestRules(std::string channel, std::uint32_t beat_bytes, std::uint32_t num_ids);
  /// What was on the wires in a cycle.
  void check(const BurstRequest& request, bool ready, std::uint64_t cycle);
  void reset() { pending_ = {}; }
  [[noreturn]] void violated(std::uint64_t cycle, const std::string& what) const;

 private:
  std::string channel_;
  std::uint32_t beat_bytes_, num_ids_;
  std::uint8_t size_;
  BurstRequest pending_;
};

inline constexpr std::uint32_t kMaxIds = 2;

/// One AXI4 read slave. Beats of an id come in the order of its requests; with back-pressure beats of different ids are
/// interleaved at random. No memory is DECERR.
class ReadPort {
 public:
  /// What the memory drives in a cycle.
  struct Outputs {
    bool ar_ready = false, r_valid = false, r_last = false;
    std::uint8_t r_response = 0, r_id = 0;
    const std::byte* r_data = nullptr;  ///< a beat; null: zeros
  };

  ReadPort(const device::DeviceMemory& memory, const MemoryFaults& faults, const PortOptions& options, std::string name,
           std::uint32_t beat_bytes, std::uint32_t num_ids);

  [[nodiscard]] const Outputs& outputs() const { return outputs_; }
  /// Nothing under way and outputs() would not change: a clock edge without a request may be left out.
  [[nodiscard]] bool quiet() const { return num_bursts_ == 0 && outputs_.ar_ready && !coin_.random(); }
  /// The clock edge that ends `cycle`, with what the master drove in it. Returns whether outputs() changed.
  bool clock(const BurstRequest& request, bool r_ready, std::uint64_t cycle);
  void reset();
  [[nodiscard]] bool under_way() const { return num_bursts_ != 0; }
  /// Requests accepted and beats delivered so far.
  [[nodiscard]] std::uint64_t transfers() const { return transfers_; }

 private:
  struct Burst {
    Address address = 0;
    const std::byte* data = nullptr;
    std::uint32_t beats = 0;  ///< still to come
    std::uint64_t due = 0, order = 0;
    std::uint8_t id = 0;
    AddressRange range;  ///< all of it
  };
  void accept(const BurstRequest& request, std::uint64_t cycle);
  [[nodiscard]] bool hangs(const AddressRange& range) const { return faults_.hang.overlaps(range.begin, range.end); }
  [[nodiscard]] Burst* choose(std::uint64_t cycle);

  const device::DeviceMemory& memory_;
  const MemoryFaults& faults_;
  PortOptions options_;
  std::uint32_t beat_bytes_;
  RequestRules rules_;
  StallCoin coin_;
  BeatClock beats_;
  std::array<std::deque<Burst>, kMaxIds> bursts_;
  std::uint32_t num_bursts_ = 0;
  std::uint64_t order_ = 0, transfers_ = 0;
  Burst* current_ = nullptr;  ///< whose beats are being delivered
  Outputs outputs_;
};

/// One AXI4 write slave with one id. Responses come in the order of the requests. Bytes reach memory with their beat.
class WritePort {
 public:
  struct Outputs {
    bool aw_ready = false, w_ready = false, b_valid = false;
    std::uint8_t b_response = 0;
  };
  struct Beat {
    bool valid = false, last = false;
    const std::byte* data = nullptr;
    const std::uint8_t* strobes = nullptr;  ///< bit i of byte i / 8
  };

  WritePort(const device::DeviceMemory& memory, const MemoryFaults& faults, const PortOptions& options,
            std::string name, std::uint32_t beat_bytes);

  [[nodiscard]] const Outputs& outputs() const { return outputs_; }
  [[nodiscard]] bool quiet() const { return bursts_.empty() && outputs_.aw_ready && !coin_.random() && !held_beat_; }
  bool clock(const BurstRequest& request, const Beat& beat, bool b_ready, std::uint64_t cycle);
  void reset();
  [[nodiscard]] bool under_way() const { return !bursts_.empty(); }
  [[nodiscard]] std::uint64_t transfers() const { return transfers_; }

 private:
  struct Burst {
    Address address = 0;  ///< of the next beat
    std::byte* data = nullptr;
    std::uint32_t beats = 0;  ///< still to come
    std::uint64_t due = 0;    ///< of the response, once the beats are there
    std::uint8_t response = 0;
    AddressRange range;  ///< all of it
  };
  void accept(const BurstRequest& request);
  [[nodiscard]] bool hangs(const AddressRange& range) const { return faults_.hang.overlaps(range.begin, range.end); }
  void take_beat(const Beat& beat, std::uint64_t cycle);
  void check_held(const Beat& beat, std::uint64_t cycle);

  const device::DeviceMemory& memory_;
  const MemoryFaults& faults_;
  PortOptions options_;
  std::uint32_t beat_bytes_;
  RequestRules rules_;
  StallCoin coin_;
  BeatClock beats_;
  std::deque<Burst> bursts_;  ///< accepted, oldest first; their beats come in the same order
  std::size_t filling_ = 0;   ///< index in bursts_ of the one whose beats come
  std::uint64_t transfers_ = 0;
  bool held_beat_ = false, held_last_ = false;  ///< a beat was offered and not taken
  std::vector<std::byte> held_data_;
  std::vector<std::uint8_t> held_strobes_;
  Outputs outputs_;
};

}  // namespace xw::verilated
