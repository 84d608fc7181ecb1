// Calls over several chips against figures worked out by hand.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <vector>

#include "host/estimate/static_estimate.hpp"
#include "systemc/chip/call_routes.hpp"
#include "systemc/chip/chip_links.hpp"
#include "tests/unit/estimate/made_chip.hpp"

namespace xw::estimate {
namespace {

using systemc::CallWork;
using systemc::ChipPlan;
using systemc::Component;

arch::ChipLinks links(arch::LinkTopology topology, std::uint32_t columns = 0) {
  arch::ChipLinks made;
  made.topology = topology;
  made.mesh_columns = columns;
  return made;
}

TEST(ChipPath, ChainsPassEveryChipBetween) {
  const arch::ChipLinks chain = links(arch::LinkTopology::kChain);
  EXPECT_EQ(systemc::chip_path(chain, 4, 0, 3), (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(systemc::chip_path(chain, 4, 3, 1), (std::vector<std::uint32_t>{3 + 2, 3 + 1}));
  EXPECT_TRUE(systemc::chip_path(chain, 4, 2, 2).empty());
}

TEST(ChipPath, StarsHaveTwoLinksPerWay) {
  EXPECT_EQ(systemc::chip_path(links(arch::LinkTopology::kStar), 5, 4, 1), (std::vector<std::uint32_t>{4, 5 + 1}));
}

/// Follows a path of a mesh link by link; where it ends.
std::uint32_t walk(const std::vector<std::uint32_t>& path, std::uint32_t from, std::uint32_t columns,
                   std::uint32_t num_chips) {
  for (const std::uint32_t link : path) {
    EXPECT_EQ(link / 4, from) << "a link of another chip";
    switch (link % 4) {
      case 0:
        EXPECT_LT(from % columns, columns - 1);
        ++from;
        break;
      case 1:
        EXPECT_GT(from % columns, 0U);
        --from;
        break;
      case 2:
        from += columns;
        break;
      default:
        EXPECT_GE(from, columns);
        from -= columns;
    }
    EXPECT_LT(from, num_chips) << "a chip that is not there";
  }
  return from;
}

TEST(ChipPath, MeshesAreWalkedOnTheShortestWayOverChipsThatExist) {
  for (std::uint32_t columns = 1; columns <= 5; ++columns) {
    const arch::ChipLinks mesh = links(arch::LinkTopology::kMesh, columns);
    for (std::uint32_t chips = 1; chips <= 13; ++chips) {
      for (std::uint32_t from = 0; from < chips; ++from) {
        for (std::uint32_t to = 0; to < chips; ++to) {
          const std::vector<std::uint32_t> path = systemc::chip_path(mesh, chips, from, to);
          EXPECT_EQ(walk(path, from, columns, chips), to);
          const int rows = std::abs(static_cast<int>(from / columns) - static_cast<int>(to / columns));
          const int across = std::abs(static_cast<int>(from % columns) - static_cast<int>(to % columns));
          EXPECT_EQ(path.size(), static_cast<std::size_t>(rows + across));
          for (const std::uint32_t link : path) EXPECT_LT(link, systemc::num_chip_links(mesh, chips));
        }
      }
    }
  }
}

/// Three chips of two tiles; the call is wanted by chip 0 and has 64 x 32 blocks on all of them.
ChipPlan three_chips() {
  ChipPlan plan;
  plan.num_chips = 3;
  plan.tiles_per_chip = 2;
  plan.num_tiles = 6;
  plan.num_layers = 1;
  CallWork call;
  call.name = "call";
  call.in_features = 128;
  call.out_features = 96;
  // Chip 1 has both halves of the inputs of outputs 32..63, chip 2 of 64..95.
  call.blocks = {{0, 64, 32, 0, 0},   {1, 64, 32, 64, 0}, {2, 64, 32, 0, 32},
                 {3, 64, 32, 64, 32}, {4, 64, 32, 0, 64}, {5, 64, 32, 64, 64}};
  plan.calls = {call};
  systemc::Step step;
  step.kind = systemc::StepKind::kCall;
  step.name = "call";
  plan.steps = {step};
  return plan;
}

TEST(SeveralChips, InputsPassEveryLinkOnceAndSumsComeBackAddedUp) {
  const systemc::RoutedCall routed = systemc::route(three_chips().calls.front(), test::made_chip(), three_chips());
  ASSERT_EQ(routed.packets.size(), 2U) << "two halves of the inputs";
  for (const systemc::ChipPacket& packet : routed.packets) {
    EXPECT_EQ(packet.bytes, 64U);
    ASSERT_EQ(packet.hops.size(), 2U) << "from chip 0 to 1 and on to 2, once";
    EXPECT_EQ(packet.hops[0].after, systemc::kNoHop);
    EXPECT_EQ(packet.hops[1].after, 0U);
  }
  ASSERT_EQ(routed.returns.size(), 2U);
  EXPECT_EQ(routed.returns[0].bytes, 4U * 32);
  EXPECT_EQ(routed.returns[1].links.size(), 2U);
}

TEST(SeveralChips, TimesAndEnergiesByHand) {
  arch::ChipDescription chip = test::made_chip();
  chip.num_tiles = 2;
  // Links: 25 bytes per ns, 20 ns, 14 pJ (the defaults).
  const CallEstimate call = estimate_calls(three_chips(), chip).front();
  EXPECT_EQ(call.chips, 3U);
  // Packets of 64 bytes one behind the other, 2.56 ns each: the second is at chip 1 after 5.12 + 20, at chip 2 after 2.56 + 20 more.
  const double inputs = 2 * 2.56 + 20 + 2.56 + 20;
  // 128 bytes of sums from chip 2 pass link 2-1, then 1-0 at 25.12; those of chip 1 have left it by then.
  const double sums = 2 * (128 / 25.0 + 20);
  EXPECT_NEAR(call.chip_link_ns, inputs + sums, 1e-9);
  EXPECT_EQ(call.chip_bytes, 2U * 2 * 64 + 128 + 2 * 128);
  EXPECT_NEAR(call.energy_pj[Component::kChipLink], 14.0 * (256 + 384), 1e-9);
  EXPECT_NEAR(call.link_ns, 2 * 11 + (64 + 128) / 8.0, 1e-9) << "of a chip: every tile has links of its own";
}

TEST(SeveralChips, ActivationsMoveWhereTheNextStepIsElsewhere) {
  ChipPlan plan = three_chips();
  systemc::Step digital;
  digital.work.macs = 160;
  digital.chip = 2;
  digital.carried = {60, 10};
  plan.steps.push_back(digital);
  ir::Graph graph;  // only its kinds of nodes are listed
  graph.add(ir::OpKind::kInput, {}, {}, "tokens", {1});
  graph.add(ir::OpKind::kOutput, {0}, {}, "", {});
  arch::ChipDescription chip = test::made_chip();
  chip.num_tiles = 2;
  const auto result = static_estimate(plan, graph, chip, 5, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->digital.carry_ns, 2 * (100 / 25.0 + 20), 1e-9) << "two links, whole before it goes on";
  EXPECT_EQ(result->digital.carried_bytes, 200U);
  const double all = result->calls.front().time_ns() + 19 + 160 / 16.0 + result->digital.carry_ns;
  EXPECT_NEAR(result->decode.time_ns, all, 1e-9);
  EXPECT_NEAR(result->decode.energy_pj[Component::kStatic], 3 * 0.5 * all * 1e3, 1e-6) << "every chip is on";
}

}  // namespace
}  // namespace xw::estimate
