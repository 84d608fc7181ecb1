// The pipelined RTL generator against the C++ function (which is tested against Random123).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "Vthreefry.h"
#include "arch/generated/xw_arch.hpp"
#include "host/backends/verilated/finish.hpp"
#include "models/analog/threefry.hpp"

namespace xw::test {
namespace {

class ThreefryRtl : public testing::Test {
 protected:
  void SetUp() override {
    top_.rst_ni = 0;
    tick();
    tick();
    top_.rst_ni = 1;
  }
  void TearDown() override { verilated::finish(top_); }
  void tick() {
    top_.clk_i = 0;
    top_.eval();
    top_.clk_i = 1;
    top_.eval();
  }

  Vthreefry top_;
};

TEST_F(ThreefryRtl, AgreesWithTheReferenceWithInputGapsAndConstantLatency) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const std::uint32_t k0 = random(), k1 = random();
    top_.key_i = k0 | std::uint64_t{k1} << 32U;
    std::deque<std::pair<unsigned, std::uint64_t>> expected;  // cycle, value
    unsigned num_samples = 0;
    for (unsigned cycle = 0; cycle < 400; ++cycle) {
      top_.valid_i = cycle < 370 && random() % 4 != 0;
      const std::uint32_t c0 = random(), c1 = random();
      top_.counter_i = c0 | std::uint64_t{c1} << 32U;
      if (top_.valid_i != 0) {
        const auto words = analog::threefry2x32<arch::kThreefryRounds>(k0, k1, c0, c1);
        expected.emplace_back(cycle + arch::kThreefryRounds, words[0] | std::uint64_t{words[1]} << 32U);
        ++num_samples;
      }
      tick();
      const bool due = !expected.empty() && expected.front().first == cycle;
      ASSERT_EQ(top_.valid_o != 0, due) << "cycle " << cycle;
      if (due) {
        ASSERT_EQ(top_.random_o, expected.front().second);
        expected.pop_front();
      }
    }
    EXPECT_TRUE(expected.empty());
    EXPECT_GT(num_samples, 200U);
  }
}

TEST_F(ThreefryRtl, ResetForgetsSamplesUnderWay) {
  top_.valid_i = 1;
  for (int i = 0; i < 20; ++i) tick();
  EXPECT_EQ(top_.valid_o, 1);
  top_.rst_ni = 0;
  top_.valid_i = 0;
  tick();
  top_.rst_ni = 1;
  for (int i = 0; i < 20; ++i) {
    tick();
    EXPECT_EQ(top_.valid_o, 0);
  }
}

}  // namespace
}  // namespace xw::test
