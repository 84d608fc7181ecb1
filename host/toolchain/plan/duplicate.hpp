// Free tiles hold further copies of calls, which take different tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace xw::toolchain {

/// A stage of a pipeline: the time of a token in it, and the tiles of a further copy.
struct Stage {
  double ns = 0;
  std::uint64_t tiles = 1;
};
struct Duplication {
  std::vector<std::uint32_t> copies;  ///< by stage, at least 1
  double slowest_ns = 0;              ///< the largest ns / copies
  double bound_ns = 0;                ///< least value of it for any copies, whole or not, within the budget
  std::uint64_t tiles = 0;            ///< of the further copies
};

/// Copies that make the slowest stage fastest for so many more tiles: again and again the slowest one gets another copy, which is what
/// every better choice has to do, so the result is the best there is in whole copies. Stages are not made faster than `floor_ns`, where
/// something else is slower.
[[nodiscard]] Duplication duplicate(const std::vector<Stage>& stages, std::uint64_t budget, double floor_ns);

}  // namespace xw::toolchain
