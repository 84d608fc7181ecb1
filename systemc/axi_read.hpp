// The read burst engine of a unit (xw_axi_read): splits ranges into bursts and keeps some of them under way.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <tlm>
#include <vector>

#include "systemc/rtl_timing.hpp"
#include "systemc/run_control.hpp"

namespace xw::systemc {

inline constexpr std::uint64_t kPageBytes = 4096;  ///< no AXI burst crosses a multiple of it
inline constexpr std::uint32_t kMostBeats = 256;   ///< of an AXI burst

/// A burst of a read: `beats` beats that can be taken from `first` to `last`, evenly spaced.
struct Burst {
  std::uint64_t offset = 0;  ///< bytes from the start of the range
  std::uint32_t bytes = 0, beats = 0;
  Cycles first = 0, last = 0;
};

/// Fault of a response; `address` is that of the burst.
[[nodiscard]] inline Fault fault_of(const tlm::tlm_generic_payload& payload) {
  if (payload.is_response_ok()) return {};
  const bool nothing_there = payload.get_response_status() == tlm::TLM_ADDRESS_ERROR_RESPONSE;
  return {nothing_there ? arch::DeviceError::kMemoryDecerr : arch::DeviceError::kMemorySlverr, payload.get_address()};
}

/// Does no waiting: all times are computed, in cycles of the run.
class AxiRead {
 public:
  /// `address_delay`: cycles that an address takes from this engine to the port.
  explicit AxiRead(const RunControl& control, Cycles address_delay = 0)
      : control_(control), address_delay_(address_delay) {}

  void restart() {
    ready_ = 0;
    under_way_.assign(std::max(1U, control_.settings.emulator.max_outstanding), 0);
    next_ = 0;
  }

  /// Earliest cycle in which the next range can be requested.
  [[nodiscard]] Cycles ready() const { return ready_; }

  /// Reads `bytes` at `address` to `data`, requested in cycle `request`. consume(burst) returns the cycle in which it
  /// took the last beat. Beyond the first `real_bytes` only time is asked for, no data. Stops at the first fault.
  template <typename Consume>
  Fault read(tlm::tlm_fw_transport_if<>& memory, Cycles request, std::uint64_t address, std::byte* data,
             std::uint64_t bytes, std::uint64_t real_bytes, Consume&& consume) {
    const std::uint32_t beat_bytes = control_.settings.beat_bytes();
    const double rate = control_.settings.emulator.memory_bytes_per_cycle;
    const double cycles_per_beat = std::max(1.0, beat_bytes / rate);
    Cycles on_bus = std::max(request, ready_) + rtl::kRequestToAddress;
    for (Burst burst; burst.offset < bytes; burst.offset += burst.bytes) {
      const std::uint64_t begin = address + burst.offset;
      const std::uint64_t most =
          std::min<std::uint64_t>(kPageBytes - begin % kPageBytes, std::uint64_t{kMostBeats} * beat_bytes);
      burst.bytes = static_cast<std::uint32_t>(std::min(bytes - burst.offset, most));
      burst.beats = (burst.bytes + beat_bytes - 1) / beat_bytes;
      on_bus = std::max(on_bus, under_way_[next_]);
      payload_.set_command(burst.offset < real_bytes ? tlm::TLM_READ_COMMAND : tlm::TLM_IGNORE_COMMAND);
      payload_.set_address(begin);
      payload_.set_data_ptr(reinterpret_cast<unsigned char*>(data + burst.offset));
      payload_.set_data_length(burst.bytes);
      payload_.set_streaming_width(burst.bytes);
      payload_.set_dmi_allowed(false);
      payload_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
      const Cycles now = control_.clock.now();
      sc_core::sc_time delay = control_.clock.span(std::max(on_bus + address_delay_, now) - now);
      memory.b_transport(payload_, delay);
      if (const Fault fault = fault_of(payload_)) return fault;
      burst.last = control_.clock.now() + control_.clock.count(delay) + rtl::kReadRegister;
      const auto spread = static_cast<Cycles>((burst.beats - 1) * cycles_per_beat);
      burst.first = burst.last - std::min(burst.last, spread);
      under_way_[next_] = consume(static_cast<const Burst&>(burst)) - rtl::kReadRegister + rtl::kAnswerToAddress;
      next_ = next_ + 1 == under_way_.size() ? 0 : next_ + 1;
      ready_ = on_bus;
      ++on_bus;
    }
    return {};
  }

 private:
  const RunControl& control_;
  tlm::tlm_generic_payload payload_;
  Cycles address_delay_;
  Cycles ready_ = 0;                  ///< all bursts so far are requested
  std::vector<Cycles> under_way_{0};  ///< ring: earliest address after the burst that must be answered before
  std::size_t next_ = 0;
};

}  // namespace xw::systemc
