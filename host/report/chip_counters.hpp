// Counters of a simulated chip over time, for its timeline.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "host/report/trace_events.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::report {

/// Parts of the chip that counters and categories of spans tell apart.
enum class ChipPart : std::uint8_t { kTiles, kLinks, kDigital, kMemory };
[[nodiscard]] ChipPart part_of(systemc::Track track);

/// Means over intervals of whole ns, at most 2,000 of them: power by part of the chip in mW (the energy of a piece of work spread evenly over
/// its time; static power apart), tiles and links that are busy; and the bytes of activations that are alive, at every change.
void add_counters(const systemc::ChipResult& result, int process, TraceEvents& events);

}  // namespace xw::report
