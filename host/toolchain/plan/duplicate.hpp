// Free tiles hold further copies of calls, which take different tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace xw::toolchain {

/// A stage of a pipeline: how long a token keeps each of its tiles busy, and the tiles of a further copy. Stages may share tiles; those of copies
/// are theirs alone.
struct Stage {
  struct Load {
    std::uint32_t tile = 0;
    double ns = 0;
  };
  std::vector<Load> loads;  ///< every tile once; none: nothing to make faster
  std::uint64_t tiles = 1;
};
struct Duplication {
  std::vector<std::uint32_t> copies;  ///< by stage, at least 1
  double slowest_ns =
      0;  ///< longest that a token keeps a tile busy, in all stages, which share tokens among their copies
  double bound_ns = 0;  ///< least value of it for any copies, whole or not, within the budget, if no tile were shared
  std::uint64_t tiles = 0;  ///< of the further copies
};

/// Copies that make the busiest tile less busy for so many more tiles: again and again the stage in it that gives most per tile gets another copy.
/// Where no tiles are shared that is what every better choice has to do, so the result is the best there is in whole copies. Stages are not
/// made faster than `floor_ns`, where something else is slower; none gets more than `most` copies.
[[nodiscard]] Duplication duplicate(const std::vector<Stage>& stages, std::uint64_t budget, double floor_ns,
                                    std::uint32_t most = UINT32_MAX);

}  // namespace xw::toolchain
