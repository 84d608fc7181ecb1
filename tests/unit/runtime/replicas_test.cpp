// Copies of a matrix have noise of their own: the variance of the mean's error falls with their number.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "arch/support/parallel.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::make_program;

constexpr std::uint32_t kInputs = 60, kOutputs = 64, kVectors = 16, kSeed = 4711;

/// The same matrix with `replicas` copies, in tiles of `tile` x `tile`.
struct Chip {
  Chip(std::uint32_t replicas, std::uint32_t tile) : copies(replicas) {
    hardware.tile_rows = hardware.tile_cols = tile;
    program = make_program({{{kInputs, {kOutputs}, {}, replicas}}}, hardware, kSeed);
  }
  /// Mean of the copies for small random codes, which no converter clips.
  [[nodiscard]] std::vector<double> outputs(const ChipOptions& options) const {
    ThreadPool pool(2);
    functional::FunctionalDevice device(hardware.emulator(), pool);
    ChipInstance chip(program, device, options, pool);
    std::mt19937 random(kSeed);
    std::vector<std::int8_t> codes(std::size_t{kVectors} * kInputs);
    for (std::int8_t& code : codes) code = static_cast<std::int8_t>(static_cast<int>(random() % 41) - 20);
    std::vector<double> mean;
    for (const std::int32_t word : chip.run_codes(0, codes, kVectors, 100)) mean.push_back(double(word) / copies);
    return mean;
  }
  /// Mean square of what noise changes, over chips of several seeds.
  [[nodiscard]] double error(const std::string& noise, double read_sigma) const {
    const std::vector<double> ideal = outputs({1, "ideal", 0});
    double squares = 0;
    std::size_t count = 0;
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
      const std::vector<double> noisy = outputs({seed, noise, read_sigma});
      for (std::size_t i = 0; i < noisy.size(); ++i, ++count) squares += (noisy[i] - ideal[i]) * (noisy[i] - ideal[i]);
    }
    return squares / static_cast<double>(count);
  }
  std::uint32_t copies;
  Hardware hardware;
  std::shared_ptr<const program::Program> program;
};

TEST(Replicas, WithoutNoiseTheyAreTheSame) {
  EXPECT_EQ(Chip(1, 64).outputs({1, "ideal", 0}), Chip(4, 64).outputs({1, "ideal", 0}));
}

TEST(Replicas, ProgrammingNoiseFallsWithTheirNumber) {
  // In tiles of their own, and four in one tile (beside and above each other).
  for (const std::uint32_t tile : {64U, 128U}) {
    const double one = Chip(1, tile).error("gaussian:gamma=0.1", 0);
    for (const std::uint32_t copies : {2U, 4U}) {
      const double ratio = one / Chip(copies, tile).error("gaussian:gamma=0.1", 0);
      EXPECT_NEAR(ratio, copies, 0.15 * copies) << copies << " copies in tiles of " << tile << ", seed " << kSeed;
    }
  }
}

TEST(Replicas, ReadNoiseFallsWithTheirNumber) {
  for (const std::uint32_t tile : {64U, 128U}) {
    const double one = Chip(1, tile).error("ideal", 0.1);
    for (const std::uint32_t copies : {2U, 4U}) {
      const double ratio = one / Chip(copies, tile).error("ideal", 0.1);
      EXPECT_NEAR(ratio, copies, 0.15 * copies) << copies << " copies in tiles of " << tile << ", seed " << kSeed;
    }
  }
}

}  // namespace
}  // namespace xw::runtime
