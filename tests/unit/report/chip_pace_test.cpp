// First token and steady state from the times of tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_pace.hpp"

#include <gtest/gtest.h>

namespace xw::report {
namespace {

using systemc::ChipResult;
using systemc::ChipWorkload;

TEST(ChipPace, TheLastTokenOfThePromptGivesTheFirstOne) {
  ChipWorkload workload;
  workload.first_position = 10;
  workload.prompt_tokens = 3;
  workload.generated_tokens = 3;
  ChipResult result;  // positions 10, 11, 12 are the prompt; 12, 13, 14 give tokens
  for (const double end : {100.0, 110.0, 120.0, 150.0, 200.0}) {
    const auto position = static_cast<std::uint32_t>(10 + result.tokens.size());
    result.tokens.push_back({0, position, position < 13, 0, end});
  }
  const ChipPace pace = pace_of(workload, result);
  EXPECT_EQ(pace.first_token_ns, 120.0);
  EXPECT_EQ(pace.next_token_ns, (200.0 - 120.0) / 2);
}

TEST(ChipPace, IsTheMeanOverSequencesWhateverTheOrderOfTheirEnds) {
  ChipWorkload workload;
  workload.num_sequences = 2;
  workload.generated_tokens = 2;
  ChipResult result;
  result.tokens = {{1, 0, false, 0, 30}, {0, 0, false, 0, 40}, {1, 1, false, 30, 50}, {0, 1, false, 40, 100}};
  const ChipPace pace = pace_of(workload, result);
  EXPECT_EQ(pace.first_token_ns, 35.0);
  EXPECT_EQ(pace.next_token_ns, 40.0);
}

TEST(ChipPace, ASingleTokenHasNoNextAndAPromptAloneNone) {
  ChipWorkload workload;
  ChipResult result;
  result.tokens = {{0, 0, false, 0, 7}};
  EXPECT_EQ(pace_of(workload, result).first_token_ns, 7.0);
  EXPECT_FALSE(pace_of(workload, result).next_token_ns);
  workload.prompt_tokens = 1;
  workload.generated_tokens = 0;
  EXPECT_FALSE(pace_of(workload, result).first_token_ns);
}

}  // namespace
}  // namespace xw::report
