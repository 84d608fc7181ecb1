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
#include "tests/conformance/program_cases.hpp"
#include "tests/conformance/verilated_models.hpp"

namespace xw::test {
namespace {

/// Programs longer than this are compared.
constexpr std::uint64_t kShort = 1000;
constexpr double kTolerance = 0.02;

/// The conformance table, and shapes chosen for their timing.
[[nodiscard]] std::vector<ProgramCase> table() {
  Hardware tiny;
  Hardware wide;
  wide.tile_rows = wide.tile_cols = 128;
  wide.num_engines = 4;
  wide.lanes = 64;
  wide.max_batch = 16;
  std::vector<ProgramCase> cases = program_cases();
  const runtime::ChipOptions options{1, "ideal", 0.01};
  for (const std::uint32_t batch : {1U, 2U, 4U}) {
    const std::string suffix = "_batch_" + std::to_string(batch);
    cases.push_back({"tiny_one_block" + suffix, {{{64, {64}, {}}}}, tiny, options, batch});
    cases.push_back({"tiny_grid" + suffix, {{{200, {300}, {}}}}, tiny, options, batch});
    cases.push_back({"tiny_ragged" + suffix, {{{130, {67, 41}, {}}}}, tiny, options, batch});
    cases.push_back({"tiny_narrow" + suffix, {{{400, {5}, {}}}}, tiny, options, batch});
    cases.push_back({"tiny_shallow" + suffix, {{{3, {700}, {}}}}, tiny, options, batch});
    cases.push_back({"tiny_two_calls" + suffix, {{{96, {96, 32, 32}, {}}, {96, {256}, {}}}}, tiny, options, batch});
  }
  for (const std::uint32_t batch : {1U, 5U, 16U}) {
    const std::string suffix = "_batch_" + std::to_string(batch);
    cases.push_back({"wide_grid" + suffix, {{{384, {512}, {}}}}, wide, options, batch});
    cases.push_back({"wide_ragged" + suffix, {{{300, {200, 100}, {}}}}, wide, options, batch});
    cases.push_back({"wide_shallow" + suffix, {{{20, {2000}, {}}}}, wide, options, batch});
    cases.push_back({"wide_deep" + suffix, {{{900, {60}, {}}}}, wide, options, batch});
  }
  return cases;
}

/// Relative difference of the model from the RTL.
[[nodiscard]] double difference(std::uint64_t rtl, std::uint64_t model) {
  return static_cast<double>(model) / static_cast<double>(rtl) - 1.0;
}

class EmulatorCycles : public testing::TestWithParam<ProgramCase> {};

TEST_P(EmulatorCycles, AreThoseOfTheRtlWithinTwoPercent) {
  const ProgramCase& row = GetParam();
  const arch::EmulatorDescription emulator = row.hardware.emulator();
  if (verilated::find_model(conformance_models(), verilated::shape_of(emulator)) == nullptr) {
    GTEST_SKIP() << "this build has no Verilated model of this shape";
  }
  constexpr std::uint32_t kSeed = 77;
  const auto program = make_program(row.shape, row.hardware, kSeed);
  ThreadPool pool(1);
  const auto rtl = open_verilated(emulator, {});
  systemc::SystemcDevice model(emulator);
  runtime::ChipInstance on_rtl(program, *rtl, row.options, pool);
  runtime::ChipInstance on_model(program, model, row.options, pool);
  std::uint64_t rtl_cycles = 0, model_cycles = 0;
  for (std::uint32_t call = 0; call < program->manifest().calls.size(); ++call) {
    const program::CallInfo& info = program->manifest().calls[call];
    const int dac_max = row.hardware.chip().dac_max();
    std::mt19937 random(kSeed + call);
    std::uniform_int_distribution<int> code(-dac_max, dac_max);
    std::vector<std::int8_t> codes(std::size_t{row.num_vectors} * info.in_features);
    for (std::int8_t& c : codes) c = static_cast<std::int8_t>(code(random));
    EXPECT_EQ(on_rtl.run_codes(call, codes, row.num_vectors, 0), on_model.run_codes(call, codes, row.num_vectors, 0));
    const std::uint64_t expected = on_rtl.stats()[call].device.total_cycles;
    const std::uint64_t found = on_model.stats()[call].device.total_cycles;
    if (expected > kShort) {
      EXPECT_LE(std::abs(difference(expected, found)), kTolerance) << "call " << call;
    }
    rtl_cycles += expected;
    model_cycles += found;
  }
  // scripts/results.py reads these lines.
  std::printf("cycles: | %s | %u | %llu | %llu | %+.2f %% |\n", row.name.c_str(), row.num_vectors,
              static_cast<unsigned long long>(rtl_cycles), static_cast<unsigned long long>(model_cycles),
              100 * difference(rtl_cycles, model_cycles));
  if (rtl_cycles > kShort) {
    EXPECT_LE(std::abs(difference(rtl_cycles, model_cycles)), kTolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EmulatorCycles, testing::ValuesIn(table()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace xw::test
