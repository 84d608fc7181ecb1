// What the servers of the simulated chip did when, in the Chrome trace format (Perfetto, chrome://tracing).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::report {

/// One JSON object (docs/systemc.md#timeline): the tokens that the host waits for, by sequence; a process per kind of server with a thread
/// per server, tiles with the names of what they hold; counters of power, busy servers and buffer; an arrow for every token through the
/// first tile of each call. Times are whole ns. `write` gets the text in pieces. `result` needs its activities.
void write_timeline(const systemc::ChipPlan& plan, const systemc::ChipResult& result, const std::string& chip,
                    const std::function<void(std::string_view)>& write);

}  // namespace xw::report
