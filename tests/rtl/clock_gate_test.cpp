// The clock gate: edges where they are asked for, and only whole ones.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "Vclock_gate.h"
#include "Vclock_gate_fast.h"
#include "host/backends/verilated/finish.hpp"

namespace xw::test {
namespace {

/// Cycles with random requests that change at any time of a cycle; whether the clock passed in each of them.
template <typename Model, typename Check>
void run(std::uint32_t seed, const Check& check) {
  const auto top = std::make_unique<Model>();
  std::mt19937 random(seed);
  top->rst_ni = 0;
  for (int cycle = 0; cycle < 500; ++cycle) {
    if (cycle == 3) top->rst_ni = 1;
    const bool enable = random() % 3 == 0;
    top->enable_i = enable;
    top->clk_i = 0;
    top->eval();
    EXPECT_EQ(top->clk_o, 0) << "a low clock stays low";
    top->clk_i = 1;
    top->eval();
    const bool passed = top->clk_o != 0;
    check(cycle, enable, top->rst_ni == 0, passed);
    // A request that changes behind the edge, as registers do, neither makes nor cuts one.
    top->enable_i = random() % 2;
    top->eval();
    EXPECT_EQ(top->clk_o != 0, passed) << "cycle " << cycle;
  }
  verilated::finish(*top);
}

TEST(ClockGateRtl, StandsStillInModelsThatSimulateFast) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run<Vclock_gate_fast>(seed, [](int cycle, bool enable, bool reset, bool passed) {
      if (cycle == 0) return;  // there was no falling edge before
      EXPECT_EQ(passed, enable || reset) << "cycle " << cycle;
    });
  }
}

TEST(ClockGateRtl, IsTheClockItselfWhenSynthesised) {
  run<Vclock_gate>(5, [](int cycle, bool, bool, bool passed) { EXPECT_TRUE(passed) << "cycle " << cycle; });
}

}  // namespace
}  // namespace xw::test
