// Random cases of tests: a new seed in every run, which is printed; XW_TEST_SEED=<that number> repeats the run.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace xw::test {

/// The seed of a randomised test, 32 bits: printed and recorded.
[[nodiscard]] inline std::uint32_t random_seed() {
  const char* given = std::getenv("XW_TEST_SEED");
  const std::uint32_t seed =
      given == nullptr ? std::random_device{}() : static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  std::cout << "seed " << seed << " (XW_TEST_SEED repeats it)\n";
  return seed;
}

class RandomNumbers {
 public:
  RandomNumbers() : engine_(seed_) {}
  /// Uniform, both ends included.
  std::uint32_t operator()(std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(engine_);
  }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_ = random_seed();
  std::mt19937_64 engine_;
};

}  // namespace xw::test
