// Every kernel that this processor can run equals the reference bit for bit.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "models/analog/numerics.hpp"
#include "tests/unit/analog/random_block.hpp"

namespace xw::analog {
namespace {

using test::random_codes;
using test::RandomBlock;

constexpr std::int32_t kGuard = 0x5A5A5A5A;

struct Case {
  std::uint32_t rows, cols, lanes, vectors;
  bool noise, accumulate, extremes;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "rows " << c.rows << " cols " << c.cols << " lanes " << c.lanes << " vectors " << c.vectors << " noise "
             << c.noise << " accumulate " << c.accumulate << " extremes " << c.extremes;
}

/// Restores the kernel selection.
class KernelTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    before_ = selected_kernel();
    select_kernel(GetParam());
    ASSERT_EQ(selected_kernel(), GetParam());
  }
  void TearDown() override { select_kernel(before_); }

 private:
  std::string before_;
};

/// Runs a case on the reference and on tile_mvm() in buffers with random strides, guarded on all sides; the cells as they are
/// and packed before.
void check_case(const Case& c, std::mt19937& rng) {
  RandomBlock block(rng, c.rows, c.cols, c.lanes, c.extremes ? -128 : -127);
  block.view.read_sigma_q = c.noise ? static_cast<std::uint32_t>(rng()) >> (rng() % 32) : 0;
  block.view.adc_shift = 1 + static_cast<std::uint32_t>(rng() % 40);
  block.view.adc_max = (1 << (3 + rng() % 9)) - 1;
  if (rng() % 2 == 0) {  // a realistic range: about one conversion in ten saturates
    block.view.adc_shift = 30;
    block.view.adc_max = 127;
  }
  const std::size_t x_stride = c.rows + rng() % 70;
  const std::size_t y_stride = c.cols + rng() % 70;
  std::vector<std::int8_t> x = random_codes(rng, x_stride * c.vectors, c.extremes ? -128 : -127);
  if (c.extremes && rng() % 2 == 0) {
    for (auto& g : block.cells) g = rng() % 2 == 0 ? std::int8_t{127} : std::int8_t{-128};
    for (auto& code : x) code = std::int8_t{-128};
  }
  std::vector<std::int32_t> expected(y_stride * c.vectors + 1, kGuard);
  if (c.accumulate) {
    for (auto& y : expected) y = static_cast<std::int32_t>(rng());
  }
  const std::vector<std::int32_t> before = expected;
  MvmBatch batch;
  batch.x = x.data();
  batch.x_stride = x_stride;
  batch.y_stride = y_stride;
  batch.num_vectors = c.vectors;
  batch.vector_base = static_cast<std::uint32_t>(rng());
  batch.chip_seed = static_cast<std::uint32_t>(rng());
  batch.accumulate = c.accumulate;
  batch.y = expected.data();
  const std::uint64_t expected_saturated = tile_mvm_reference(block.view, batch);
  const PackedCells packed(block.view);
  for (const PackedCells* cells : {static_cast<const PackedCells*>(nullptr), &packed}) {
    std::vector<std::int32_t> found = before;
    batch.y = found.data();
    block.view.packed = cells;
    EXPECT_EQ(tile_mvm(block.view, batch), expected_saturated) << c;
    ASSERT_EQ(found, expected) << c << " packed " << (cells != nullptr);
  }
}

TEST_P(KernelTest, EqualsReferenceForRandomShapes) {
  const std::uint32_t seed = 20240611;
  std::cout << "seed " << seed << '\n';
  std::mt19937 rng(seed);
  constexpr std::uint32_t kLanes[] = {64, 64, 64, 16, 16, 32, 128, 1, 3, 7, 8, 48, 100, 1024};
  for (int i = 0; i < 400; ++i) {
    Case c{};
    const std::uint64_t budget = 2'000'000;  // products per case: keeps the test short
    c.rows = 1 + static_cast<std::uint32_t>(rng() % (i % 4 == 0 ? 1024 : 140));
    c.cols = 1 + static_cast<std::uint32_t>(rng() % (i % 5 == 0 ? 1024 : 200));
    c.lanes = kLanes[rng() % std::size(kLanes)];
    c.vectors = 1 + static_cast<std::uint32_t>(rng() % (i % 3 == 0 ? 300 : 20));
    while (std::uint64_t{c.rows} * c.cols * c.vectors > budget && c.vectors > 1) c.vectors = (c.vectors + 1) / 2;
    c.noise = rng() % 2 == 0;
    c.accumulate = rng() % 2 == 0;
    c.extremes = rng() % 4 == 0;
    check_case(c, rng);
    if (HasFatalFailure()) return;
  }
}

TEST_P(KernelTest, EqualsReferenceAtEveryTailLength) {
  std::mt19937 rng(7);
  for (std::uint32_t n = 1; n <= 70; ++n) {
    for (const std::uint32_t lanes : {16U, 64U}) {
      check_case({n, 65, lanes, 1 + n % 9, n % 2 == 0, n % 3 == 0, false}, rng);
      check_case({5, n, lanes, n, n % 2 == 1, n % 3 == 0, false}, rng);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(KernelTest, HandlesMoreVectorsThanOnePass) {
  std::mt19937 rng(11);
  check_case({33, 70, 64, 256, true, false, false}, rng);
  check_case({33, 70, 64, 257, true, true, false}, rng);
  check_case({9, 20, 16, 1000, true, true, false}, rng);
}

TEST_P(KernelTest, HandlesTheLargestBlock) {
  std::mt19937 rng(13);
  check_case({1024, 1024, 64, 2, true, true, true}, rng);
  check_case({1024, 256, 64, 16, true, true, true}, rng);
}

/// Columns of a block whose cells were packed whole, from a panel's first column on and from within one.
TEST_P(KernelTest, TakesColumnsOfPackedBlocks) {
  std::mt19937 rng(23);
  const RandomBlock block(rng, 77, 300, 16);
  const PackedCells packed(block.view);
  EXPECT_EQ(packed.bytes(), PackedCells::bytes_of(block.view));
  const std::vector<std::int8_t> x = random_codes(rng, std::size_t{77} * 21);
  for (const std::uint32_t first : {0U, 16U, 64U, 192U, 208U}) {
    for (const std::uint32_t vectors : {1U, 4U, 21U}) {
      BlockView part = block.view;
      part.cols = 300 - first;
      part.col0 += first;
      part.column_tables += 2 * std::size_t{first};
      if (part.adc_offsets != nullptr) part.adc_offsets += first;
      part.cells += std::size_t{first} * part.rows;
      MvmBatch batch;
      batch.x = x.data();
      batch.x_stride = 77;
      batch.y_stride = part.cols;
      batch.num_vectors = vectors;
      std::vector<std::int32_t> expected(std::size_t{vectors} * part.cols);
      std::vector<std::int32_t> found(expected.size());
      batch.y = expected.data();
      tile_mvm_reference(part, batch);
      part.packed = &packed;
      part.packed_col = first;
      batch.y = found.data();
      tile_mvm(part, batch);
      EXPECT_EQ(found, expected) << "from column " << first << ", vectors " << vectors;
    }
  }
}

/// Cells that one kernel packed are of no use to most others, and do no harm.
TEST_P(KernelTest, LeavesAloneWhatAnotherKernelPacked) {
  std::mt19937 rng(29);
  RandomBlock block(rng, 70, 130, 64);
  const std::vector<std::int8_t> x = random_codes(rng, std::size_t{70} * 9);
  MvmBatch batch;
  batch.x = x.data();
  batch.x_stride = 70;
  batch.y_stride = 130;
  batch.num_vectors = 9;
  std::vector<std::int32_t> expected(std::size_t{130} * 9);
  batch.y = expected.data();
  tile_mvm_reference(block.view, batch);
  for (const std::string& other : available_kernels()) {
    select_kernel(other);
    const PackedCells packed(block.view);
    select_kernel(GetParam());
    block.view.packed = &packed;
    std::vector<std::int32_t> found(expected.size());
    batch.y = found.data();
    tile_mvm(block.view, batch);
    EXPECT_EQ(found, expected) << "packed for " << other;
  }
}

TEST_P(KernelTest, RunsOnSeveralThreadsAtOnce) {
  std::mt19937 rng(19);
  RandomBlock block(rng, 100, 100, 64);
  block.view.read_sigma_q = 1U << 20;
  const std::vector<std::int8_t> x = random_codes(rng, 100 * 40);
  MvmBatch batch;
  batch.x = x.data();
  batch.x_stride = 100;
  batch.y_stride = 100;
  batch.num_vectors = 40;
  std::vector<std::int32_t> expected(4000);
  batch.y = expected.data();
  tile_mvm_reference(block.view, batch);
  std::vector<std::vector<std::int32_t>> found(4, std::vector<std::int32_t>(4000));
  std::vector<std::thread> threads;
  for (auto& y : found) {
    threads.emplace_back([&block, batch, &y]() mutable {
      batch.y = y.data();
      for (int i = 0; i < 10; ++i) tile_mvm(block.view, batch);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& y : found) EXPECT_EQ(y, expected);
}

TEST_P(KernelTest, DoesNothingForNoVectors) {
  std::mt19937 rng(17);
  const RandomBlock block(rng, 20, 20, 64);
  MvmBatch batch;
  EXPECT_EQ(tile_mvm(block.view, batch), 0U);
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelTest, testing::ValuesIn(available_kernels()),
                         [](const auto& test_info) { return test_info.param; });

/// The suite above has only what this processor can run; this says what it has not.
TEST(Kernels, AllOfX86AreTested) {
#if defined(__x86_64__)
  const std::vector<std::string> found = available_kernels();
  std::string missing;
  for (const char* name : {"avx512amx", "avx512vnni", "avx512bw", "avxvnni", "avx2"}) {
    if (std::find(found.begin(), found.end(), name) == found.end()) missing += std::string(" ") + name;
  }
  if (!missing.empty()) GTEST_SKIP() << "skipped: no" << missing << " on this processor";
#else
  GTEST_SKIP() << "skipped: not an x86-64 processor";
#endif
}

}  // namespace
}  // namespace xw::analog
