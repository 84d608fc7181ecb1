// Random cases of tests: a new seed in every run, which is printed.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <random>
#include <string>

namespace xw::test {

class RandomNumbers {
 public:
  RandomNumbers() : engine_(seed_) {
    ::testing::Test::RecordProperty("seed", std::to_string(seed_));
    std::cout << "seed " << seed_ << '\n';
  }
  /// Uniform, both ends included.
  std::uint32_t operator()(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(engine_);
  }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_ = std::random_device{}();
  std::mt19937_64 engine_;
};

}  // namespace xw::test
