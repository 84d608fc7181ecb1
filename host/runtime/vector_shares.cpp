// Which copy of a call takes which vectors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/vector_shares.hpp"

namespace xw::runtime {

std::vector<VectorShare> share_vectors(std::uint32_t copies, std::uint32_t num_vectors, std::uint32_t vector_base) {
  std::vector<VectorShare> shares(copies);
  for (std::uint32_t v = 0; v < num_vectors; ++v) {
    const std::uint64_t index = std::uint64_t{vector_base} + v;
    VectorShare& share = shares[index % copies];
    if (share.vectors.empty()) share.vector_base = static_cast<std::uint32_t>(index / copies);
    share.vectors.push_back(v);
  }
  return shares;
}

}  // namespace xw::runtime
