// First token and steady state of a simulation of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/chip_pace.hpp"

#include <algorithm>
#include <map>

namespace xw::report {

ChipPace pace_of(const systemc::ChipWorkload& workload, const systemc::ChipResult& result) {
  const std::uint32_t first_position =
      workload.first_position + (workload.prompt_tokens == 0 ? 0 : workload.prompt_tokens - 1);
  struct Ends {
    double first = 0, last = 0;
    std::uint32_t generated = 0;
  };
  std::map<std::uint32_t, Ends> sequences;
  if (workload.generated_tokens != 0) {
    for (const systemc::TokenTime& token : result.tokens) {
      if (token.position < first_position) continue;
      Ends& ends = sequences[token.sequence];
      if (token.position == first_position) ends.first = token.end_ns;
      ends.last = std::max(ends.last, token.end_ns);
      ++ends.generated;
    }
  }
  ChipPace pace;
  if (sequences.empty()) return pace;
  double first = 0, next = 0;
  std::uint32_t with_next = 0;
  for (const auto& [sequence, ends] : sequences) {
    first += ends.first;
    if (ends.generated < 2) continue;
    next += (ends.last - ends.first) / (ends.generated - 1);
    ++with_next;
  }
  pace.first_token_ns = first / static_cast<double>(sequences.size());
  if (with_next != 0) pace.next_token_ns = next / with_next;
  return pace;
}

}  // namespace xw::report
