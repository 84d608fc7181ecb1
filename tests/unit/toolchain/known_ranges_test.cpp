// Input ranges without data.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/known_ranges.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/toolchain/sample_graph.hpp"

namespace xw::toolchain {
namespace {

using program::InputRange;
using testing::ElementsAre;

TEST(FixedRanges, AreTheSameForAllInputs) {
  const compiler::Calibration found = fixed_ranges(0.5F, test::sample_graph(), {"q", "o"});
  EXPECT_EQ(found.description, "input range 0.5 everywhere, no data");
  ASSERT_EQ(found.layers.size(), 2U);
  EXPECT_THAT(found.layers.at("o").inputs, ElementsAre(InputRange{0, 100, 0.5F}));
}

}  // namespace
}  // namespace xw::toolchain
