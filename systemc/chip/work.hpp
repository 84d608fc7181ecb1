// The protocol of the chip's sockets: work with its answer.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <systemc>
#include <tlm>

#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::systemc {

/// A piece of work is a transaction with this extension: address = number of the server (tile, link), command
/// TLM_IGNORE_COMMAND. The target adds to `delay` the time until the work is done, waiting for the server included, and
/// fills in the answer.
class Work final : public tlm::tlm_extension<Work> {
 public:
  std::uint32_t rows = 0, cols = 0;  ///< tiles: size of the block
  std::uint64_t bytes = 0;           ///< links, accumulators, buffer, memory: to move
  std::uint64_t hop_bytes = 0;       ///< links: bytes times routers passed. Their time is the sender's to add: a
                                     ///< broadcast reaches every tile at another time
  DigitalWork digital;               ///< digital units
  // Answer
  sc_core::sc_time begin, end;  ///< the server is busy
  Breakdown time_ns;            ///< what the time from request to completion was spent on
  Breakdown energy_pj;

  [[nodiscard]] tlm::tlm_extension_base* clone() const override { return new Work(*this); }
  void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const Work&>(other); }
  void clear_answer() {
    begin = end = sc_core::SC_ZERO_TIME;
    time_ns = {};
    energy_pj = {};
  }
};

/// The work on `payload`; null if it is none or not for one of `num_servers` (the response is set then).
[[nodiscard]] Work* work_of(tlm::tlm_generic_payload& payload, std::size_t num_servers);

/// Nanoseconds as simulated time and back; picoseconds are exact.
[[nodiscard]] inline sc_core::sc_time nanoseconds(double ns) {
  return {ns, sc_core::SC_NS};
}
[[nodiscard]] inline double in_nanoseconds(const sc_core::sc_time& time) {
  static const double unit = sc_core::sc_time(1, sc_core::SC_NS).to_double();
  return time.to_double() / unit;
}

/// Something that does one thing at a time, in the order of the requests.
class Server {
 public:
  /// Occupies the server for `duration` as soon as it is free, not before `earliest`; returns the begin.
  sc_core::sc_time occupy(const sc_core::sc_time& earliest, const sc_core::sc_time& duration) {
    const sc_core::sc_time begin = earliest < free_ ? free_ : earliest;
    free_ = begin + duration;
    busy_ += duration;
    return begin;
  }
  [[nodiscard]] double busy_ns() const { return in_nanoseconds(busy_); }

 private:
  sc_core::sc_time free_ = sc_core::SC_ZERO_TIME, busy_ = sc_core::SC_ZERO_TIME;
};

}  // namespace xw::systemc
