// The SystemC device beyond conformance: time without values, several devices at once, options, limits.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "arch/support/error.hpp"
#include "arch/support/parallel.hpp"
#include "host/backends/systemc/open.hpp"
#include "host/backends/systemc/systemc_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::systemc {
namespace {

const runtime::ChipOptions kOptions{3, "gaussian:gamma=0.02", 0.01};

[[nodiscard]] std::shared_ptr<const program::Program> made(const test::Hardware& hardware) {
  return test::make_program({{{130, {67, 41}, {}}}}, hardware, 5);
}

/// One run of call 0 with fixed codes.
[[nodiscard]] std::vector<std::int32_t> run(runtime::ChipInstance& chip, std::uint32_t num_vectors) {
  std::vector<std::int8_t> codes(std::size_t{num_vectors} * 130);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
  return chip.run_codes(0, codes, num_vectors, 0);
}

TEST(Device, TimeDoesNotDependOnValues) {
  const test::Hardware hardware;
  const auto program = made(hardware);
  ThreadPool pool(1);
  SystemcDevice with(hardware.emulator());
  SystemcDevice without(hardware.emulator(), {false});
  EXPECT_TRUE(with.info().cycle_accurate);
  runtime::ChipInstance with_values(program, with, kOptions, pool);
  runtime::ChipInstance timing_only(program, without, kOptions, pool);
  static_cast<void>(run(with_values, 3));
  static_cast<void>(run(timing_only, 3));
  device::RunStats expected = with_values.stats()[0].device;
  EXPECT_GT(expected.total_cycles, 500U);
  EXPECT_GT(expected.adc_conversions, 0U);
  expected.adc_saturations = 0;
  EXPECT_EQ(timing_only.stats()[0].device, expected);
}

TEST(Device, RunsRepeatExactlyAndDevicesDoNotDisturbEachOther) {
  test::Hardware small, large;
  large.num_engines = 8;
  large.lanes = 64;
  large.tile_rows = large.tile_cols = 128;
  ThreadPool pool(1);
  SystemcDevice first(small.emulator()), second(large.emulator());
  const auto first_program = made(small);
  const auto second_program = made(large);
  runtime::ChipInstance on_first(first_program, first, kOptions, pool);
  runtime::ChipInstance on_second(second_program, second, kOptions, pool);
  const auto y = run(on_first, 2);
  const device::RunStats once = on_first.stats()[0].device;
  static_cast<void>(run(on_second, 2));
  on_first.reset_stats();
  EXPECT_EQ(run(on_first, 2), y);
  EXPECT_EQ(on_first.stats()[0].device, once);
}

TEST(Device, RunsFromSeveralThreadsTakeTurns) {
  const test::Hardware hardware;
  const auto program = made(hardware);
  std::vector<std::vector<std::int32_t>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      ThreadPool pool(1);
      SystemcDevice device(hardware.emulator());
      runtime::ChipInstance chip(program, device, kOptions, pool);
      for (int repeat = 0; repeat < 5; ++repeat) result = run(chip, 2);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
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

TEST(Device, NinthDeviceIsRefusedUntilOneIsClosed) {
  const arch::EmulatorDescription emulator = test::Hardware{}.emulator();
  std::vector<std::unique_ptr<SystemcDevice>> devices;
  for (int i = 0; i < 8; ++i) devices.push_back(std::make_unique<SystemcDevice>(emulator));
  const auto open = [&] { SystemcDevice ninth(emulator); };
  EXPECT_THAT(message_of(open, ErrorCode::kCapacity), testing::HasSubstr("8 devices are open"));
  devices.pop_back();
  EXPECT_NO_THROW(open());
}

TEST(Device, ImpossibleEmulatorsAndOptionsAreRefused) {
  arch::EmulatorDescription emulator = test::Hardware{}.emulator();
  EXPECT_NO_THROW((void)open_systemc_device("", emulator));
  EXPECT_NO_THROW((void)open_systemc_device("timing-only", emulator));
  EXPECT_THAT(message_of([&] { (void)open_systemc_device("fast", emulator); }, ErrorCode::kInvalidArgument),
              testing::HasSubstr("found 'fast'"));
  emulator.num_engines = 9;
  EXPECT_THAT(message_of([&] { SystemcDevice device(emulator); }, ErrorCode::kInvalidArgument),
              testing::HasSubstr("num_engines is 9, expected 1..8"));
}

/// Memory so slow that it decides: the port moves one beat in four cycles.
TEST(Device, SlowMemoryMakesLoadsSlow) {
  const test::Hardware hardware;
  const auto program = made(hardware);
  ThreadPool pool(1);
  arch::EmulatorDescription slow = hardware.emulator();
  slow.memory_bytes_per_cycle = slow.data_width_bits / 8 / 4.0;
  SystemcDevice device(slow), reference(hardware.emulator());
  runtime::ChipInstance on_slow(program, device, kOptions, pool);
  runtime::ChipInstance on_reference(program, reference, kOptions, pool);
  EXPECT_EQ(run(on_slow, 1), run(on_reference, 1));
  const device::RunStats stats = on_slow.stats()[0].device;
  const std::uint64_t beats = stats.block_bytes_read[0] / (slow.data_width_bits / 8);
  EXPECT_GT(stats.total_cycles, 4 * beats);
  EXPECT_LT(static_cast<double>(stats.total_cycles), 1.2 * 4 * static_cast<double>(beats));
}

}  // namespace
}  // namespace xw::systemc
