// Which copy of a call takes which vectors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace xw::runtime {

/// Vectors of a run that one copy takes.
struct VectorShare {
  std::uint32_t vector_base = 0;       ///< index of the first of them among all vectors of this copy
  std::vector<std::uint32_t> vectors;  ///< of the run, ascending; their indices at the copy follow each other
};

/// By copy: the vector of index i (vector_base + position in the run) is that of index i / copies at copy i % copies, however runs are cut.
/// `copies` at least 1.
[[nodiscard]] std::vector<VectorShare> share_vectors(std::uint32_t copies, std::uint32_t num_vectors,
                                                     std::uint32_t vector_base);

}  // namespace xw::runtime
