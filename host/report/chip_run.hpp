// A simulation of the chip and the figures that follow from it; the same in `crossweave simulate` and `crossweave report`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "systemc/chip/chip_plan.hpp"
#include "systemc/chip/chip_result.hpp"

namespace xw::report {

/// A simulation with what it took on this machine.
struct ChipRun {
  systemc::ChipWorkload workload;
  systemc::ChipResult result;
  double host_ms = 0;  ///< measured
};

/// Shares of the simulated time in which parts of the chip were busy, 0 to 1.
struct ChipUtilisation {
  double tiles_mean = 0, tiles_largest = 0;
  std::uint32_t busiest_tile = 0;       ///< the first one, if several are equally busy
  std::uint32_t num_busiest_tiles = 0;  ///< how many are that busy (relative 1e-9); 0 if no tile worked
  double input_links_largest = 0, output_links_largest = 0;
  double accumulators = 0, buffer = 0, digital_units = 0, memory = 0;

  /// Kinds of units with their shares, the busiest unit of a kind counts; the busiest kind first.
  [[nodiscard]] std::vector<std::pair<std::string_view, double>> kinds() const;
};
[[nodiscard]] ChipUtilisation utilisation_of(const systemc::ChipResult& result);

/// Components with their shares of the total, the largest first, those of zero left out. The shares add up to 1; nothing
/// if the total is 0.
[[nodiscard]] std::vector<std::pair<systemc::Component, double>> shares_of(const systemc::Breakdown& breakdown);
/// The component with most of it.
[[nodiscard]] systemc::Component largest_of(const systemc::Breakdown& breakdown);
/// Share of the components that are waiting for something that is busy, 0 to 1.
[[nodiscard]] double waiting_share(const systemc::Breakdown& critical_path);

/// Tokens that were generated; the last token of a prompt gives the first one.
[[nodiscard]] std::uint64_t generated_tokens(const systemc::ChipWorkload& workload);
/// Two per multiply-add, of tiles and digital units.
[[nodiscard]] double operations(const systemc::ChipResult& result);
/// Operations per second, in 1e12.
[[nodiscard]] double tops(const systemc::ChipResult& result);
/// Operations per joule, in 1e12.
[[nodiscard]] double tops_per_watt(const systemc::ChipResult& result);
/// Time on the critical path in attention, summed over tokens.
[[nodiscard]] double attention_ns(const systemc::ChipPlan& plan, const systemc::ChipResult& result);

/// Components that are not zero, by name.
[[nodiscard]] nlohmann::ordered_json to_json(const systemc::Breakdown& breakdown);
/// Everything about a run (docs/report.md).
[[nodiscard]] nlohmann::ordered_json to_json(const systemc::ChipPlan& plan, const ChipRun& run);

}  // namespace xw::report
