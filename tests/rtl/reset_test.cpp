// The chain of reset registers: as long as it says, in both directions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "Vreset_1.h"
#include "Vreset_3.h"
#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

template <typename Model>
void follows_the_input_after(unsigned stages) {
  SCOPED_TRACE(std::to_string(stages) + " stages");
  std::mt19937 random(1);
  Model top;
  std::deque<std::uint8_t> inputs;
  for (unsigned cycle = 0; cycle < 500; ++cycle) {
    top.rst_ni = cycle >= 10 && random() % 4 != 0;
    clocks_low(top);
    // Before the first edges it is in reset, as registers of an FPGA begin with 0.
    ASSERT_EQ(top.rst_no, inputs.size() < stages ? 0 : inputs.front()) << "cycle " << cycle;
    clock_edge(top);
    inputs.push_back(top.rst_ni);
    if (inputs.size() > stages) inputs.pop_front();
  }
  verilated::finish(top);
}

TEST(ResetRtl, FollowsTheInputAfterItsStages) {
  follows_the_input_after<Vreset_1>(1);
  follows_the_input_after<Vreset_3>(3);
}

}  // namespace
}  // namespace xw::test
