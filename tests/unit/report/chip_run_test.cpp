// Figures of a simulation of the chip, from results made by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "host/report/chip_section.hpp"

namespace xw::report {
namespace {

using systemc::Breakdown;
using systemc::ChipResult;
using systemc::Component;

[[nodiscard]] ChipResult made_result() {
  ChipResult result;
  result.total_ns = 200;
  result.tile_busy_ns = {10, 50, 0, 50, 40};
  result.input_link_busy_ns = {20, 4};
  result.output_link_busy_ns = {2, 30};
  result.accumulator_busy_ns = 1;
  result.buffer_busy_ns = 8;
  result.digital_busy_ns = 60;
  result.memory_busy_ns = 90;
  result.critical_path_ns[Component::kCells] = 50;
  result.critical_path_ns[Component::kMemory] = 90;
  result.critical_path_ns[Component::kTileWait] = 20;
  result.critical_path_ns[Component::kOrderWait] = 40;
  result.energy_pj[Component::kMemory] = 300;
  result.energy_pj[Component::kStatic] = 100;
  result.cell_macs = 3000;
  result.digital_macs = 1000;
  return result;
}

TEST(ChipRun, UtilisationIsBusyTimeOverTime) {
  const ChipUtilisation busy = utilisation_of(made_result());
  EXPECT_DOUBLE_EQ(busy.tiles_mean, 150.0 / 5 / 200);
  EXPECT_DOUBLE_EQ(busy.tiles_largest, 0.25);
  EXPECT_EQ(busy.busiest_tile, 1U);
  EXPECT_EQ(busy.num_busiest_tiles, 2U);
  EXPECT_THAT(busy.kinds(),
              testing::ElementsAre(testing::Pair("memory", 0.45), testing::Pair("digital units", 0.3),
                                   testing::Pair("tiles", 0.25), testing::Pair("output links", 0.15),
                                   testing::Pair("input links", 0.1), testing::Pair("activation buffer", 0.04),
                                   testing::Pair("accumulators", 0.005)));
  ChipResult idle;
  idle.total_ns = 1;
  idle.tile_busy_ns = {0, 0};
  EXPECT_EQ(utilisation_of(idle).num_busiest_tiles, 0U);
}

TEST(ChipRun, SharesAreSortedAndAddUpToOne) {
  const ChipResult result = made_result();
  EXPECT_THAT(
      shares_of(result.critical_path_ns),
      testing::ElementsAre(testing::Pair(Component::kMemory, 0.45), testing::Pair(Component::kCells, 0.25),
                           testing::Pair(Component::kOrderWait, 0.2), testing::Pair(Component::kTileWait, 0.1)));
  EXPECT_EQ(largest_of(result.critical_path_ns), Component::kMemory);
  EXPECT_DOUBLE_EQ(waiting_share(result.critical_path_ns), 0.3);
  EXPECT_TRUE(shares_of(Breakdown{}).empty());
  EXPECT_EQ(waiting_share(Breakdown{}), 0);
}

TEST(ChipRun, OperationsAreTwoPerMultiplyAdd) {
  const ChipResult result = made_result();
  EXPECT_DOUBLE_EQ(tops(result), 2 * 4000 / 200e-9 / 1e12);
  EXPECT_DOUBLE_EQ(tops_per_watt(result), 2 * 4000 / 400e-12 / 1e12);
}

TEST(ChipSection, ThePromptCountsItsTokensAndTheEstimateIsSetBeside) {
  ChipSection section;
  section.plan.calls = {
      {"a", 1, 1, {{1, 1, 1, 0}, {1, 1, 1, 0}}}, {"b", 1, 1, {{0, 1, 1, 0}}}, {"c", 1, 1, {{1, 1, 1, 0}}}};
  section.decode = ChipRun{decode_workload(7), made_result(), 0.5};
  section.prefill = ChipRun{prefill_workload(4), made_result(), 0.5};
  StaticEstimate estimate;
  estimate.decode.time_ns = 160;
  estimate.prefill_total.time_ns = 250;
  const nlohmann::ordered_json json = to_json(section, estimate);
  EXPECT_EQ(json["decode"]["context"], 7);
  EXPECT_EQ(json["decode"]["first_position"], 6);
  EXPECT_DOUBLE_EQ(json["decode"]["tokens_per_s"].get<double>(), 5e6);
  EXPECT_DOUBLE_EQ(json["decode"]["energy_pj_per_token"].get<double>(), 400);
  EXPECT_DOUBLE_EQ(json["decode"]["power_w"].get<double>(), 400e-12 / 200e-9);
  EXPECT_DOUBLE_EQ(json["decode"]["time_to_static_estimate"].get<double>(), 1.25);
  EXPECT_EQ(json["decode"]["utilisation"]["busiest_tile_calls"], (nlohmann::json{"a", "c"}));
  EXPECT_DOUBLE_EQ(json["prefill"]["prompt_tokens_per_s"].get<double>(), 2e7);
  EXPECT_DOUBLE_EQ(json["prefill"]["energy_pj_per_prompt_token"].get<double>(), 100);
  EXPECT_DOUBLE_EQ(json["prefill"]["time_to_static_estimate"].get<double>(), 0.8);
  EXPECT_FALSE(json["prefill"].contains("tokens_per_s"));
  EXPECT_FALSE(to_json(section, std::nullopt)["decode"].contains("time_to_static_estimate"));

  std::ostringstream text;
  arch::ChipDescription chip;
  chip.name = "made";
  print_text(section, chip, estimate, text);
  EXPECT_THAT(text.str(),
              testing::HasSubstr("the simulated time is 25.0 % longer; tokens wait for what is busy 30.0 %"));
  EXPECT_THAT(text.str(), testing::HasSubstr("the simulated time is 20.0 % shorter"));
  EXPECT_THAT(text.str(), testing::HasSubstr("25.0 % most (tile 1: a and 1 more; as busy: 1 more)"));
}

}  // namespace
}  // namespace xw::report
