// The SystemC device in the chip profile: its time and energy are those of the simulated chip, its values those of every
// device (tests/conformance has more of them).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/systemc/chip_simulation.hpp"
#include "host/backends/systemc/open.hpp"
#include "host/backends/systemc/systemc_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "systemc/chip/call_record.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::systemc {
namespace {

const runtime::ChipOptions kOptions{3, "gaussian:gamma=0.02", 0.01};

[[nodiscard]] std::shared_ptr<const ChipTarget> target_of(const program::Program& program) {
  return std::make_shared<ChipTarget>(
      ChipTarget{arch::parse_chip(program.manifest().chip_toml, "made chip"), chip_layout(program)});
}

[[nodiscard]] std::vector<std::int32_t> run(runtime::ChipInstance& chip, std::uint32_t call,
                                            std::uint32_t num_vectors) {
  const std::uint32_t features = chip.program().manifest().calls[call].in_features;
  std::vector<std::int8_t> codes(std::size_t{num_vectors} * features);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
  return chip.run_codes(call, codes, num_vectors, 0);
}

/// The only call of a plan, from the tables of the program.
[[nodiscard]] ChipPlan plan_of(const program::Program& program, std::uint32_t call) {
  const program::CallInfo& info = program.manifest().calls[call];
  ChipPlan plan;
  plan.num_tiles = program.manifest().num_tiles;
  CallWork work;
  work.in_features = info.in_features;
  for (const std::uint32_t matrix : info.matrices) {
    work.out_features += program.manifest().matrices[matrix].out_features;
  }
  for (const program::BlockRecord& block : program.blocks()) {
    if (program.manifest().matrices[block.matrix].call != call) continue;
    work.blocks.push_back({block.tile, block.rows, block.cols, block.in_begin});
  }
  plan.calls.push_back(work);
  Step step;
  step.kind = StepKind::kCall;
  plan.steps.push_back(step);
  return plan;
}

/// A program whose tiles are written anew: the words of one on a chip with all tiles, and its time with what is written.
TEST(ChipDevice, WritesTilesWhenACallNeedsOthers) {
  const test::Hardware hardware;
  test::ProgramShape shape;
  shape.calls.assign(5, {64, {64}, {}});
  shape.chip_tiles = 2;
  shape.areas = 1;
  const auto program = test::make_program(shape, hardware, 11);
  shape.enough_tiles = true;
  const auto whole = test::make_program(shape, hardware, 11);
  ASSERT_TRUE(program->manifest().rounds.any());
  const auto target = target_of(*program);
  SystemcDevice device(hardware.emulator(), {true, target});
  SystemcDevice all_tiles(hardware.emulator(), {true, target_of(*whole)});
  SystemcDevice emulator(hardware.emulator());
  ThreadPool pool(1);
  runtime::ChipInstance on_chip(program, device, kOptions, pool);
  runtime::ChipInstance on_all(whole, all_tiles, kOptions, pool);
  runtime::ChipInstance on_emulator(program, emulator, kOptions, pool);
  const auto use_of = [&](const SystemcDevice& of, std::uint32_t call) {
    const auto found = of.chip_use()->find(program->manifest().calls[call].entry);
    return found == of.chip_use()->end() ? ChipUse() : found->second;
  };
  // Two tiles hold calls 0 and 1, 2 and 3, 4; 64 rows of 20 us, 400 pJ and a byte of 40 pJ per cell, 4096 cells per tile.
  struct Use {
    std::uint32_t call = 0, tiles_written = 0;
  };
  for (const Use& next : {Use{0, 2}, Use{1, 0}, Use{0, 0}, Use{3, 2}, Use{4, 1}, Use{4, 0}, Use{2, 2}, Use{0, 2}}) {
    SCOPED_TRACE("call " + std::to_string(next.call));
    const ChipUse before = use_of(device, next.call), before_all = use_of(all_tiles, next.call);
    const std::vector<std::int32_t> words = run(on_chip, next.call, 3);
    EXPECT_EQ(words, run(on_all, next.call, 3));
    EXPECT_EQ(words, run(on_emulator, next.call, 3));
    const ChipUse after = use_of(device, next.call), after_all = use_of(all_tiles, next.call);
    const double without = after_all.time_ns - before_all.time_ns;
    EXPECT_NEAR(after.time_ns - before.time_ns, without + (next.tiles_written != 0 ? 64 * 20000.0 : 0), 1e-3);
    EXPECT_NEAR(after.energy_pj[Component::kWrite] - before.energy_pj[Component::kWrite],
                next.tiles_written * 4096 * 400.0, 1e-3);
    EXPECT_NEAR(after.energy_pj[Component::kMemory] - before.energy_pj[Component::kMemory],
                next.tiles_written * 4096 * 40.0, 1e-3);
  }
}

constexpr const char* kHostLink =
    "host_link_rate = { value = 2.0, unit = \"bytes/ns\", source = \"made\" }\n"
    "host_link_latency = { value = 700.0, unit = \"ns\", source = \"made\" }\n";

struct TimeCase {
  std::string name;
  test::ProgramShape shape;
  std::uint32_t tile = 64, engines = 1, max_batch = 4;
  std::string more_chip = {};    ///< keys in front of the description's
  std::string more_timing = {};  ///< likewise of its timing table
};
void PrintTo(const TimeCase& row, std::ostream* out) {
  *out << row.name;
}

[[nodiscard]] std::vector<TimeCase> time_cases() {
  return {
      {"one_block", {{{40, {24}, {}}}}},
      {"ragged", {{{130, {67, 41}, {}}}}},
      {"three_matrices_in_a_tile", {{{30, {20, 9, 5}, {}}}}},
      {"two_calls", {{{96, {96, 32, 32}, {}}, {96, {256}, {}}}}},
      {"cut_for_engines", {{{384, {512}, {}}}}, 128, 5, 16},
      {"more_than_the_buffers_hold", {{{64, {1500}, {}}}}, 64, 2},
      {"shared_links", {{{300, {400, 100}, {}}}}, 64, 3, 4, "input_links = 2\noutput_links = 3\n"},
      {"mesh", {{{300, {400, 100}, {}}}}, 64, 3, 4, "mesh_columns = 3\n"},
      {"host_link", {{{300, {400, 100}, {}}}}, 64, 3, 4, "", kHostLink},
  };
}

class ChipTime : public testing::TestWithParam<TimeCase> {};

TEST_P(ChipTime, IsThatOfTheSimulatedCall) {
  const TimeCase& row = GetParam();
  test::Hardware hardware;
  hardware.tile_rows = hardware.tile_cols = row.tile;
  hardware.num_engines = row.engines;
  hardware.max_batch = row.max_batch;
  constexpr std::uint32_t kSeed = 11;
  const auto program = test::make_program(row.shape, hardware, kSeed);
  std::string text = program->manifest().chip_toml;
  text.insert(text.find("num_tiles"), row.more_chip);
  text.insert(text.find("mvm  "), row.more_timing);
  const ChipTarget target{arch::parse_chip(text, "made chip"), chip_layout(*program)};
  SystemcDevice device(hardware.emulator(), {true, std::make_shared<ChipTarget>(target)});
  SystemcDevice emulator(hardware.emulator());
  ThreadPool pool(1);
  runtime::ChipInstance on_chip(program, device, kOptions, pool);
  runtime::ChipInstance on_emulator(program, emulator, kOptions, pool);
  for (std::uint32_t call = 0; call < program->manifest().calls.size(); ++call) {
    SCOPED_TRACE("call " + std::to_string(call) + ", seed " + std::to_string(kSeed));
    const ChipPlan plan = plan_of(*program, call);
    ChipUse before;
    std::uint64_t nanoseconds = 0;
    for (const std::uint32_t vectors : {1U, 3U}) {
      ChipWorkload workload;
      workload.num_sequences = vectors;
      workload.digital_on_host = true;
      const ChipResult expected = simulate_chip(plan, target.description, workload);
      EXPECT_EQ(run(on_chip, call, vectors), run(on_emulator, call, vectors));
      const ChipUse& use = device.chip_use()->at(program->manifest().calls[call].entry);
      EXPECT_NEAR(use.time_ns - before.time_ns, expected.total_ns, 1e-9 * use.time_ns);
      EXPECT_NEAR(use.energy_pj.total() - before.energy_pj.total(), expected.energy_pj.total(),
                  1e-9 * use.energy_pj.total());
      EXPECT_EQ(use.block_mvms - before.block_mvms, plan.calls[0].blocks.size() * vectors);
      EXPECT_EQ(use.cell_macs - before.cell_macs, expected.cell_macs);
      EXPECT_EQ(use.vectors - before.vectors, vectors);
      EXPECT_GT(use.time_ns, before.time_ns + 100);  // an MVM of a tile
      nanoseconds += static_cast<std::uint64_t>(std::ceil(expected.total_ns - 1e-6));
      EXPECT_EQ(on_chip.stats()[call].device.chip_ns, nanoseconds);
      EXPECT_EQ(on_chip.stats()[call].device.total_cycles, 0U);
      before = use;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ChipTime, testing::ValuesIn(time_cases()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(ChipTime, CasesCutBlocksForEngines) {
  test::Hardware hardware;
  hardware.tile_rows = hardware.tile_cols = 128;
  hardware.num_engines = 5;
  const auto program = test::make_program({{{384, {512}, {}}}}, hardware, 11);
  EXPECT_GT(program->images().size(), program->blocks().size());
}

TEST(ChipDevice, OneBlockTakesTheTimeAndEnergyOfItsParts) {
  const test::Hardware hardware;  // constants of tiny-64
  const auto program = test::make_program({{{40, {24}, {}}}}, hardware, 1);
  SystemcDevice device(hardware.emulator(), {true, target_of(*program)});
  EXPECT_FALSE(device.info().cycle_accurate);
  EXPECT_TRUE(device.info().chip_time);
  ThreadPool pool(1);
  runtime::ChipInstance chip(program, device, kOptions, pool);
  static_cast<void>(run(chip, 0, 1));
  const double link_in = 10 + 40 / 16.0, tile = 100 + 24 * 0.5, link_out = 10 + 4 * 24 / 16.0;
  const ChipUse& use = device.chip_use()->at(0);
  EXPECT_NEAR(use.time_ns, link_in + tile + link_out, 1e-6);
  EXPECT_EQ(chip.stats()[0].device.chip_ns, 141U);  // 140.5
  const double dynamic = 40 * 4.0 + 40 * 24 * 0.01 + 24 * (10.0 + 2.0) + (40 + 4 * 24) * 0.1;
  EXPECT_NEAR(use.energy_pj.total(), dynamic + 0.01 * 140.5 * 1e3, 1e-6);
  EXPECT_EQ(chip.stats()[0].device.busy_cycles, (std::array<std::uint64_t, 24>{}));
}

TEST(ChipDevice, InputsAndOutputsCrossTheLinkToTheHost) {
  const test::Hardware hardware;
  const auto program = test::make_program({{{40, {24}, {}}}}, hardware, 1);
  std::string text = hardware.text();
  text.insert(text.find("mvm  "), kHostLink);
  text.insert(text.find("cell_mac"), "host_link_byte = { value = 5.0, unit = \"pJ\", source = \"made\" }\n");
  auto target = std::make_shared<ChipTarget>(*target_of(*program));
  target->description = arch::parse_chip(text, "made chip");
  SystemcDevice device(hardware.emulator(), {true, target}), without(hardware.emulator(), {true, target_of(*program)});
  ThreadPool pool(1);
  runtime::ChipInstance chip(program, device, kOptions, pool), reference(program, without, kOptions, pool);
  EXPECT_EQ(run(chip, 0, 1), run(reference, 0, 1));
  const ChipUse& use = device.chip_use()->at(0);
  EXPECT_NEAR(use.time_ns, without.chip_use()->at(0).time_ns + (40 + 4 * 24) / 2.0 + 2 * 700, 1e-6);
  EXPECT_NEAR(use.critical_path_ns[Component::kHostLink], (40 + 4 * 24) / 2.0 + 2 * 700, 1e-6);
  EXPECT_NEAR(use.energy_pj[Component::kHostLink], (40 + 4 * 24) * 5.0, 1e-6);
  // With the digital side on the chip nothing crosses it.
  EXPECT_NEAR(simulate_chip(plan_of(*program, 0), target->description, {}).total_ns, without.chip_use()->at(0).time_ns,
              1e-6);
}

TEST(ChipDevice, TimeDoesNotDependOnValues) {
  test::Hardware hardware;
  hardware.num_engines = 3;
  const auto program = test::make_program({{{300, {200, 100}, {}}}}, hardware, 2);
  SystemcDevice with(hardware.emulator(), {true, target_of(*program)});
  SystemcDevice without(hardware.emulator(), {false, target_of(*program)});
  ThreadPool pool(1);
  runtime::ChipInstance with_values(program, with, kOptions, pool);
  runtime::ChipInstance timing_only(program, without, kOptions, pool);
  static_cast<void>(run(with_values, 0, 3));
  static_cast<void>(run(timing_only, 0, 3));
  device::RunStats expected = with_values.stats()[0].device;
  expected.adc_saturations = 0;
  EXPECT_EQ(timing_only.stats()[0].device, expected);
  EXPECT_EQ(without.chip_use()->at(0).energy_pj, with.chip_use()->at(0).energy_pj);
}

[[nodiscard]] std::string message_of(const std::function<void()>& act, ErrorCode code) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "";
}

TEST(ChipDevice, ImagesOfTilesThatTheChipDoesNotHaveAreRefused) {
  const test::Hardware hardware;
  const auto program = test::make_program({{{40, {24}, {}}, {64, {64 * 3}, {}}}}, hardware, 4);
  const std::uint32_t last = program->manifest().num_tiles - 1;
  const auto in_last = std::find_if(program->blocks().begin(), program->blocks().end(),
                                    [&](const program::BlockRecord& block) { return block.tile == last; });
  ASSERT_NE(in_last, program->blocks().end());
  const std::uint32_t bad = program->manifest().matrices[in_last->matrix].call;
  const std::uint32_t good = 1 - bad;
  const ChipPlan plan = plan_of(*program, good);
  for (const BlockWork& block : plan.calls[0].blocks) ASSERT_LT(block.tile, last);
  ThreadPool pool(1);
  auto target = std::make_shared<ChipTarget>();  // no layout: images alone say which tiles there are
  target->description = hardware.chip();
  target->description.num_tiles = last;
  SystemcDevice device(hardware.emulator(), {true, target});
  runtime::ChipInstance chip(program, device, kOptions, pool);
  const auto y = run(chip, good, 1);
  EXPECT_THAT(message_of([&] { static_cast<void>(run(chip, bad, 1)); }, ErrorCode::kCapacity),
              testing::HasSubstr("an image is of tile " + std::to_string(last) + ", chip tiny-64 has"));
  EXPECT_EQ(run(chip, good, 1), y);
  EXPECT_EQ(device.chip_use()->size(), 1U);
  EXPECT_EQ(device.chip_use()->begin()->second.runs, 2U);
  // With the layout the device is not even opened.
  const auto open = [&] {
    auto known = std::make_shared<ChipTarget>(*target);
    known->layout = chip_layout(*program);
    SystemcDevice refused(hardware.emulator(), {true, known});
  };
  EXPECT_THAT(message_of(open, ErrorCode::kCapacity), testing::HasSubstr("the program needs"));
}

TEST(ChipDevice, FailedRunsTakeNoTime) {
  const test::Hardware hardware;
  const auto program = test::make_program({{{40, {24}, {}}}}, hardware, 4);
  SystemcDevice device(hardware.emulator(), {true, target_of(*program)});
  ThreadPool pool(1);
  runtime::ChipInstance chip(program, device, kOptions, pool);
  device::RunArguments nowhere;
  nowhere.num_vectors = 1;
  nowhere.completion_base = device.allocate(4096, {});
  EXPECT_THAT(message_of([&] { static_cast<void>(device.run(nowhere)); }, ErrorCode::kDeviceFault),
              testing::HasSubstr("memory_decerr"));
  std::vector<std::byte> record(arch::kCompletionBytes);
  device.read(nowhere.completion_base, record);
  EXPECT_EQ(device::decode_completion(record).total_cycles, 0U);
  EXPECT_TRUE(device.chip_use()->empty());
  static_cast<void>(run(chip, 0, 2));
  EXPECT_EQ(device.chip_use()->at(0).runs, 1U);
}

TEST(ChipDevice, OptionsSayWhichChip) {
  const test::Hardware hardware;
  const arch::EmulatorDescription emulator = hardware.emulator();
  const auto program = test::make_program({{{40, {24}, {}}}}, hardware, 4);
  const auto message = [&](const char* options, const program::Program* of) {
    return message_of([&] { static_cast<void>(open_systemc_device(options, emulator, of)); },
                      ErrorCode::kInvalidArgument);
  };
  for (const char* options : {"chip", "chip,timing-only", "timing-only,chip", "chip=tiny-64"}) {
    const auto device = open_systemc_device(options, emulator, program.get());
    EXPECT_EQ(device->info().name, "systemc:chip") << options;
    EXPECT_NE(device->chip_use(), nullptr) << options;
  }
  EXPECT_EQ(open_systemc_device("timing-only", emulator)->chip_use(), nullptr);
  EXPECT_NO_THROW(static_cast<void>(open_systemc_device("chip=afm-512", emulator)));
  EXPECT_THAT(message("chip", nullptr), testing::HasSubstr("expected chip=NAME"));
  EXPECT_THAT(message("chip=afm-512", program.get()),
              testing::AllOf(testing::HasSubstr("expected tiles of 64x64"), testing::HasSubstr("found 512x512")));
  EXPECT_THAT(message("chip=", program.get()), testing::HasSubstr("found 'chip='"));
  EXPECT_THAT(message("chips", program.get()), testing::HasSubstr("found 'chips'"));
}

TEST(ChipDevice, FifthIsRefusedUntilOneIsClosed) {
  const arch::EmulatorDescription emulator = test::Hardware{}.emulator();
  std::vector<std::unique_ptr<device::Device>> devices;
  for (int i = 0; i < 4; ++i) devices.push_back(open_systemc_device("chip=tiny-64", emulator));
  const auto open = [&] { static_cast<void>(open_systemc_device("chip=tiny-64", emulator)); };
  EXPECT_THAT(message_of(open, ErrorCode::kCapacity), testing::HasSubstr("4 chips are open"));
  EXPECT_NO_THROW(static_cast<void>(open_systemc_device("", emulator)));  // the others are not affected
  devices.pop_back();
  EXPECT_NO_THROW(open());
}

/// More sequences at a time than processes are kept for later ones.
TEST(ChipDevice, ManySequencesTakeTurnsAtATile) {
  const test::Hardware hardware;  // constants of tiny-64
  const auto program = test::make_program({{{40, {24}, {}}}}, hardware, 1);
  ChipWorkload workload;
  workload.num_sequences = 300;
  const double link_in = 10 + 40 / 16.0, tile = 100 + 24 * 0.5, link_out = 10 + 4 * 24 / 16.0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const ChipResult result = simulate_chip(plan_of(*program, 0), hardware.chip(), workload);
    EXPECT_NEAR(result.total_ns, link_in + 300 * tile + link_out, 1e-6) << repeat;
    EXPECT_EQ(result.tokens.size(), 300U);
  }
}

/// A part of a block: columns [col0, col0 + cols) of tile 3, rows 8 to 27.
[[nodiscard]] analog::BlockView part(std::uint32_t col0, std::uint32_t cols) {
  analog::BlockView view;
  view.tile_uid = 3;
  view.row0 = 8;
  view.rows = 20;
  view.col0 = col0;
  view.cols = cols;
  return view;
}

TEST(CallRecord, PartsOfABlockAreOneMvm) {
  CallRecord record;
  record.set_layout({4, 0, {{3, 8, 40, 20, 10}, {3, 8, 4, 20, 36}, {2, 8, 4, 20, 36}}});
  record.add(part(4, 16), 5);
  record.add(part(40, 10), 5);
  record.add(part(20, 20), 5);
  const CallWork call = record.call(25, 46);
  EXPECT_EQ(call.blocks, (std::vector<BlockWork>{{3, 20, 10, 5}, {3, 20, 36, 5}}));  // in the order of the layout
  EXPECT_EQ(call.in_features, 25U);
  EXPECT_EQ(call.out_features, 46U);
  EXPECT_EQ(record.num_tiles(), 4U);
}

TEST(CallRecord, TheSameColumnsOnceMoreAreAnotherMvm) {
  CallRecord record;
  record.set_layout({4, 0, {{3, 8, 4, 20, 36}}});
  for (const std::uint32_t in_begin : {0U, 20U}) {
    record.add(part(4, 16), in_begin);
    record.add(part(20, 20), in_begin);
  }
  EXPECT_EQ(record.call(40, 36).blocks, (std::vector<BlockWork>{{3, 20, 36, 0}, {3, 20, 36, 20}}));
  record.start();
  EXPECT_TRUE(record.call(0, 0).blocks.empty());
}

TEST(CallRecord, WhatIsNoPartOfABlockIsABlock) {
  CallRecord record;
  record.set_layout({4, 0, {{3, 8, 4, 20, 16}, {3, 8, 20, 19, 16}}});
  record.add(part(20, 16), 0);  // other rows than the block there
  record.add(part(4, 17), 0);   // one column too many
  record.add(part(0, 4), 0);    // before all blocks
  EXPECT_EQ(record.call(20, 37).blocks, (std::vector<BlockWork>{{3, 20, 16, 0}, {3, 20, 17, 0}, {3, 20, 4, 0}}));
}

}  // namespace
}  // namespace xw::systemc
