// The emulator profile of the SystemC model against the Verilated RTL: cycles of compiled programs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>

#include "arch/support/parallel.hpp"
#include "host/backends/systemc/systemc_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"
#include "tests/conformance/verilated_models.hpp"

namespace xw::test {
namespace {

/// Programs longer than this are compared.
constexpr std::uint64_t kShort = 1000;
constexpr double kTolerance = 0.02;

struct CycleCase {
  std::string name;
  ProgramShape shape;
  Hardware hardware;
  std::uint32_t num_vectors = 1;
};
void PrintTo(const CycleCase& row, std::ostream* out) {
  *out << row.name;
}

[[nodiscard]] std::vector<CycleCase> table() {
  Hardware tiny;
  Hardware wide;
  wide.tile_rows = wide.tile_cols = 128;
  wide.num_engines = 4;
  wide.lanes = 64;
  wide.max_batch = 16;
  std::vector<CycleCase> cases;
  for (const std::uint32_t batch : {1U, 2U, 4U}) {
    const std::string suffix = "_batch_" + std::to_string(batch);
    cases.push_back({"tiny_one_block" + suffix, {{{64, {64}, {}}}}, tiny, batch});
    cases.push_back({"tiny_grid" + suffix, {{{200, {300}, {}}}}, tiny, batch});
    cases.push_back({"tiny_ragged" + suffix, {{{130, {67, 41}, {}}}}, tiny, batch});
    cases.push_back({"tiny_narrow" + suffix, {{{400, {5}, {}}}}, tiny, batch});
    cases.push_back({"tiny_shallow" + suffix, {{{3, {700}, {}}}}, tiny, batch});
    cases.push_back({"tiny_two_calls" + suffix, {{{96, {96, 32, 32}, {}}, {96, {256}, {}}}}, tiny, batch});
  }
  for (const std::uint32_t batch : {1U, 5U, 16U}) {
    const std::string suffix = "_batch_" + std::to_string(batch);
    cases.push_back({"wide_grid" + suffix, {{{384, {512}, {}}}}, wide, batch});
    cases.push_back({"wide_ragged" + suffix, {{{300, {200, 100}, {}}}}, wide, batch});
    cases.push_back({"wide_shallow" + suffix, {{{20, {2000}, {}}}}, wide, batch});
    cases.push_back({"wide_deep" + suffix, {{{900, {60}, {}}}}, wide, batch});
  }
  return cases;
}

class EmulatorCycles : public testing::TestWithParam<CycleCase> {};

TEST_P(EmulatorCycles, AreThoseOfTheRtlWithinTwoPercent) {
  const CycleCase& row = GetParam();
  const arch::EmulatorDescription emulator = row.hardware.emulator();
  if (verilated::find_model(conformance_models(), verilated::shape_of(emulator)) == nullptr) {
    GTEST_SKIP() << "no Verilated model of this shape (built without Verilator)";
  }
  constexpr std::uint32_t kSeed = 77;
  const auto program = make_program(row.shape, row.hardware, kSeed);
  ThreadPool pool(1);
  const auto rtl = open_verilated(emulator, {});
  systemc::SystemcDevice model(emulator);
  const runtime::ChipOptions options{1, "ideal", 0, 0.01};
  runtime::ChipInstance on_rtl(program, *rtl, options, pool);
  runtime::ChipInstance on_model(program, model, options, pool);
  for (std::uint32_t call = 0; call < program->manifest().calls.size(); ++call) {
    const program::CallInfo& info = program->manifest().calls[call];
    std::mt19937 random(kSeed);
    std::vector<std::int8_t> codes(std::size_t{row.num_vectors} * info.in_features);
    for (std::int8_t& code : codes) code = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
    EXPECT_EQ(on_rtl.run_codes(call, codes, row.num_vectors, 0), on_model.run_codes(call, codes, row.num_vectors, 0));
    const device::RunStats expected = on_rtl.stats()[call].device;
    const device::RunStats found = on_model.stats()[call].device;
    const double error = static_cast<double>(found.total_cycles) / static_cast<double>(expected.total_cycles) - 1.0;
    std::printf("%-32s call %u: RTL %8llu, SystemC %8llu cycles, %+.2f %%\n", row.name.c_str(), call,
                static_cast<unsigned long long>(expected.total_cycles),
                static_cast<unsigned long long>(found.total_cycles), 100 * error);
    if (expected.total_cycles > kShort) {
      EXPECT_LE(std::abs(error), kTolerance);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EmulatorCycles, testing::ValuesIn(table()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace xw::test
