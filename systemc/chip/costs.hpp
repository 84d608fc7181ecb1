// What the parts of the chip take for a piece of work when nothing is in its way. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "arch/description/description.hpp"
#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::systemc {

/// An exponential that the description says nothing about costs as many multiply-adds (docs/chip-description.md).
inline constexpr double kMacsPerExp = 8;

/// What a part that moves bytes costs.
struct ChannelCost {
  Component component = Component::kInputLink;
  Component waiting = Component::kLinkWait;
  double bytes_per_ns = 0;  ///< 0: unlimited
  double latency_ns = 0;    ///< after the last byte left; the channel is free again then
  double byte_pj = 0;
  double hop_byte_pj = 0;  ///< per byte and router
  /// Time in which the channel is busy.
  [[nodiscard]] double move_ns(double bytes) const { return bytes_per_ns > 0 ? bytes / bytes_per_ns : 0; }
};

/// The constants of a description as costs: the simulation and the static estimate both work with these.
class ChipCosts {
 public:
  ChipCosts() = default;
  /// Absent optional constants are what docs/chip-description.md says about them; other absent ones cost nothing.
  explicit ChipCosts(const arch::ChipDescription& chip);

  /// One MVM of a block: dac + read_phases * mvm + conversion rounds + rescaling, whatever part of the tile it uses.
  [[nodiscard]] Breakdown mvm_ns(std::uint32_t cols) const;
  [[nodiscard]] Breakdown mvm_pj(std::uint32_t rows, std::uint32_t cols) const;
  /// One operation of the digital units: its start, then multiply-adds and exponentials; without memory.
  [[nodiscard]] Breakdown digital_ns(const DigitalWork& work) const;
  [[nodiscard]] Breakdown digital_pj(const DigitalWork& work) const;

  ChannelCost input_link, output_link, accumulator, buffer, memory, host_link, chip_link;
  double hop_latency_ns = 0;
  std::uint32_t sum_bytes = 4;                       ///< one sum of a tile or a call
  bool has_accumulator = false, has_buffer = false;  ///< otherwise sums and activations move for nothing
  double static_watt = 0;

 private:
  std::uint32_t adcs_ = 1;
  double dac_ns_ = 0, cells_ns_ = 0, adc_round_ns_ = 0, rescale_ns_ = 0;
  double dac_pj_ = 0, cell_pj_ = 0, adc_pj_ = 0, rescale_pj_ = 0;
  double start_ns_ = 0, mac_rate_ = 1, exp_rate_ = 1, mac_pj_ = 0, exp_pj_ = 0;
};

}  // namespace xw::systemc
