// Reads the golden vectors of tests/fixtures/golden.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "models/reference/afm_float.hpp"
#include "tests/support/paths.hpp"

namespace xw::test {

/// Vectors that IBM's code made; README.md beside the file says how. Throws if the file is not there.
inline nlohmann::json read_golden() {
  std::ifstream file(source_dir() / "tests/fixtures/golden/golden.json");
  return nlohmann::json::parse(file);
}

/// A tensor of the golden file: {"data": [...], "shape": [...]}, nested or flat.
struct GoldenTensor {
  std::vector<float> data;
  std::size_t rows = 1;
  std::size_t cols = 1;

  explicit GoldenTensor(const nlohmann::json& json) {
    if (json.is_null()) return;
    append(json.at("data"));
    const auto& shape = json.at("shape");
    cols = shape.empty() ? 1 : shape.back().get<std::size_t>();
    rows = shape.size() < 2 ? 1 : shape.front().get<std::size_t>();
  }
  [[nodiscard]] reference::afm::MatrixView view() const { return {data, rows, cols}; }

 private:
  void append(const nlohmann::json& json) {
    if (json.is_array()) {
      for (const auto& element : json) append(element);
    } else {
      data.push_back(json.get<float>());
    }
  }
};

/// Largest difference relative to the largest expected magnitude; infinite if sizes differ or a value is not a number.
template <typename Found>
double relative_error(const Found& found, std::span<const float> expected) {
  if (std::size(found) != expected.size()) return INFINITY;
  double difference = 0.0;
  double magnitude = 1e-12;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double delta = std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    if (std::isnan(delta)) return INFINITY;
    difference = std::max(difference, delta);
    magnitude = std::max(magnitude, std::fabs(static_cast<double>(expected[i])));
  }
  return difference / magnitude;
}

}  // namespace xw::test
