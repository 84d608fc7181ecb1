// Levels of adaptation.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/adapt/options.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "arch/support/error.hpp"

namespace xw::toolchain {
namespace {

constexpr std::array<std::string_view, 5> kLevels = {"none", "fold", "centre", "bypass", "clip"};
constexpr std::uint32_t kRank = 16;

}  // namespace

AdaptPasses adapt_level(const std::string& level) {
  const auto found = std::find(kLevels.begin(), kLevels.end(), level);
  if (found == kLevels.end()) {
    throw Error(ErrorCode::kInvalidArgument,
                "adaptation: expected a level of none, fold, centre, bypass, clip, found '" + level + "'");
  }
  const auto index = found - kLevels.begin();
  AdaptPasses passes;
  passes.equalise = index >= 1;
  passes.centre = passes.first_token = index >= 2;
  passes.rank = index >= 3 ? kRank : 0;
  passes.clip = index >= 4;
  return passes;
}

std::string adapt_level_help() {
  return "none, fold (scales between inputs and weights), centre (and means and the first token digitally), bypass "
         "(and principal "
         "directions digitally), clip (and large weights clipped)";
}

}  // namespace xw::toolchain
