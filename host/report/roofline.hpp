// What bounds work on the chip, and where simulated runs are below that.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arch/description/description.hpp"
#include "host/report/chip_run.hpp"

namespace xw::report {

/// Bounds of the chips that a plan is on, all of them at once; nothing where the description has no constants.
struct Roofs {
  std::optional<double>
      tiles_ops_per_s;  ///< every tile of the plan that can work at once, all its cells; two operations a multiply-add
  std::optional<double> digital_ops_per_s;  ///< multiply-adds of the digital units
  std::optional<double> memory_bytes_per_s;
};
[[nodiscard]] Roofs roofs_of(const systemc::ChipPlan& plan, const arch::ChipDescription& chip);

/// Bytes that a run moves from and to memory: digital work of its tokens and activations that did not fit the buffer. 0 with the digital
/// side on the host.
[[nodiscard]] std::uint64_t memory_bytes(const systemc::ChipPlan& plan, const ChipRun& run);

/// {"kind", "tiles": {"operations_per_s"}, "digital_units": {"operations_per_s"}, "memory": {"bytes_per_s"}, "points": [{"name", "kind",
/// "operations", "memory_bytes", "time_ns"}]} of runs by name; roofs that are not known are left out.
[[nodiscard]] nlohmann::ordered_json roofline_json(const systemc::ChipPlan& plan, const arch::ChipDescription& chip,
                                                   const std::vector<std::pair<std::string, const ChipRun*>>& runs);

}  // namespace xw::report
