// Generated code on random models and emulators: executed by the random-interleaving oracle, it gives W x.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "compiler/codegen/codegen.hpp"
#include "compiler/program/image_layout.hpp"
#include "tests/unit/codegen/model_fixture.hpp"
#include "tests/unit/program/random_executor.hpp"

namespace xw {
namespace {

using test::Model;
using test::OracleImage;
using test::RandomExecutor;

/// A weight, modulo 2^64, as a pure function of its place: no tables to keep.
std::uint64_t weight(std::uint32_t matrix, std::uint32_t out, std::uint32_t in) {
  std::uint64_t h = (std::uint64_t{matrix} << 48) ^ (std::uint64_t{out} << 24) ^ in;
  h = (h ^ (h >> 31)) * 0x9E3779B97F4A7C15ULL;
  return (h >> 40) % 255 - 127;
}

OracleImage make_image(const Model& model, const program::ImageRecord& record) {
  const program::BlockRecord& block = model.blocks.at(record.block);
  OracleImage image;
  image.rows = block.rows;
  image.cols = record.cols;
  for (std::uint32_t row = 0; row < image.rows; ++row) {
    for (std::uint32_t col = 0; col < image.cols; ++col) {
      image.weights.push_back(weight(block.matrix, block.out_begin + record.col_begin + col, block.in_begin + row));
    }
  }
  return image;
}

/// Every column of every block is in exactly one image, and images of an engine follow each other in its memory.
void expect_images_cover_blocks(const Model& model, const codegen::Output& output,
                                const arch::EmulatorDescription& emulator) {
  std::vector<std::vector<int>> covered;
  for (const auto& block : model.blocks) covered.emplace_back(block.cols, 0);
  std::vector<std::uint64_t> end(emulator.num_engines, 0);
  for (const auto& image : output.images) {
    for (std::uint32_t col = 0; col < image.cols; ++col) ++covered.at(image.block).at(image.col_begin + col);
    EXPECT_EQ(image.image_offset, end.at(image.engine));
    EXPECT_EQ(image.image_length, program::image_units(model.blocks.at(image.block).rows, image.cols, emulator.lanes));
    EXPECT_EQ(image.col_begin % emulator.lanes, 0U);
    end[image.engine] += image.image_length;
  }
  for (const auto& block : covered) {
    for (const int count : block) ASSERT_EQ(count, 1);
  }
  for (std::size_t engine = 0; engine < end.size(); ++engine)
    EXPECT_EQ(output.engine_image_bytes.at(engine), end[engine] * 64);
}

void expect_computes_product(const Model& model, const codegen::Output& output,
                             const arch::EmulatorDescription& emulator, std::uint32_t call_index, std::uint64_t seed,
                             std::size_t depth) {
  const program::CallInfo& call = output.calls.at(call_index);
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> x(call.x_stride_bytes, RandomExecutor::kPoison);
  for (std::uint32_t i = 0; i < call.in_features; ++i) x[i] = random() % 255 - 127;
  std::map<std::pair<std::uint32_t, std::uint32_t>, OracleImage> images;
  for (const auto& record : output.images) {
    if (record.call == call_index) images[{record.engine, record.image_offset}] = make_image(model, record);
  }
  RandomExecutor executor(emulator, x, call.y_stride_bytes / 4, std::move(images), seed, depth);
  ASSERT_EQ(executor.run(output.code, call.entry), "");
  for (const std::uint32_t matrix : call.matrices) {
    std::vector<int> covered(model.matrices[matrix].out_features, 0);
    for (const auto& segment : call.outputs) {
      if (segment.matrix != matrix) continue;
      for (std::uint32_t i = 0; i < segment.length; ++i) {
        const std::uint32_t out = segment.out_begin + i;
        ++covered.at(out);
        std::uint64_t expected = 0;
        for (std::uint32_t in = 0; in < call.in_features; ++in) expected += weight(matrix, out, in) * x[in];
        ASSERT_EQ(executor.y().at(segment.y_word + i), expected) << "matrix " << matrix << " output " << out;
      }
    }
    for (const int count : covered) ASSERT_EQ(count, 1);
  }
}

template <typename T>
T pick(std::mt19937_64& random, std::initializer_list<T> values) {
  return *(values.begin() + random() % values.size());
}

class RandomModels : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomModels, ComputeTheirProductInAnyInterleaving) {
  const std::uint64_t seed = GetParam();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 12; ++round) {
    const auto engines = static_cast<std::uint32_t>(1 + random() % 8);
    const std::uint32_t lanes = pick(random, {4U, 8U, 16U, 64U});
    const std::uint32_t block_cols = lanes * static_cast<std::uint32_t>(1 + random() % (lanes == 64 ? 2 : 5));
    const auto block_rows = static_cast<std::uint32_t>(8 + random() % 40);
    const std::uint32_t ybuf_words = (block_cols + 15) / 16 * 16 + 16 * static_cast<std::uint32_t>(random() % 12);
    const auto contexts = static_cast<std::uint32_t>(2 + random() % 3);
    const auto emulator = test::make_emulator(engines, lanes, block_rows, block_cols, contexts, 256, ybuf_words);
    Model model;
    for (std::uint64_t calls = 1 + random() % 3; calls > 0; --calls) {
      std::vector<std::uint32_t> outs;
      for (std::uint64_t matrices = 1 + random() % 3; matrices > 0; --matrices)
        outs.push_back(static_cast<std::uint32_t>(1 + random() % 200));
      model.add_call(static_cast<std::uint32_t>(1 + random() % 200), outs, block_rows,
                     static_cast<std::uint32_t>(8 + random() % 120));
    }
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round) + ": " + std::to_string(engines) +
                 " engines, lanes " + std::to_string(lanes) + ", block_cols " + std::to_string(block_cols) + ", ybuf " +
                 std::to_string(ybuf_words));
    const codegen::Output output = codegen::generate(model.input(), emulator);
    expect_images_cover_blocks(model, output, emulator);
    for (std::uint32_t call = 0; call < model.calls.size(); ++call) {
      for (std::size_t depth = 1; depth <= 8; depth = depth * 2 + random() % 2)
        expect_computes_product(model, output, emulator, call, random(), depth);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModels, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace xw
