// The static estimate and the simulated chip count the same work: equal events and energies, and equal times where nothing waits.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "host/backends/systemc/chip_simulation.hpp"
#include "host/estimate/static_estimate.hpp"
#include "tests/unit/estimate/family_plans.hpp"
#include "tests/unit/estimate/made_chip.hpp"

namespace xw::estimate {
namespace {

using systemc::Component;

constexpr std::uint32_t kContext = 10, kPrompt = 5;

/// All components but static power, which is time.
void expect_same_energy(const systemc::Breakdown& estimated, const systemc::Breakdown& simulated) {
  for (std::size_t i = 0; i < systemc::kNumComponents; ++i) {
    const auto part = static_cast<Component>(i);
    if (part == Component::kStatic) continue;
    EXPECT_NEAR(estimated[part], simulated[part], 1e-9 * (1 + simulated[part])) << systemc::name(part);
  }
}

/// Calls body(made, chip) for every family, an analog and a digital output layer, shared and own tiles, a plain and a rich chip.
template <typename Body>
void for_all(const Body& body) {
  for (const std::string& family : test::families()) {
    for (const bool lm_head_analog : {false, true}) {
      for (const std::uint32_t tiles : {0U, 7U}) {
        for (const bool rich : {false, true}) {
          SCOPED_TRACE(family + (lm_head_analog ? ", analog" : ", digital") + " output layer, tiles " +
                       std::to_string(tiles) + (rich ? ", rich chip" : ", plain chip"));
          arch::ChipDescription chip = rich ? test::made_chip_with_everything() : test::made_chip();
          if (tiles != 0) chip.sum_bytes = 1;
          body(test::family_plan(family, lm_head_analog, tiles), chip);
        }
      }
    }
  }
}

TEST(EstimateAndSimulation, CountTheSameWorkForADecodedToken) {
  for_all([](const test::FamilyPlan& made, const arch::ChipDescription& chip) {
    systemc::ChipWorkload workload;
    workload.first_position = kContext - 1;
    const systemc::ChipResult simulated = systemc::simulate_chip(made.plan, chip, workload);
    const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, 1);
    ASSERT_TRUE(estimated.has_value());
    std::uint64_t macs = 0, cells = 0, blocks = 0, link_bytes = 0, hop_bytes = 0;
    for (const KindWork& kind : estimated->digital.kinds) macs += kind.work.macs;
    for (const CallEstimate& call : estimated->calls) {
      cells += call.cells;
      blocks += call.blocks;
      link_bytes += call.x_bytes + call.y_bytes;
      hop_bytes += call.hop_bytes;
    }
    EXPECT_EQ(macs, simulated.digital_macs);
    EXPECT_EQ(cells, simulated.cell_macs);
    EXPECT_EQ(blocks, simulated.block_mvms);
    EXPECT_EQ(link_bytes, simulated.link_bytes);
    EXPECT_EQ(hop_bytes, simulated.hop_bytes);
    expect_same_energy(estimated->decode.energy_pj, simulated.energy_pj);
    EXPECT_NEAR(estimated->decode.time_ns, simulated.total_ns, 0.05) << "picoseconds are rounded";
  });
}

/// The simulation tells energies by step, and a step is a node.
TEST(EstimateAndSimulation, CountTheSameWorkPerKindOfNode) {
  for_all([](const test::FamilyPlan& made, const arch::ChipDescription& chip) {
    systemc::ChipWorkload workload;
    workload.first_position = kContext - 1;
    const systemc::ChipResult simulated = systemc::simulate_chip(made.plan, chip, workload);
    const double mac_pj = chip.energy.at("digital_mac").value;
    const double exp_pj = chip.energy.contains("digital_exp") ? chip.energy.at("digital_exp").value : 8 * mac_pj;
    for (const KindWork& kind : work_by_kind(made.graph, kContext)) {
      SCOPED_TRACE(ir::name(kind.kind));
      systemc::Breakdown energy;
      for (std::size_t i = 0; i < made.plan.steps.size(); ++i) {
        if (made.graph.nodes[i + 1].kind == kind.kind) energy += simulated.steps[i].energy_pj;
      }
      EXPECT_NEAR(energy[Component::kDigitalMac] / mac_pj, static_cast<double>(kind.work.macs), 1e-6);
      EXPECT_NEAR(energy[Component::kDigitalExp] / exp_pj, static_cast<double>(kind.work.exps), 1e-6);
      EXPECT_NEAR(energy[Component::kMemory] / 40, static_cast<double>(kind.work.memory_bytes), 1e-6);
    }
  });
}

TEST(EstimateAndSimulation, CountTheSameWorkForAPrompt) {
  for_all([](const test::FamilyPlan& made, const arch::ChipDescription& chip) {
    systemc::ChipWorkload workload;
    workload.prompt_tokens = kPrompt;
    const systemc::ChipResult simulated = systemc::simulate_chip(made.plan, chip, workload);
    const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, kPrompt);
    expect_same_energy(estimated->prefill_total.energy_pj, simulated.energy_pj);
    EXPECT_NEAR(estimated->prefill_total.time_ns, simulated.total_ns, 0.01 * simulated.total_ns);
  });
}

TEST(EstimateAndSimulation, CountTheSameWorkForFirstTokensOnTheHost) {
  for (const std::uint32_t digital_positions : {1U, 3U}) {
    for (const bool lm_head_analog : {false, true}) {
      SCOPED_TRACE(std::to_string(digital_positions) + (lm_head_analog ? ", analog" : ", digital") + " output layer");
      const test::FamilyPlan made = test::family_plan("llama", lm_head_analog, 7, digital_positions);
      const test::FamilyPlan without = test::family_plan("llama", lm_head_analog, 7);
      const arch::ChipDescription chip = test::made_chip_with_everything();
      systemc::ChipWorkload workload;
      workload.prompt_tokens = kPrompt;
      const systemc::ChipResult simulated = systemc::simulate_chip(made.plan, chip, workload);
      const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, kPrompt);
      expect_same_energy(estimated->prefill_total.energy_pj, simulated.energy_pj);
      // Of every layer's calls 5 - n tokens are left to the tiles.
      const systemc::ChipResult all = systemc::simulate_chip(without.plan, chip, workload);
      const std::uint64_t layers = 3 * (2 * 48 * 48 + 2 * 48 * 24 + 2 * 48 * 80 + 80 * 48);
      EXPECT_EQ(all.cell_macs - simulated.cell_macs, digital_positions * layers);
      EXPECT_EQ(simulated.digital_macs - all.digital_macs, digital_positions * layers);
      // A later token is what it was.
      const auto before = static_estimate(without.plan, without.graph, chip, kContext, 1);
      EXPECT_EQ(estimated->decode.energy_pj, before->decode.energy_pj);
      EXPECT_EQ(estimated->decode.time_ns, before->decode.time_ns);
      workload = {};
      const systemc::ChipResult first = systemc::simulate_chip(made.plan, chip, workload);
      const auto at_first = static_estimate(made.plan, made.graph, chip, 1, 1);
      expect_same_energy(at_first->decode.energy_pj, first.energy_pj);
      EXPECT_DOUBLE_EQ(at_first->prefill_total.time_ns, at_first->decode.time_ns);
    }
  }
}

/// Several chips: every link topology, tiles shared or not, blocks of a call on two of them and layers on different ones.
TEST(EstimateAndSimulation, AgreeOnSeveralChips) {
  for (const arch::LinkTopology topology :
       {arch::LinkTopology::kChain, arch::LinkTopology::kStar, arch::LinkTopology::kMesh}) {
    for (const auto& [tiles, per_chip] : {std::pair(0U, 9U), std::pair(0U, 30U), std::pair(8U, 2U)}) {
      for (const bool rich : {false, true}) {
        SCOPED_TRACE(std::string(arch::name(topology)) + ", " + std::to_string(per_chip) + " tiles per chip" +
                     (rich ? ", rich" : ""));
        arch::ChipDescription chip = rich ? test::made_chip_with_everything() : test::made_chip();
        chip.links.topology = topology;
        if (per_chip == 30U) chip.sum_bytes = 2;
        chip.links.mesh_columns = topology == arch::LinkTopology::kMesh ? 2 : 0;
        const test::FamilyPlan made = test::family_plan("llama", true, tiles, 0, per_chip);
        ASSERT_GT(made.plan.num_chips, 1U);
        systemc::ChipWorkload workload;
        workload.first_position = kContext - 1;
        const systemc::ChipResult token = systemc::simulate_chip(made.plan, chip, workload);
        const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, kPrompt);
        expect_same_energy(estimated->decode.energy_pj, token.energy_pj);
        EXPECT_NEAR(token.critical_path_ns.total(), token.total_ns, 0.01) << "picoseconds are rounded";
        EXPECT_NEAR(estimated->decode.time_ns, token.total_ns, 0.05) << "picoseconds are rounded";
        std::uint64_t bytes = estimated->digital.carried_bytes;
        for (const CallEstimate& call : estimated->calls) bytes += call.chip_bytes;
        EXPECT_EQ(bytes, token.chip_link_bytes);
        EXPECT_GT(bytes, 0U);
        workload = {};
        workload.prompt_tokens = kPrompt;
        const systemc::ChipResult prompt = systemc::simulate_chip(made.plan, chip, workload);
        expect_same_energy(estimated->prefill_total.energy_pj, prompt.energy_pj);
        EXPECT_NEAR(estimated->prefill_total.time_ns, prompt.total_ns, 0.01 * prompt.total_ns);
      }
    }
  }
}

/// Every second call once or twice more, in tiles behind the others.
TEST(EstimateAndSimulation, AgreeOnCallsThatTheChipHoldsSeveralTimes) {
  for (const std::uint32_t tiles : {0U, 7U}) {
    for (const bool rich : {false, true}) {
      SCOPED_TRACE(std::to_string(tiles) + " tiles" + (rich ? ", rich" : ""));
      const arch::ChipDescription chip = rich ? test::made_chip_with_everything() : test::made_chip();
      test::FamilyPlan made = test::family_plan("llama", true, tiles);
      const std::uint32_t own_tiles = made.plan.num_tiles;
      for (std::size_t c = 0; c < made.plan.calls.size(); c += 2) {
        systemc::CallWork& call = made.plan.calls[c];
        for (std::size_t copy = 0; copy < 1 + c % 4 / 2; ++copy) {
          std::vector<systemc::BlockWork> blocks = call.blocks;
          for (systemc::BlockWork& block : blocks) block.tile += made.plan.num_tiles;
          call.copies.push_back(std::move(blocks));
          made.plan.num_tiles += own_tiles;
        }
      }
      systemc::ChipWorkload workload;
      workload.prompt_tokens = kPrompt;
      const systemc::ChipResult prompt = systemc::simulate_chip(made.plan, chip, workload);
      const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, kPrompt);
      if (!rich) {
        expect_same_energy(estimated->prefill_total.energy_pj, prompt.energy_pj);
      } else {  // on a mesh the bytes of copies pass other routers, and those of the first are counted
        EXPECT_NEAR(estimated->prefill_total.energy_pj.total(), prompt.energy_pj.total(),
                    0.01 * prompt.energy_pj.total());
      }
      EXPECT_NEAR(estimated->prefill_total.time_ns, prompt.total_ns, 0.01 * prompt.total_ns);
    }
  }
}

/// Tiles that are written anew: one area and two, batches of sequences, first tokens in the digital units, prompts.
TEST(EstimateAndSimulation, AgreeOnTilesThatAreWrittenAnew) {
  for (const std::uint32_t areas : {1U, 2U}) {
    for (const bool rich : {false, true}) {
      for (const std::uint32_t digital_positions : {0U, 3U}) {
        for (const std::uint32_t batch : {1U, 8U}) {
          SCOPED_TRACE(std::to_string(areas) + " areas, batch " + std::to_string(batch) + (rich ? ", rich" : "") +
                       (digital_positions != 0 ? ", first tokens digital" : ""));
          const arch::ChipDescription chip = rich ? test::made_chip_with_everything() : test::made_chip();
          const test::FamilyPlan made = test::family_plan("llama", true, 0, digital_positions, 0, {24, areas});
          ASSERT_GE(made.plan.rounds.size(), 3U);
          systemc::ChipWorkload workload;
          workload.num_sequences = batch;
          workload.first_position = kContext - 1;
          const systemc::ChipResult tokens = systemc::simulate_chip(made.plan, chip, workload);
          const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, kPrompt, batch);
          EXPECT_EQ(estimated->writing.rounds, made.plan.rounds.size());
          EXPECT_EQ(tokens.rounds_written, made.plan.rounds.size());
          EXPECT_EQ(estimated->writing.cells, tokens.cells_written);
          systemc::Breakdown of_batch;
          for (std::uint32_t token = 0; token < batch; ++token) of_batch += estimated->decode.energy_pj;
          expect_same_energy(of_batch, tokens.energy_pj);
          EXPECT_NEAR(estimated->decode.time_ns * batch, tokens.total_ns, 0.05 * tokens.total_ns);
          workload = {};
          workload.prompt_tokens = kPrompt;
          const systemc::ChipResult prompt = systemc::simulate_chip(made.plan, chip, workload);
          expect_same_energy(estimated->prefill_total.energy_pj, prompt.energy_pj);
          EXPECT_NEAR(estimated->prefill_total.time_ns, prompt.total_ns, 0.05 * prompt.total_ns);
        }
      }
    }
  }
}

/// Rows that are written as fast as tiles multiply: nothing hides behind the writing.
TEST(EstimateAndSimulation, AgreeOnATokenWhereWritingIsFast) {
  arch::ChipDescription chip = test::made_chip();
  chip.programming.at("row").value = 3;
  chip.timing.at("memory_rate").value = 4000;
  const test::FamilyPlan made = test::family_plan("llama", false, 0, 0, 0, {24, 2});
  systemc::ChipWorkload workload;
  workload.first_position = kContext - 1;
  const systemc::ChipResult token = systemc::simulate_chip(made.plan, chip, workload);
  const auto estimated = static_estimate(made.plan, made.graph, chip, kContext, 1);
  EXPECT_NEAR(token.critical_path_ns[Component::kWrite], 3 * 32.0 * static_cast<double>(made.plan.rounds.size()), 1e-6);
  EXPECT_LT(estimated->writing.time_ns, 0.5 * token.total_ns);
  EXPECT_NEAR(estimated->decode.time_ns, token.total_ns, 1e-6);
}

TEST(EstimateAndSimulation, TakeTheSameTimeWhereNothingWaits) {
  for (const std::string& family : test::families()) {
    SCOPED_TRACE(family);
    const test::FamilyPlan made = test::family_plan(family, false, 0);  // a tile and two links for every block
    systemc::ChipWorkload workload;
    workload.first_position = kContext - 1;
    const systemc::ChipResult simulated = systemc::simulate_chip(made.plan, test::made_chip(), workload);
    const auto estimated = static_estimate(made.plan, made.graph, test::made_chip(), kContext, 1);
    double digital_ns = 0, calls_ns = 0;
    for (std::size_t i = 0; i < made.plan.steps.size(); ++i) {
      const double ns = simulated.steps[i].critical_path_ns.total();
      (made.plan.steps[i].kind == systemc::StepKind::kCall ? calls_ns : digital_ns) += ns;
    }
    EXPECT_NEAR(digital_ns, estimated->digital.time_ns, 1e-6);
    // A call ends with its slowest block; the first block of every matrix has the most rows and the most columns.
    double estimated_ns = 0;
    for (const CallEstimate& call : estimated->calls) estimated_ns += call.time_ns();
    EXPECT_NEAR(calls_ns, estimated_ns, 1e-6);
    EXPECT_NEAR(simulated.total_ns, estimated->decode.time_ns, 1e-6);
  }
}

}  // namespace
}  // namespace xw::estimate
