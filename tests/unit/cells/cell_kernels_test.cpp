// Every implementation of programming's inner loops gives the bits of the portable one; deviates against table and Threefry.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "models/analog/threefry.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/normal.hpp"
#include "tests/support/random_numbers.hpp"
#include "tests/unit/cells/documented_deviates.hpp"

namespace xw::cells {
namespace {

/// The counter whose threefry2x32 of 20 rounds under the key is {x0, x1}: its rounds backwards.
std::array<std::uint32_t, 2> counter_of(std::uint32_t k0, std::uint32_t k1, std::uint32_t x0, std::uint32_t x1) {
  for (unsigned round = 20; round-- > 0;) {
    if (round % 4 == 3) {
      const unsigned injection = round / 4 + 1;
      x0 -= analog::threefry_key_word(k0, k1, injection);
      x1 -= analog::threefry_key_word(k0, k1, injection + 1) + injection;
    }
    x1 = std::rotr(x1 ^ x0, static_cast<int>(analog::kThreefryRotations[round % 8]));
    x0 -= x1;
  }
  return {x0 - k0, x1 - k1};
}

/// The implementation in use, and another one for as long as a test runs.
class CellKernelsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const CellKernels* kernels : available_cell_kernels()) {
      if (kernels->name == GetParam()) tested_ = kernels;
    }
    if (tested_ == nullptr) GTEST_SKIP() << "skipped: this processor has no " << GetParam();
  }
  void TearDown() override { select_cell_kernels(before_); }

  const CellKernels& before_ = cell_kernels();
  const CellKernels* tested_ = nullptr;
};

std::vector<std::uint32_t> bits_of(const float* values, std::size_t count) {
  std::vector<std::uint32_t> bits;
  for (std::size_t i = 0; i < count; ++i) bits.push_back(std::bit_cast<std::uint32_t>(values[i]));
  return bits;
}

TEST_P(CellKernelsTest, DeviatesAreTheTableOfThreefry) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 rng(seed);
  const NormalTable& table = NormalTable::instance();
  alignas(64) float deviates[kChunk + kDeviateStep];
  for (int round = 0; round < 2000; ++round) {
    DeviateSource source{static_cast<std::uint32_t>(rng()), static_cast<std::uint32_t>(rng()),
                         static_cast<std::uint32_t>(rng()), static_cast<std::uint32_t>(rng()), table.coefficients()};
    const std::size_t pairs = 1 + rng() % (kChunk / 2 + 1);
    tested_->deviates(source, pairs, deviates);
    std::vector<float> expected;
    for (std::uint32_t i = 0; i < pairs; ++i) {
      const auto random = analog::threefry2x32<20>(source.key0, source.key1, source.row, source.first_call + i);
      for (const std::uint32_t bits : random) expected.push_back(table(bits));
    }
    ASSERT_EQ(bits_of(deviates, 2 * pairs), bits_of(expected.data(), expected.size())) << "round " << round;
  }
}

TEST_P(CellKernelsTest, DeviatesOfVersion2AreSumsOfTerms) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 rng(seed);
  alignas(64) float sums[kChunk + kSingleColumns];
  alignas(64) float differences[kChunk + kSingleColumns];
  for (int round = 0; round < 500; ++round) {
    const DeviateSource source{static_cast<std::uint32_t>(rng()), static_cast<std::uint32_t>(rng()),
                               static_cast<std::uint32_t>(rng()), static_cast<std::uint32_t>(rng()), nullptr};
    const auto word = [&](std::size_t call, std::size_t which) {
      return analog::threefry2x32<13>(source.key0, source.key1, source.row,
                                      source.first_call + static_cast<std::uint32_t>(call))[which];
    };
    const auto of_word = [](std::uint32_t bits, bool difference) {
      return static_cast<float>(test::DocumentedRow::of_word(bits, difference));
    };
    const std::size_t groups = 1 + rng() % 9;
    tested_->deviate_pairs(source, groups, sums, differences);
    for (std::size_t i = 0; i < groups * 32; ++i) {
      const std::uint32_t bits = word(i / 32 * 16 + i % 16, i / 16 % 2);
      ASSERT_EQ(sums[i], of_word(bits, false)) << "round " << round << ", column " << i;
      ASSERT_EQ(differences[i], of_word(bits, true)) << "round " << round << ", column " << i;
    }
    const std::size_t single_groups = 1 + rng() % 5;
    tested_->deviate_singles(source, single_groups, sums);
    for (std::size_t i = 0; i < single_groups * 64; ++i) {
      const std::uint32_t bits = word(i / 64 * 16 + i % 16, i / 32 % 2);
      ASSERT_EQ(sums[i], of_word(bits, i / 16 % 2 != 0)) << "round " << round << ", column " << i;
    }
  }
}

TEST_P(CellKernelsTest, DeviatesOfRareBits) {  // the ends of all octaves, of both signs, reached by Threefry backwards
  const NormalTable& table = NormalTable::instance();
  std::vector<std::uint32_t> words = {0, 0x7FFFFFFFU, 1, 2, 3};
  for (unsigned bit = 1; bit < 31; ++bit) {
    for (const std::uint32_t word : {(1U << bit) - 1U, 1U << bit, (1U << bit) + 1U}) words.push_back(word);
  }
  alignas(64) float deviates[kChunk + kDeviateStep];
  for (const std::uint32_t word : words) {
    for (const std::uint32_t even : {word, word | 0x80000000U}) {
      const std::uint32_t odd = ~even;
      const auto counter = counter_of(17, 23, even, odd);
      tested_->deviates({17, 23, counter[0], counter[1], table.coefficients()}, 1, deviates);
      const float expected[2] = {table(even), table(odd)};
      ASSERT_EQ(bits_of(deviates, 2), bits_of(expected, 2)) << std::hex << even;
    }
  }
}

template <typename Target>
void compare_models(const CellKernels& tested, std::mt19937& rng) {
  constexpr int kLowest = std::numeric_limits<Target>::min();
  constexpr int kFullScales[] = {7, 100, 127, 32767};
  for (const CellModel& row : cell_models()) {
    for (int round = 0; round < 60; ++round) {
      ProgrammingOptions options;
      options.noise = std::string(row.name);
      options.chip_seed = static_cast<std::uint32_t>(rng());
      options.g_unit = static_cast<int>(1 + rng() % 127);
      if (row.drifts && round % 2 == 0) options.seconds = 1e6;
      const auto model = make_programming_model(options);
      const int target_max = kFullScales[rng() % (sizeof(Target) == 1 ? 3 : 4)];
      std::vector<Target> targets(1 + rng() % 700);
      for (Target& target : targets) {
        const int span = rng() % 8 == 0 ? 65536 : 2 * target_max + 3;
        target = static_cast<Target>(static_cast<int>(rng() % static_cast<unsigned>(span)) - span / 2);
      }
      targets.front() = static_cast<Target>(kLowest);
      const auto tile = static_cast<std::uint32_t>(rng());
      const auto at_row = static_cast<std::uint32_t>(rng() % 4096);
      const auto col = static_cast<std::uint32_t>(rng() % 4096);
      std::vector<std::int8_t> cells(targets.size());
      std::vector<std::int8_t> expected(targets.size());
      select_cell_kernels(tested);
      model->program_row(tile, at_row, col, std::span<const Target>(targets), target_max, cells);
      select_cell_kernels(*available_cell_kernels().back());
      model->program_row(tile, at_row, col, std::span<const Target>(targets), target_max, expected);
      ASSERT_EQ(cells, expected) << row.name << ", full scale " << target_max << ", column " << col;
    }
  }
}

TEST_P(CellKernelsTest, ModelsProgramTheSameCells) {
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 rng(seed);
  compare_models<std::int16_t>(*tested_, rng);
  compare_models<std::int8_t>(*tested_, rng);
}

TEST_P(CellKernelsTest, LoopsGiveTheSameBits) {  // the numbers before they are rounded to cells
  const std::uint32_t seed = xw::test::random_seed();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  const CellKernels& portable = *available_cell_kernels().back();
  std::vector<DeviceEntry> devices(128);
  for (DeviceEntry& device : devices) device = {std::fabs(normal(rng)), static_cast<std::uint32_t>(rng())};
  QuadraticCurve curve;
  ReadCurves reads;
  for (auto& coefficients : curve.coefficients)
    for (float& c : coefficients) c = normal(rng);
  for (auto& coefficients : reads.loaded.coefficients)
    for (float& c : coefficients) c = 0.01F * normal(rng);
  for (auto& points : reads.idle)
    for (float& c : points) c = 0.01F * normal(rng);
  std::vector<float> sigmas(128);
  for (float& sigma : sigmas) sigma = rng() % 8 == 0 ? 0.0F : normal(rng);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = 1 + rng() % kChunk;
    std::vector<std::int16_t> targets(count);
    for (auto& target : targets) target = static_cast<std::int16_t>(rng());
    std::vector<float> noise(kChunk);  // kernels may read up to the next step
    std::vector<float> other(kChunk);
    std::vector<float> start(kChunk);
    for (float& n : noise) n = normal(rng);
    for (float& n : other) n = normal(rng);
    for (float& s : start) s = normal(rng);
    const auto run = [&](const CellKernels& kernels) {
      std::vector<float> all;
      alignas(64) float values[kChunk];
      alignas(64) float second[kChunk];
      const auto keep_these = [&](const float* kept) { all.insert(all.end(), kept, kept + count); };
      const auto keep = [&] { keep_these(values); };
      const auto restart = [&] { std::copy(start.begin(), start.end(), values); };
      kernels.normalize_i16(targets.data(), count, 30000, values);
      keep();
      kernels.add_scaled(noise.data(), count, 0.3F, values);
      keep();
      restart();
      kernels.add_spread_i16(targets.data(), count, 127, sigmas.data(), noise.data(), values);
      keep();
      Pairs pairs;
      kernels.magnitudes_i16(targets.data(), count, 127, pairs.magnitudes, pairs.negative);
      kernels.program_pairs(devices.data(), 0, 1.0F / 127, 0.7F, count, noise.data(), other.data(), pairs);
      kernels.read_coefficients(reads, other.data(), count, pairs);
      for (const float* kept : {pairs.conductance, pairs.idle, pairs.coefficients, pairs.idle_coefficients})
        keep_these(kept);
      for (std::size_t i = 0; i < count; ++i) all.push_back(std::bit_cast<float>(pairs.exponents[i]));
      pairs.drift_noise = pairs.idle_read_noise = noise.data();
      pairs.idle_drift_noise = pairs.read_noise = other.data();
      for (const auto& kinds : kernels.store_pairs) {
        for (const auto store : kinds) {
          std::int8_t cells[kChunk];
          store(pairs, {{1e-4F, 0.9F, 0.3F}, 2.9F}, count, 96, cells);
          all.insert(all.end(), cells, cells + count);
        }
      }
      restart();
      kernels.curve_of_weights(curve, values, count, second);
      keep_these(second);
      kernels.drift_of_weights({curve, {0.3F, 0.1F, -0.2F, 1.5F}, {-0.2F, 0.1F, 0.0F, 0.9F}}, values, count, second,
                               pairs.idle);
      keep_these(second);
      keep_these(pairs.idle);
      kernels.age_weights(second, pairs.idle, pairs.coefficients, 2.9F, count, noise.data(), other.data(), values);
      keep();
      kernels.program_cmo(noise.data(), 0.1F, 0.02F, count, values);
      keep();
      kernels.age_cmo(noise.data(), other.data(), -0.5F, 30.0F, 0.3F, count, values);
      keep();
      kernels.cmo_weights(count, values);
      keep();
      return bits_of(all.data(), all.size());
    };
    ASSERT_EQ(run(*tested_), run(portable)) << "round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(All, CellKernelsTest, testing::Values("avx512", "avx2", "portable"),
                         [](const auto& test_info) { return test_info.param; });

}  // namespace
}  // namespace xw::cells
