// In-memory tensors and random numbers for tests of the host transformer.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "arch/support/error.hpp"
#include "host/transformer/model.hpp"

namespace xw::transformer::test {

inline std::vector<float> random_vector(std::size_t n, std::uint32_t seed, float scale = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  std::vector<float> values(n);
  for (float& value : values) value = normal(generator);
  return values;
}

struct MemoryTensor {
  std::vector<std::uint64_t> shape;
  std::vector<float> data;
};

/// Tensors of a map.
class MemorySource : public TensorSource {
 public:
  std::map<std::string, MemoryTensor> tensors;

  [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& tensor) const override {
    return find(tensor).shape;
  }
  void read_rows(const std::string& tensor, std::uint64_t begin, std::uint64_t end,
                 std::span<float> dst) const override {
    const MemoryTensor& found = find(tensor);
    const std::uint64_t rows = found.shape.size() < 2 ? 1 : found.shape[0];
    const std::uint64_t width = found.data.size() / rows;
    if (begin > end || end > rows || dst.size() != (end - begin) * width)
      throw Error(ErrorCode::kInternal, "bad rows of " + tensor);
    std::copy_n(found.data.begin() + static_cast<std::ptrdiff_t>(begin * width), dst.size(), dst.begin());
  }

 private:
  [[nodiscard]] const MemoryTensor& find(const std::string& tensor) const {
    const auto found = tensors.find(tensor);
    if (found == tensors.end()) throw Error(ErrorCode::kFormat, "no tensor '" + tensor + "'");
    return found->second;
  }
};

}  // namespace xw::transformer::test
