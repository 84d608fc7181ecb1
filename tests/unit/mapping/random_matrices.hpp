// Matrices of random shapes for tests of the mapper.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compiler/mapping/plan.hpp"
#include "tests/support/random_numbers.hpp"

namespace xw::mapping::test {

/// 1 ... groups groups of 1 ... members matrices each, once or twice on the chip, with 1 ... features inputs, which those of a group share,
/// and outputs.
inline std::vector<MatrixShape> random_matrices(xw::test::RandomNumbers& pick, std::uint32_t groups,
                                                std::uint32_t members, std::uint32_t features) {
  std::vector<MatrixShape> matrices;
  const std::uint32_t last = pick(1, groups);
  for (std::uint32_t group = 1; group <= last; ++group) {
    const std::uint32_t inputs = pick(1, features);
    for (std::uint32_t m = pick(1, members); m > 0; --m)
      matrices.push_back({"m" + std::to_string(matrices.size()), inputs, pick(1, features), {}, group, pick(1, 2)});
  }
  return matrices;
}

}  // namespace xw::mapping::test
