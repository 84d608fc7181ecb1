// Options of the Verilated device, and choosing its model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/verilated/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "host/backends/verilated/verilated_device.hpp"

namespace xw::verilated {
namespace {

using ::testing::HasSubstr;

std::string message(const std::string& text) {
  try {
    (void)parse_options(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "";
}

/// Long enough for whatever a run can compute without the bus, short enough that a run that hangs ends in seconds.
TEST(VerilatedOptions, ARunThatHangsIsGivenUpAfterABoundOfItsEmulator) {
  EXPECT_FALSE(parse_options("").silent_cycles);
  for (const std::string& name : arch::builtin_emulators()) {
    const arch::EmulatorDescription emulator = arch::load_emulator(name);
    const std::uint64_t longest = std::uint64_t{emulator.contexts} * emulator.max_batch * emulator.block_rows *
                                  ((emulator.block_cols + emulator.lanes - 1) / emulator.lanes);
    EXPECT_GT(most_silent_cycles(emulator, parse_options("latency=0")), 4 * longest) << name;
    EXPECT_GT(most_silent_cycles(emulator, parse_options("latency=60000")), 4 * 60'000U) << name;
    EXPECT_GT(most_silent_cycles(emulator, parse_options("bandwidth=0.001")), 4U * emulator.data_width_bits / 8 * 1000);
  }
  arch::EmulatorDescription emulator = arch::load_emulator("tiny-64");
  EXPECT_LT(most_silent_cycles(emulator, {}), std::uint64_t{1} << 22U);
  emulator.memory_bytes_per_cycle = 1e-300;
  EXPECT_LT(most_silent_cycles(emulator, {}), std::uint64_t{1} << 28U) << "whatever a capture says";
}

TEST(VerilatedOptions, AreParsed) {
  const Options all = parse_options(
      "trace=/tmp/out.fst,from=10,to=20,seed=3,backpressure=0.25,latency=7,bandwidth=12.5,outstanding=2,save=run.xwrun,"
      "timeout=99");
  EXPECT_EQ(all.trace, "/tmp/out.fst");
  EXPECT_EQ(all.trace_from, 10U);
  EXPECT_EQ(all.trace_to, 20U);
  EXPECT_EQ(all.seed, 3U);
  EXPECT_EQ(all.backpressure, 0.25);
  EXPECT_EQ(all.latency_cycles, 7U);
  EXPECT_EQ(all.bytes_per_cycle, 12.5);
  EXPECT_EQ(all.max_outstanding, 2U);
  EXPECT_EQ(all.save, "run.xwrun");
  EXPECT_EQ(all.silent_cycles, 99U);
  const Options none = parse_options("");
  EXPECT_TRUE(none.trace.empty());
  EXPECT_FALSE(none.latency_cycles.has_value());
}

TEST(VerilatedOptions, ProblemsAreNamed) {
  EXPECT_THAT(message("speed=3"), HasSubstr("one of the keys trace, from, to, seed, backpressure, latency, bandwidth, "
                                            "outstanding, save, timeout, found 'speed=3'"));
  EXPECT_THAT(message("latency"), HasSubstr("found 'latency'"));
  EXPECT_THAT(message(","), HasSubstr("found ''"));
  EXPECT_THAT(message("latency=3,latency=4"), HasSubstr("latency is given twice"));
  EXPECT_THAT(message("latency=-1"), HasSubstr("latency: expected an integer of 0..1000000, found '-1'"));
  EXPECT_THAT(message("latency=1e3"), HasSubstr("found '1e3'"));
  EXPECT_THAT(message("latency="), HasSubstr("found ''"));
  EXPECT_THAT(message("latency=99999999999999999999"), HasSubstr("latency"));
  EXPECT_THAT(message("outstanding=0"), HasSubstr("outstanding: expected an integer of 1..65536"));
  EXPECT_THAT(message("backpressure=1"), HasSubstr("a probability of 0..0.99, found '1'"));
  EXPECT_THAT(message("backpressure=nan"), HasSubstr("found 'nan'"));
  EXPECT_THAT(message("bandwidth=0"), HasSubstr("bytes per cycle, above 0"));
  EXPECT_THAT(message("trace="), HasSubstr("trace: expected a file"));
  EXPECT_THAT(message("from=3"), HasSubstr("from and to need trace=FILE"));
  EXPECT_THAT(message("trace=a.fst,from=3,to=3"), HasSubstr("from=3 is not before to=3"));
  EXPECT_THAT(message("seed=3"), HasSubstr("seed needs backpressure"));
  EXPECT_THAT(message("from=-1,trace=a"), HasSubstr("an integer of 0 or more"));
}

/// Message of opening a device with these models.
std::string open_message(std::span<const ModelEntry> models, const Options& options = {}) {
  try {
    const VerilatedDevice device(arch::load_emulator("tiny-64"), options, models);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    return error.what();
  }
  return "";
}

TEST(VerilatedModels, OnesThatWereNotBuiltAreExplained) {
  EXPECT_THAT(open_message({}), HasSubstr("built without Verilator"));
  const ModelEntry other{"other", {}, nullptr, nullptr};
  EXPECT_THAT(open_message({&other, 1}),
              HasSubstr("no model of emulator tiny-64 was built; built: other (CMake variable XW_RTL_BUILDS"));
  const ModelEntry untraced{"tiny-64", shape_of(arch::load_emulator("tiny-64")), nullptr, nullptr};
  Options traced;
  traced.trace = "out.fst";
  EXPECT_THAT(open_message({&untraced, 1}, traced),
              HasSubstr("built without waveforms; built with them: none (CMake variable XW_RTL_TRACE)"));
}

TEST(VerilatedModels, AreFoundByShapeNotByName) {
  arch::EmulatorDescription emulator = arch::load_emulator("tiny-64");
  const ModelEntry entry{"tiny-64", shape_of(emulator), nullptr, nullptr};
  emulator.name = "renamed";
  emulator.clock_mhz = 5;
  emulator.memory_latency_cycles = 1;
  EXPECT_EQ(find_model({&entry, 1}, shape_of(emulator)), &entry);
  emulator.xbuf_bytes += 64;
  EXPECT_EQ(find_model({&entry, 1}, shape_of(emulator)), nullptr);
}

}  // namespace
}  // namespace xw::verilated
