// Calls that a chip holds several times: which vectors go where, whatever the runs, and what differs between copies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "arch/support/parallel.hpp"
#include "compiler/program/call_copies.hpp"
#include "host/backends/functional/functional_device.hpp"
#include "host/runtime/chip_instance.hpp"
#include "host/runtime/vector_shares.hpp"
#include "tests/conformance/made_program.hpp"

namespace xw::runtime {
namespace {

using test::Hardware;
using test::ProgramShape;
using Words = std::vector<std::int32_t>;

constexpr std::uint32_t kVectors = 23, kBase = 100;

/// The second of two calls is there `copies` times; blocks of several sizes, averaged copies and biases.
ProgramShape shape(std::uint32_t copies) {
  ProgramShape made;
  made.calls = {{96, {96, 32}, {}}, {150, {130, 40}, {64}, 2, copies}};
  made.with_bias = true;
  return made;
}

class Copies : public testing::Test {
 protected:
  std::shared_ptr<const program::Program> make(std::uint32_t copies) const {
    return test::make_program(shape(copies), hardware, 5);
  }
  /// Codes that differ from vector to vector, or all of one.
  std::vector<std::int8_t> codes(const ChipInstance& chip, std::uint32_t call, bool alike) const {
    const std::uint32_t features = chip.program().manifest().calls[call].in_features;
    std::vector<std::int8_t> made(std::size_t{kVectors} * features);
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = static_cast<std::int8_t>((alike ? i % features : i) * 37 % 255 - 127);
    return made;
  }
  /// Words of the vectors, in runs of so many.
  Words run(ChipInstance& chip, std::uint32_t call, std::uint32_t at_once, bool alike = false) const {
    const std::vector<std::int8_t> all = codes(chip, call, alike);
    const std::size_t features = all.size() / kVectors;
    Words words;
    for (std::uint32_t first = 0; first < kVectors; first += at_once) {
      const std::uint32_t count = std::min(at_once, kVectors - first);
      const Words part =
          chip.run_codes(call, std::span(all).subspan(first * features, count * features), count, kBase + first);
      words.insert(words.end(), part.begin(), part.end());
    }
    return words;
  }
  static Words vector_of(const Words& words, std::size_t v) {
    const std::size_t length = words.size() / kVectors;
    return {words.begin() + static_cast<std::ptrdiff_t>(v * length),
            words.begin() + static_cast<std::ptrdiff_t>((v + 1) * length)};
  }

  Hardware hardware;
  ThreadPool pool{2};
  functional::FunctionalDevice device{hardware.emulator(), pool};
};

TEST(VectorShares, VectorsTakeTheCopiesInTurn) {
  const std::vector<VectorShare> shares = share_vectors(3, 5, 7);  // indices 7 to 11
  ASSERT_EQ(shares.size(), 3U);
  EXPECT_EQ(shares[0].vectors, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(shares[0].vector_base, 3U);
  EXPECT_EQ(shares[1].vectors, (std::vector<std::uint32_t>{0, 3}));
  EXPECT_EQ(shares[1].vector_base, 2U);
  EXPECT_EQ(shares[2].vectors, (std::vector<std::uint32_t>{1, 4}));
  EXPECT_EQ(shares[2].vector_base, 2U);
}

TEST_F(Copies, WithoutNoiseTheirWordsAreThoseOfOne) {
  for (const std::uint32_t copies : {2U, 3U, 5U}) {
    ChipInstance one(make(1), device, {.noise = "ideal", .read_sigma = 0}, pool);
    const Words expected = run(one, 1, kVectors), first = run(one, 0, kVectors);
    ChipInstance several(make(copies), device, {.noise = "ideal", .read_sigma = 0}, pool);
    EXPECT_EQ(several.program().manifest().calls.size(), 1 + copies);
    EXPECT_EQ(run(several, 1, kVectors), expected) << copies;
    EXPECT_EQ(run(several, 0, kVectors), first) << copies;
  }
}

TEST_F(Copies, NoiseIsThatOfTheCopyHoweverRunsAreCut) {
  const ChipOptions noisy{.chip_seed = 3, .noise = "gaussian:gamma=0.05", .read_sigma = 0.05};
  ChipInstance chip(make(3), device, noisy, pool);
  const Words whole = run(chip, 1, kVectors);
  for (const std::uint32_t at_once : {1U, 2U, 5U, 13U}) EXPECT_EQ(run(chip, 1, at_once), whole) << at_once;
  // A copy by itself is a call, too: vector i of the call is its vector i / 3.
  const std::vector<std::uint32_t> copies = program::call_copies(chip.program().manifest())[1];
  ASSERT_EQ(copies.size(), 3U);
  const std::vector<std::int8_t> all = codes(chip, 1, false);
  const std::size_t features = all.size() / kVectors;
  for (std::uint32_t v = 0; v < kVectors; ++v) {
    const std::uint32_t index = kBase + v;
    if (index % 3 == 0) continue;  // the first copy is the call itself, which would share
    EXPECT_EQ(chip.run_codes(copies[index % 3], std::span(all).subspan(v * features, features), 1, index / 3),
              vector_of(whole, v))
        << v;
  }
}

TEST_F(Copies, CellsOfCopiesHaveNoiseOfTheirOwn) {
  const ChipOptions noisy{.chip_seed = 3, .noise = "gaussian:gamma=0.05", .read_sigma = 0};
  ChipInstance chip(make(2), device, noisy, pool);
  const Words words = run(chip, 1, kVectors, true);
  for (std::size_t v = 2; v < kVectors; ++v) EXPECT_EQ(vector_of(words, v), vector_of(words, v - 2)) << v;
  EXPECT_NE(vector_of(words, 0), vector_of(words, 1));
  // What is there without copies stays where it is, with its cells.
  ChipInstance one(make(1), device, noisy, pool);
  EXPECT_EQ(vector_of(run(one, 1, kVectors, true), 0), vector_of(words, 0)) << "index 100 is the first copy's";
}

TEST_F(Copies, WorkIsCountedAtTheCall) {
  ChipInstance chip(make(3), device, {.noise = "ideal", .read_sigma = 0, .checksum_y = true}, pool);
  (void)run(chip, 1, kVectors);
  ASSERT_EQ(chip.stats().size(), 4U);
  EXPECT_EQ(chip.stats()[1].vectors, kVectors);
  EXPECT_EQ(chip.stats()[1].runs, 3U * 2) << "batches of 4 per copy: 12 vectors, then 11";
  EXPECT_EQ(chip.stats()[2].vectors + chip.stats()[3].vectors, 0U);
  std::vector<float> x(std::size_t{kVectors} * 150, 0.25F), first(std::size_t{kVectors} * 130),
      second(std::size_t{kVectors} * 40);
  const std::vector<std::span<float>> outputs = {first, second};
  chip.run_call(1, x, kVectors, kBase, outputs);
  for (std::uint32_t v = 1; v < kVectors; ++v) {
    EXPECT_EQ(std::vector<float>(first.begin() + v * 130, first.begin() + (v + 1) * 130),
              std::vector<float>(first.begin(), first.begin() + 130));
  }
}

}  // namespace
}  // namespace xw::runtime
