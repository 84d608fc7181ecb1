// Event counters of a call: sums over its instructions, as the contract defines them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "arch/generated/xw_arch.hpp"
#include "compiler/program/instruction.hpp"
#include "host/device/device.hpp"

namespace xw::functional {

/// Events of executing some instructions; all but `block_bytes` are per vector.
struct CallTotals {
  std::uint64_t mvms = 0, macs = 0, dac_conversions = 0, adc_conversions = 0, x_bytes = 0, y_bytes = 0;
  std::array<std::uint64_t, arch::kMaxEngines> block_bytes{};
};
[[nodiscard]] CallTotals sum_events(std::span<const program::Instruction> instructions);
/// Fills the event counters of `stats` but for `adc_saturations`, `instructions` and `program_bytes_read`.
void count_events(const CallTotals& totals, std::uint32_t num_vectors, device::RunStats& stats);

}  // namespace xw::functional
