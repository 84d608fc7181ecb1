// The chip profile of the SystemC model against closed forms: times and energies that fit on the back of an envelope.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "arch/support/error.hpp"
#include "host/backends/systemc/chip_simulation.hpp"

namespace xw::systemc {
namespace {

/// Constants are different primes or so, so that none can hide behind another.
struct Constants {
  double mvm = 101, dac = 7, adc_round = 13, rescale = 0.25, mac_rate = 16, digital_latency = 19;
  double link_latency = 11, link_rate = 8, memory_rate = 4;
  unsigned phases = 1, tiers = 1, input_links = 0, output_links = 0, adcs = 16, num_tiles = 0;
  unsigned mesh_columns = 0;
  std::uint64_t buffer_bytes = 0;
  std::string more_timing, more_energy;

  [[nodiscard]] arch::ChipDescription chip() const {
    std::string text = "[chip]\nname = \"made\"\nrows = 64\ncols = 64\nadcs_per_tile = " + std::to_string(adcs) +
                       "\nnum_tiles = " + std::to_string(num_tiles) + "\ntiers = " + std::to_string(tiers) +
                       "\nread_phases = " + std::to_string(phases) + "\ninput_links = " + std::to_string(input_links) +
                       "\noutput_links = " + std::to_string(output_links) +
                       "\nmesh_columns = " + std::to_string(mesh_columns) +
                       "\nbuffer_bytes = " + std::to_string(buffer_bytes) + "\nemulator = \"tiny-64\"\n";
    const auto add = [&](const char* key, double value, const char* unit) {
      text += std::string(key) + " = { value = " + std::to_string(value) + ", unit = \"" + unit +
              "\", source = \"made\" }\n";
    };
    text += "[chip.timing]\n";
    add("mvm", mvm, "ns");
    add("dac", dac, "ns");
    add("adc_round", adc_round, "ns");
    add("rescale_output", rescale, "ns");
    add("digital_mac_rate", mac_rate, "MAC/ns");
    add("digital_latency", digital_latency, "ns");
    add("link_latency", link_latency, "ns");
    add("link_rate", link_rate, "bytes/ns");
    add("memory_rate", memory_rate, "bytes/ns");
    text += more_timing + "[chip.energy]\n";
    add("dac_conversion", 2, "pJ");
    add("cell_mac", 0.5, "pJ");
    add("adc_conversion", 3, "pJ");
    add("rescale_output", 5, "pJ");
    add("digital_mac", 0.75, "pJ");
    add("link_byte", 0.125, "pJ");
    add("memory_byte", 40, "pJ");
    add("static_power", 0.5, "W");
    text += more_energy;
    return arch::parse_chip(text, "made");
  }
  [[nodiscard]] double tile_ns(std::uint32_t cols) const {
    return dac + phases * mvm + (cols + adcs - 1) / adcs * adc_round + cols * rescale;
  }
  [[nodiscard]] double link_ns(std::uint32_t bytes) const { return bytes / link_rate + link_latency; }
};

constexpr std::uint32_t kRows = 48, kCols = 40;
constexpr double kNear = 1e-6;

/// A plan of one call with the given blocks.
[[nodiscard]] ChipPlan one_call(std::vector<BlockWork> blocks, std::uint32_t num_tiles) {
  ChipPlan plan;
  plan.num_tiles = num_tiles;
  plan.num_layers = 1;
  plan.calls.push_back({"call", kRows, kCols, std::move(blocks)});
  Step step;
  step.kind = StepKind::kCall;
  plan.steps.push_back(step);
  return plan;
}

[[nodiscard]] Step digital_step(DigitalWork work) {
  Step step;
  step.name = "digital";
  step.work = work;
  return step;
}

[[nodiscard]] double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

TEST(Chip, OneMvmTakesTheTimeAndEnergyOfItsParts) {
  for (const unsigned phases : {1U, 4U}) {
    Constants constants;
    constants.phases = phases;
    const ChipResult result = simulate_chip(one_call({{0, kRows, kCols, 0}}, 1), constants.chip(), {});
    const double time = constants.link_ns(kRows) + constants.tile_ns(kCols) + constants.link_ns(4 * kCols);
    EXPECT_NEAR(result.total_ns, time, kNear);
    EXPECT_NEAR(result.critical_path_ns.total(), time, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kDac], kRows * 2.0, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kCells], kRows * kCols * 0.5, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kAdc], kCols * 3.0, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kRescale], kCols * 5.0, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kInputLink], kRows * 0.125, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kOutputLink], 4 * kCols * 0.125, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kStatic], 0.5 * time * 1e3, 1e-3);
    EXPECT_NEAR(result.tile_busy_ns.at(0), constants.tile_ns(kCols), kNear);
    EXPECT_EQ(result.block_mvms, 1U);
    EXPECT_EQ(result.cell_macs, kRows * kCols);
  }
}

TEST(Chip, EqualTilesInParallelTakeTheTimeOfOne) {
  const Constants constants;
  const double one = simulate_chip(one_call({{0, kRows, kCols, 0}}, 1), constants.chip(), {}).total_ns;
  constexpr std::uint32_t kTiles = 9;
  std::vector<BlockWork> blocks;
  for (std::uint32_t t = 0; t < kTiles; ++t) blocks.push_back({t, kRows, kCols, t * kRows});
  const ChipResult many = simulate_chip(one_call(blocks, kTiles), constants.chip(), {});
  EXPECT_NEAR(many.total_ns, one, kNear);
  EXPECT_NEAR(many.energy_pj[Component::kAdc], kTiles * kCols * 3.0, kNear);
  EXPECT_NEAR(sum(many.tile_busy_ns), kTiles * constants.tile_ns(kCols), kNear);
}

TEST(Chip, BlocksOfOneTileTakeTheSum) {
  const Constants constants;
  // The same inputs: one transfer; the outputs of the first leave while the second is at work.
  const ChipResult result = simulate_chip(one_call({{0, kRows, kCols, 0}, {0, kRows, 24, 0}}, 1), constants.chip(), {});
  const double tile = constants.tile_ns(kCols) + constants.tile_ns(24);
  EXPECT_NEAR(result.total_ns, constants.link_ns(kRows) + tile + constants.link_ns(4 * 24), kNear);
  EXPECT_NEAR(result.tile_busy_ns.at(0), tile, kNear);
  EXPECT_NEAR(result.critical_path_ns[Component::kTileWait], constants.tile_ns(kCols), kNear);
  EXPECT_NEAR(result.energy_pj[Component::kInputLink], kRows * 0.125, kNear);
}

TEST(Chip, TiersOfATileTakeTurnsAndShareItsArea) {
  Constants constants;
  constants.tiers = 3;
  constants.num_tiles = 6;  // two sets of converters: crossbars 0, 2, 4 and 1, 3, 5
  std::vector<BlockWork> blocks;
  for (std::uint32_t t = 0; t < 6; ++t) blocks.push_back({t, kRows, kCols, 0});
  const ChipResult all = simulate_chip(one_call(blocks, 6), constants.chip(), {});
  EXPECT_NEAR(all.total_ns, constants.link_ns(kRows) + 3 * constants.tile_ns(kCols) + constants.link_ns(4 * kCols),
              kNear);
  ASSERT_EQ(all.tile_busy_ns.size(), 2U);
  EXPECT_NEAR(all.tile_busy_ns[1], 3 * constants.tile_ns(kCols), kNear);
  const double one = simulate_chip(one_call({{0, kRows, kCols, 0}}, 1), constants.chip(), {}).total_ns;
  const ChipResult apart =
      simulate_chip(one_call({{2, kRows, kCols, 0}, {5, kRows, kCols, 0}}, 6), constants.chip(), {});
  EXPECT_NEAR(apart.total_ns, one, kNear);
  EXPECT_EQ(all.tiles_mm2, 0);  // not described
  constants.more_energy =
      "[chip.area]\ntile = { value = 1.5, unit = \"mm2\", source = \"made\" }\n"
      "digital = { value = 4.0, unit = \"mm2\", source = \"made\" }\n";
  const ChipResult described = simulate_chip(one_call(blocks, 6), constants.chip(), {});
  EXPECT_EQ(described.tiles_mm2, 2 * 1.5);
  EXPECT_EQ(described.digital_mm2, 4.0);
}

TEST(Chip, SharedLinksBroadcastEqualInputsAndTakeTurnsWithOthers) {
  Constants constants;
  constants.input_links = 1;
  constexpr std::uint32_t kTiles = 5;
  std::vector<BlockWork> equal, different;
  for (std::uint32_t t = 0; t < kTiles; ++t) {
    equal.push_back({t, kRows, kCols, 0});
    different.push_back({t, kRows, kCols, t * kRows});
  }
  const double one = constants.link_ns(kRows) + constants.tile_ns(kCols) + constants.link_ns(4 * kCols);
  const ChipResult broadcast = simulate_chip(one_call(equal, kTiles), constants.chip(), {});
  EXPECT_NEAR(broadcast.total_ns, one, kNear);
  EXPECT_NEAR(broadcast.energy_pj[Component::kInputLink], kRows * 0.125, kNear);
  const ChipResult turns = simulate_chip(one_call(different, kTiles), constants.chip(), {});
  EXPECT_NEAR(turns.total_ns, one + (kTiles - 1) * kRows / constants.link_rate, kNear);
  EXPECT_NEAR(turns.critical_path_ns[Component::kLinkWait], (kTiles - 1) * kRows / constants.link_rate, kNear);
  EXPECT_NEAR(sum(turns.input_link_busy_ns), kTiles * kRows / constants.link_rate, kNear);

  constants.input_links = 0;
  constants.output_links = 2;  // tiles 0, 2, 4 and 1, 3
  const ChipResult collected = simulate_chip(one_call(equal, kTiles), constants.chip(), {});
  EXPECT_NEAR(collected.total_ns, one + 2 * 4 * kCols / constants.link_rate, kNear);
}

TEST(Chip, AccumulatorsAndBufferTakeTimeAndEnergyWhenDescribed) {
  Constants constants;
  constants.more_timing =
      "accumulate_rate = { value = 2.0, unit = \"words/ns\", source = \"made\" }\n"
      "buffer_rate = { value = 3.0, unit = \"bytes/ns\", source = \"made\" }\n";
  constants.more_energy =
      "accumulate_word = { value = 7.0, unit = \"pJ\", source = \"made\" }\n"
      "buffer_byte = { value = 0.5, unit = \"pJ\", source = \"made\" }\n";
  const ChipResult result = simulate_chip(one_call({{0, kRows, kCols, 0}}, 1), constants.chip(), {});
  const double before = constants.link_ns(kRows) + constants.tile_ns(kCols) + constants.link_ns(4 * kCols);
  EXPECT_NEAR(result.total_ns, before + kCols / 2.0 + (kRows + 4 * kCols) / 3.0, 1e-2);  // times are whole ps
  EXPECT_NEAR(result.energy_pj[Component::kAccumulate], kCols * 7.0, kNear);
  EXPECT_NEAR(result.energy_pj[Component::kBuffer], (kRows + 4 * kCols) * 0.5, kNear);
}

/// 3 ns and 0.5 pJ per byte for every router.
[[nodiscard]] Constants mesh_of(unsigned columns) {
  Constants constants;
  constants.mesh_columns = columns;
  constants.more_timing = "hop_latency = { value = 3.0, unit = \"ns\", source = \"made\" }\n";
  constants.more_energy = "hop_byte = { value = 0.5, unit = \"pJ\", source = \"made\" }\n";
  return constants;
}

TEST(Chip, ATileFurtherAwayTakesLongerAndMoreEnergyByItsHops) {
  const double near = simulate_chip(one_call({{0, kRows, kCols, 0}}, 1), Constants().chip(), {}).total_ns;
  for (const std::uint32_t tile : {0U, 1U, 3U, 4U, 7U}) {  // rows of four
    const double hops = tile % 4 + 1;
    const ChipResult result = simulate_chip(one_call({{tile, kRows, kCols, 0}}, 8), mesh_of(4).chip(), {});
    EXPECT_NEAR(result.total_ns, near + 2 * hops * 3, kNear) << tile;  // inputs and outputs
    EXPECT_NEAR(result.critical_path_ns[Component::kHop], 2 * hops * 3, kNear);
    EXPECT_NEAR(result.critical_path_ns.total(), result.total_ns, kNear);
    EXPECT_NEAR(result.energy_pj[Component::kHop], hops * (kRows + 4 * kCols) * 0.5, kNear);
    EXPECT_EQ(result.hop_bytes, (tile % 4 + 1) * (kRows + 4 * kCols));
    EXPECT_EQ(result.link_bytes, kRows + 4 * kCols);
  }
}

TEST(Chip, ABroadcastPassesARowOnceAndReachesEveryTileInItsTime) {
  Constants constants = mesh_of(4);
  constants.input_links = 1;
  // Inputs of all: to column 2 in row 0 and to column 1 in row 1.
  const ChipResult result =
      simulate_chip(one_call({{0, kRows, kCols, 0}, {2, kRows, kCols, 0}, {5, kRows, 24, 0}}, 8), constants.chip(), {});
  EXPECT_EQ(result.hop_bytes, kRows * (3U + 2U) + 4 * (kCols * (1U + 3U) + 24 * 2U));
  EXPECT_EQ(result.link_bytes, kRows + 4 * (2 * kCols + 24U));
  // The tile of column 2 is the last one.
  EXPECT_NEAR(result.total_ns,
              constants.link_ns(kRows) + 3 * 3 + constants.tile_ns(kCols) + constants.link_ns(4 * kCols) + 3 * 3,
              kNear);
  EXPECT_NEAR(result.critical_path_ns.total(), result.total_ns, kNear);
}

TEST(Chip, RowsOfAMeshShareTheirLinks) {
  Constants constants = mesh_of(2);
  constants.more_timing.clear();
  constants.output_links = 2;
  const double one = constants.link_ns(kRows) + constants.tile_ns(kCols) + constants.link_ns(4 * kCols);
  const auto time = [&](std::uint32_t a, std::uint32_t b) {
    return simulate_chip(one_call({{a, kRows, kCols, 0}, {b, kRows, kCols, 0}}, 6), constants.chip(), {}).total_ns;
  };
  EXPECT_NEAR(time(0, 2), one, kNear);                                    // rows 0 and 1
  EXPECT_NEAR(time(0, 1), one + 4 * kCols / constants.link_rate, kNear);  // row 0
  EXPECT_NEAR(time(1, 4), one + 4 * kCols / constants.link_rate, kNear);  // rows 0 and 2: link 0
}

/// Two steps of 16 and 1,600 MAC whose activations need 1,000 and 400 bytes.
[[nodiscard]] ChipPlan two_live_steps() {
  ChipPlan plan;
  plan.num_layers = 1;
  plan.steps.push_back(digital_step({16, 0, 0}));
  plan.steps.push_back(digital_step({1600, 0, 0}));
  plan.steps[0].live.value_bytes = 1000;
  plan.steps[1].live.sums = 100;
  return plan;
}

TEST(Chip, InputsGoFromChipToChipAndSumsComeBack) {
  Constants constants;
  constants.num_tiles = 2;
  ChipPlan plan;
  plan.num_chips = 3;
  plan.tiles_per_chip = 2;
  plan.num_tiles = 6;
  plan.num_layers = 1;
  // Both halves of the inputs, outputs 0..31 on chip 0, 32..63 on chip 1, 64..95 on chip 2; all wanted by chip 0.
  CallWork call{"call", 128, 96, {}};
  for (std::uint32_t chip = 0; chip < 3; ++chip) {
    for (std::uint32_t half = 0; half < 2; ++half)
      call.blocks.push_back({2 * chip + half, 64, 32, 64 * half, 32 * chip});
  }
  plan.calls.push_back(call);
  Step step;
  step.kind = StepKind::kCall;
  plan.steps.push_back(step);
  const ChipResult result = simulate_chip(plan, constants.chip(), {});
  // Links: 25 bytes/ns, 20 ns (the defaults). The second half leaves chip 0 behind the first and is sent on when it is whole.
  const double packet = 64 / 25.0, sums = 128 / 25.0, latency = 20;
  const double at_chip_2 = packet + (packet + latency) + (packet + latency);
  const double block = constants.link_ns(64) + constants.tile_ns(32) + constants.link_ns(128);
  const double time = at_chip_2 + block + 2 * (sums + latency);
  EXPECT_NEAR(result.total_ns, time, kNear);
  EXPECT_NEAR(result.critical_path_ns.total(), time, kNear);
  EXPECT_EQ(result.chip_link_bytes, 4U * 64 + 3 * 128);
  EXPECT_NEAR(result.energy_pj[Component::kChipLink], 14.0 * (4 * 64 + 3 * 128), kNear);
  EXPECT_NEAR(result.energy_pj[Component::kStatic], 3 * 0.5 * time * 1e3, 1e-3);
  ASSERT_EQ(result.chip_link_busy_ns.size(), 4U);
  EXPECT_NEAR(result.chip_link_busy_ns[0], 2 * packet, kNear);
  EXPECT_NEAR(result.chip_link_busy_ns[2], 2 * sums, kNear)
      << "from chip 1 to chip 0, its own sums and those of chip 2";
  constants.num_tiles = 1;
  EXPECT_THROW(static_cast<void>(simulate_chip(plan, constants.chip(), {})), Error) << "two tiles on each chip";
}

TEST(Chip, ActivationsThatDoNotFitTheBufferGoToMemoryAndBack) {
  Constants constants;
  const ChipResult unlimited = simulate_chip(two_live_steps(), constants.chip(), {});
  EXPECT_EQ(unlimited.buffer_peak_bytes, 1000U);
  EXPECT_EQ(unlimited.buffer_capacity_bytes, 0U);
  EXPECT_EQ(unlimited.spilled_bytes, 0U);
  constants.buffer_bytes = 1000;
  const ChipResult fits = simulate_chip(two_live_steps(), constants.chip(), {});
  EXPECT_EQ(fits.spilled_bytes, 0U);
  EXPECT_EQ(fits.total_ns, unlimited.total_ns);
  constants.buffer_bytes = 600;  // 400 bytes out before the first step, back before the second
  const ChipResult spilled = simulate_chip(two_live_steps(), constants.chip(), {});
  EXPECT_EQ(spilled.spilled_bytes, 2U * 400U);
  EXPECT_EQ(spilled.buffer_peak_bytes, 1000U);
  EXPECT_EQ(spilled.buffer_capacity_bytes, 600U);
  EXPECT_NEAR(spilled.total_ns, unlimited.total_ns + 800 / constants.memory_rate, kNear);
  EXPECT_NEAR(spilled.critical_path_ns[Component::kMemory], 800 / constants.memory_rate, kNear);
  EXPECT_NEAR(spilled.critical_path_ns.total(), spilled.total_ns, kNear);
  EXPECT_NEAR(spilled.energy_pj[Component::kMemory], 800 * 40.0, kNear);
  EXPECT_NEAR(spilled.memory_busy_ns, 800 / constants.memory_rate, kNear);
  constants.buffer_bytes = 100;  // 900 out; 600 back; the last 300 when they are read
  const ChipResult small = simulate_chip(two_live_steps(), constants.chip(), {});
  EXPECT_EQ(small.spilled_bytes, 2U * 900U);
  EXPECT_NEAR(small.total_ns, unlimited.total_ns + 1800 / constants.memory_rate, kNear);
}

TEST(Chip, SumsAreAsWideAsTheChipSays) {
  Constants constants;
  constants.more_timing = "buffer_rate = { value = 4, unit = \"bytes/ns\", source = \"made\" }\n";
  ChipPlan plan = one_call({{0, kRows, kCols, 0}}, 1);
  plan.steps[0].live.sums = 10;
  plan.steps[0].live.value_bytes = 6;
  arch::ChipDescription chip = constants.chip();
  const ChipResult words = simulate_chip(plan, chip, {});
  EXPECT_EQ(words.link_bytes, kRows + 4 * kCols);
  EXPECT_EQ(words.buffer_peak_bytes, 46U);
  chip.sum_bytes = 1;
  const ChipResult codes = simulate_chip(plan, chip, {});
  EXPECT_EQ(codes.link_bytes, kRows + kCols);
  EXPECT_EQ(codes.buffer_peak_bytes, 16U);
  EXPECT_NEAR(words.total_ns - codes.total_ns, 3 * kCols / constants.link_rate + 3 * kCols / 4.0, kNear);
  EXPECT_NEAR(words.energy_pj[Component::kOutputLink] - codes.energy_pj[Component::kOutputLink], 3 * kCols * 0.125,
              kNear);
}

TEST(Chip, SequencesShareTheBuffer) {
  Constants constants;
  constants.buffer_bytes = 1500;
  ChipPlan plan = two_live_steps();
  plan.steps.pop_back();
  ChipWorkload workload;
  EXPECT_EQ(simulate_chip(plan, constants.chip(), workload).spilled_bytes, 0U);
  workload.num_sequences = 2;
  const ChipResult two = simulate_chip(plan, constants.chip(), workload);
  EXPECT_EQ(two.buffer_peak_bytes, 2000U);
  EXPECT_EQ(two.spilled_bytes, 2U * 500U);
  // Nothing of it is left for the next run.
  workload.num_sequences = 1;
  EXPECT_EQ(simulate_chip(plan, constants.chip(), workload).spilled_bytes, 0U);
}

TEST(Chip, DigitalStepsTakeTheLongerOfArithmeticAndMemory) {
  const Constants constants;
  ChipPlan plan;
  plan.num_layers = 1;
  plan.steps.push_back(digital_step({1600, 0, 0}));
  EXPECT_NEAR(simulate_chip(plan, constants.chip(), {}).total_ns, 19 + 100, kNear);
  plan.steps[0].work.exps = 20;  // not described: each is 8 multiply-adds
  EXPECT_NEAR(simulate_chip(plan, constants.chip(), {}).total_ns, 19 + 110, kNear);
  plan.steps[0].work.memory_bytes = 4000;
  const ChipResult memory_bound = simulate_chip(plan, constants.chip(), {});
  EXPECT_NEAR(memory_bound.total_ns, 1000, kNear);
  EXPECT_NEAR(memory_bound.critical_path_ns[Component::kMemory], 1000, kNear);
  EXPECT_NEAR(memory_bound.energy_pj[Component::kMemory], 160000, kNear);
  EXPECT_NEAR(memory_bound.energy_pj[Component::kDigitalMac], 1200, kNear);
  EXPECT_NEAR(memory_bound.energy_pj[Component::kDigitalExp], 20 * 8 * 0.75, kNear);
  Constants with_exp;
  with_exp.more_timing = "digital_exp_rate = { value = 0.5, unit = \"exp/ns\", source = \"made\" }\n";
  plan.steps[0].work.memory_bytes = 0;
  EXPECT_NEAR(simulate_chip(plan, with_exp.chip(), {}).total_ns, 19 + 100 + 40, kNear);
}

TEST(Chip, AttentionGrowsWithThePositionUpToItsWindow) {
  const Constants constants;
  ChipPlan plan;
  plan.num_layers = 1;
  Step attention = digital_step({});
  attention.kind = StepKind::kAttention;
  attention.per_position.macs = 32;
  plan.steps.push_back(attention);
  for (const std::uint32_t position : {0U, 1U, 9U, 99U}) {
    ChipWorkload workload;
    workload.first_position = position;
    EXPECT_NEAR(simulate_chip(plan, constants.chip(), workload).total_ns, 19 + 2.0 * (position + 1), kNear);
  }
  plan.steps[0].window = 5;
  ChipWorkload workload;
  workload.first_position = 99;
  EXPECT_NEAR(simulate_chip(plan, constants.chip(), workload).total_ns, 19 + 10, kNear);
  workload.first_position = 0;
  workload.generated_tokens = 3;  // positions 0, 1, 2
  const ChipResult three = simulate_chip(plan, constants.chip(), workload);
  EXPECT_NEAR(three.total_ns, 3 * 19 + 2 * (1 + 2 + 3), kNear);
  ASSERT_EQ(three.tokens.size(), 3U);
  EXPECT_NEAR(three.tokens[1].begin_ns, 21, kNear);
  EXPECT_EQ(three.tokens[2].position, 2U);
}

/// Two calls in tiles of their own: stages of a pipeline.
[[nodiscard]] ChipPlan two_stages() {
  ChipPlan plan = one_call({{0, kRows, kCols, 0}}, 2);
  plan.num_layers = 2;
  plan.calls.push_back({"second", kRows, kCols, {{1, kRows, kCols, 0}}});
  Step second = plan.steps[0];
  second.call = 1;
  second.layer = 1;
  plan.steps.push_back(second);
  return plan;
}

TEST(Chip, SequencesAndPromptTokensArePipelinedOverTheStages) {
  Constants constants;
  constants.link_rate = 1e6;  // the tiles are the only resource that counts
  constants.link_latency = 0;
  const double stage = constants.tile_ns(kCols);
  constexpr double kLinks = 1e-2;
  ChipWorkload workload;
  EXPECT_NEAR(simulate_chip(two_stages(), constants.chip(), workload).total_ns, 2 * stage, kLinks);
  workload.num_sequences = 4;
  const ChipResult sequences = simulate_chip(two_stages(), constants.chip(), workload);
  EXPECT_NEAR(sequences.total_ns, 2 * stage + 3 * stage, kLinks);
  EXPECT_EQ(sequences.tokens.size(), 4U);
  EXPECT_NEAR(sequences.tile_busy_ns[0], 4 * stage, kLinks);
  workload.num_sequences = 1;
  workload.prompt_tokens = 4;
  const ChipResult prompt = simulate_chip(two_stages(), constants.chip(), workload);
  EXPECT_NEAR(prompt.total_ns, 2 * stage + 3 * stage, kLinks);
  ASSERT_EQ(prompt.tokens.size(), 4U);  // the last of the prompt gives the one generated token
  for (std::uint32_t t = 0; t < 4; ++t) EXPECT_EQ(prompt.tokens[t].position, t);
  workload.generated_tokens = 3;
  EXPECT_NEAR(simulate_chip(two_stages(), constants.chip(), workload).total_ns, 5 * stage + 2 * 2 * stage, kLinks);
}

TEST(Chip, LogitsAreComputedOnlyWhereTheyAreWanted) {
  const Constants constants;
  ChipPlan plan;
  plan.num_layers = 1;
  plan.steps.push_back(digital_step({160, 0, 0}));
  plan.steps.push_back(digital_step({1600, 0, 0}));
  plan.steps[1].logits = true;
  ChipWorkload workload;
  workload.prompt_tokens = 3;
  EXPECT_NEAR(simulate_chip(plan, constants.chip(), workload).total_ns, 3 * 29 + 119, kNear);
}

TEST(Chip, SumsAreConsistent) {
  Constants constants;
  constants.input_links = constants.output_links = 1;
  ChipPlan plan = two_stages();
  plan.steps.insert(plan.steps.begin() + 1, digital_step({500, 3, 77}));
  ChipWorkload workload;
  workload.num_sequences = 3;
  workload.prompt_tokens = 5;
  workload.generated_tokens = 2;
  ChipSimulationOptions options;
  options.activities = true;
  const ChipResult result = simulate_chip(plan, constants.chip(), workload, options);
  Breakdown energy, path;
  for (const Share& layer : result.layers) {
    energy += layer.energy_pj;
    path += layer.critical_path_ns;
  }
  EXPECT_NEAR(energy.total() + result.energy_pj[Component::kStatic], result.energy_pj.total(), 1e-6);
  double token_ns = 0;
  for (const TokenTime& token : result.tokens) token_ns += token.end_ns - token.begin_ns;
  EXPECT_NEAR(path.total(), token_ns, 1e-2);  // every nanosecond of every token has a reason
  EXPECT_NEAR(path.total(), result.critical_path_ns.total(), 1e-6);
  double tile_ns = 0;
  for (const Activity& activity : result.activities) {
    EXPECT_LE(activity.end_ns, result.total_ns + kNear);
    if (activity.track == Track::kTile) tile_ns += activity.end_ns - activity.begin_ns;
  }
  EXPECT_NEAR(tile_ns, sum(result.tile_busy_ns), 1e-6);
  EXPECT_EQ(result.block_mvms, 3U * 6U * 2U);
  EXPECT_EQ(result.digital_macs, 3U * 6U * 500U);
  // The same again: nothing of a run is left for the next.
  EXPECT_EQ(simulate_chip(plan, constants.chip(), workload).tokens, result.tokens);
}

TEST(Chip, ImpossibleOnesAreRefused) {
  Constants constants;
  constants.num_tiles = 2;
  const auto message = [&](const ChipPlan& plan, const arch::ChipDescription& chip, const ChipWorkload& workload) {
    try {
      (void)simulate_chip(plan, chip, workload);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message(one_call({{2, kRows, kCols, 0}}, 3), constants.chip(), {}),
              testing::HasSubstr("has 2 tiles, the program needs 3"));
  ChipWorkload nothing;
  nothing.generated_tokens = 0;
  EXPECT_THAT(message(two_stages(), constants.chip(), nothing), testing::HasSubstr("found 1 sequences of 0 tokens"));
  nothing.num_sequences = 0;
  EXPECT_THAT(message(two_stages(), constants.chip(), nothing), testing::HasSubstr("found 0 sequences"));
  arch::ChipDescription silent = constants.chip();
  silent.timing.clear();
  EXPECT_THAT(message(two_stages(), silent, {}), testing::HasSubstr("no timing constants"));
}

}  // namespace
}  // namespace xw::systemc
