// Every implementation of programming's inner loops gives the bits of the portable one; deviates against table and Threefry.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/cell_kernels.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "models/analog/threefry.hpp"
#include "models/cells/cell_model.hpp"
#include "models/cells/normal.hpp"

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
  const std::uint32_t seed = std::random_device{}();
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
      const auto random = analog::threefry2x32<20>(source.key0, source.key1, source.row, source.first_pair + i);
      for (const std::uint32_t bits : random) expected.push_back(table(bits));
    }
    ASSERT_EQ(bits_of(deviates, 2 * pairs), bits_of(expected.data(), expected.size())) << "round " << round;
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
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 rng(seed);
  compare_models<std::int16_t>(*tested_, rng);
  compare_models<std::int8_t>(*tested_, rng);
}

TEST_P(CellKernelsTest, LoopsGiveTheSameBits) {  // the numbers before they are rounded to cells
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  const CellKernels& portable = *available_cell_kernels().back();
  std::vector<PcmDevice> devices(128);
  for (PcmDevice& device : devices) device = {normal(rng), normal(rng), 0.1F * normal(rng), 0.1F * normal(rng)};
  std::vector<float> sigmas(128);
  for (float& sigma : sigmas) sigma = rng() % 8 == 0 ? 0.0F : normal(rng);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = 1 + rng() % kChunk;
    std::vector<std::int16_t> targets(count);
    for (auto& target : targets) target = static_cast<std::int16_t>(rng());
    std::vector<float> coefficients(kReadEntries);
    for (float& c : coefficients) c = 0.01F * std::fabs(normal(rng));
    std::vector<float> noise(count);
    std::vector<float> start(count);
    for (float& n : noise) n = normal(rng);
    for (float& s : start) s = normal(rng);
    const auto run = [&](const CellKernels& kernels) {
      std::vector<float> all;
      std::vector<float> values(count);
      std::vector<std::int32_t> magnitudes(count);
      const auto keep = [&] { all.insert(all.end(), values.begin(), values.end()); };
      kernels.normalize_i16(targets.data(), count, 30000, values.data());
      keep();
      kernels.add_scaled(noise.data(), count, 0.3F, values.data());
      keep();
      values = start;
      kernels.add_spread_i16(targets.data(), count, 127, sigmas.data(), noise.data(), values.data());
      keep();
      std::vector<std::int32_t> negative(count);
      kernels.magnitudes_i16(targets.data(), count, 127, magnitudes.data(), negative.data());
      std::vector<float> other = noise;
      kernels.exchange(negative.data(), count, values.data(), other.data());
      keep();
      all.insert(all.end(), other.begin(), other.end());
      PcmDevices fetched;
      kernels.fetch_devices(devices.data(), magnitudes.data(), count, fetched);
      for (const float* column : {fetched.target, fetched.sigma, fetched.nu_mean, fetched.nu_deviation})
        all.insert(all.end(), column, column + count);
      kernels.program_devices(fetched, noise.data(), count, values.data());
      keep();
      const std::vector<float> programmed = values;
      kernels.drift_devices(fetched, noise.data(), 17.5F, count, values.data());
      keep();
      kernels.read_devices(programmed.data(), noise.data(), 2.9F, count, values.data());
      keep();
      kernels.read_tabulated(programmed.data(), noise.data(), coefficients.data(), 2.9F, count, values.data());
      keep();
      kernels.subtract_idle(negative.data(), programmed.data(), count, values.data());
      keep();
      std::vector<float> second(count);
      kernels.absolute(start.data(), count, values.data(), second.data());
      keep();
      all.insert(all.end(), second.begin(), second.end());
      second = start;
      kernels.keep_signs(noise.data(), count, second.data());
      all.insert(all.end(), second.begin(), second.end());
      kernels.program_cmo(noise.data(), 0.1F, 0.02F, count, values.data());
      keep();
      kernels.relax_cmo(noise.data(), -0.5F, 30.0F, count, values.data());
      keep();
      kernels.read_cmo(noise.data(), 0.3F, count, values.data());
      keep();
      kernels.cmo_weights(count, values.data());
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
