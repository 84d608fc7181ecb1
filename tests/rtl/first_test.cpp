// The RTL's search for the lowest of several numbers against a loop in C++.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "Vfirst_15.h"
#include "Vfirst_2.h"
#include "host/backends/verilated/finish.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct First2 {
  using Model = Vfirst_2;
  static constexpr unsigned kSources = 2;
};
struct First15 {
  using Model = Vfirst_15;
  static constexpr unsigned kSources = 15;
};

template <typename Config>
class FirstRtl : public testing::Test {};
using Configs = testing::Types<First2, First15>;
TYPED_TEST_SUITE(FirstRtl, Configs);

TYPED_TEST(FirstRtl, IsTheLowestAndOfEqualOnesThatOfTheLowestSource) {
  constexpr unsigned kSources = TypeParam::kSources;
  std::mt19937 random(1);
  typename TypeParam::Model top;
  unsigned num_ties = 0;
  for (unsigned round = 0; round < 20000; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // Few values make ties, shifted ones every bit decide.
    const std::uint32_t mask = random() % 2 == 0 ? 3U : 0xFFFFFFFFU;
    const std::uint32_t shift = mask == 3U ? uniform(random, 0, 30) : uniform(random, 0, 31);
    std::vector<std::uint32_t> indices(kSources);
    for (std::uint32_t& index : indices) {
      index = mask == 3U ? (static_cast<std::uint32_t>(random()) & mask) << shift
                         : static_cast<std::uint32_t>(random()) >> shift;
    }
    const std::uint32_t valid = static_cast<std::uint32_t>(random()) & ((1U << kSources) - 1);
    put_number(top.valid_i, valid);
    put(top.index_i, indices);
    top.eval();
    std::uint32_t expected = 0;
    std::uint32_t lowest = 0;
    for (unsigned s = 0; s < kSources; ++s) {
      if ((valid >> s & 1U) == 0) continue;
      if (expected == 0 || indices[s] < lowest) {
        expected = 1U << s;
        lowest = indices[s];
      } else {
        num_ties += indices[s] == lowest ? 1 : 0;
      }
    }
    ASSERT_EQ(top.first_o, expected);
  }
  EXPECT_GT(num_ties, 500U);
  verilated::finish(top);
}

}  // namespace
}  // namespace xw::test
