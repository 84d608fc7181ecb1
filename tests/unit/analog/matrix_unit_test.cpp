// The tile MVM for AMX with tile registers in plain C++, so that processors without AMX test everything but its instructions.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <new>
#include <random>
#include <vector>

#include "tests/support/random_numbers.hpp"
#include "tests/unit/analog/matrix_unit.hpp"
#include "tests/unit/analog/random_block.hpp"

namespace xw::analog {
namespace {

struct Bytes {
  explicit Bytes(std::size_t size) : data(static_cast<std::byte*>(::operator new (size, std::align_val_t{64}))) {}
  ~Bytes() { ::operator delete (data, std::align_val_t{64}); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  std::byte* data;
};

bool has_avx512vnni() {
  const std::vector<std::string> found = available_kernels();
  return std::find(found.begin(), found.end(), "avx512vnni") != found.end();
}

TEST(MatrixUnit, EqualsReference) {
  if (!has_avx512vnni()) GTEST_SKIP() << "skipped: no AVX-512 VNNI on this processor";
  const std::uint32_t seed = xw::test::random_seed();
  std::mt19937 rng(seed);
  constexpr std::uint32_t kLanes[] = {16, 32, 64, 64, 128, 7};
  for (int round = 0; round < 60; ++round) {
    const auto rows = static_cast<std::uint32_t>(1 + rng() % 260);
    const auto cols = static_cast<std::uint32_t>(1 + rng() % 200);
    const auto vectors = static_cast<std::uint32_t>(1 + rng() % (round % 10 == 0 ? 300 : 40));
    xw::test::RandomBlock block(rng, rows, cols, kLanes[rng() % std::size(kLanes)], -128);
    block.view.read_sigma_q = rng() % 2 == 0 ? 1U << 20 : 0;
    block.view.adc_shift = 30;
    const std::vector<std::int8_t> x = xw::test::random_codes(rng, std::size_t{rows} * vectors, -128);
    MvmBatch batch;
    batch.x = x.data();
    batch.x_stride = rows;
    batch.y_stride = cols;
    batch.num_vectors = vectors;
    batch.chip_seed = static_cast<std::uint32_t>(rng());
    batch.accumulate = rng() % 2 == 0;
    std::vector<std::int32_t> expected(std::size_t{cols} * vectors, 5);
    const std::vector<std::int32_t> before = expected;
    batch.y = expected.data();
    const std::uint64_t saturated = tile_mvm_reference(block.view, batch);
    const Bytes scratch(kernels::scratch_bytes(rows, vectors));
    const Bytes packed((cols + kernels::kPackedCols - 1) / kernels::kPackedCols * kernels::packed_panel_bytes(rows));
    test::pack_plain_tiles(block.view, packed.data, scratch.data);
    for (const std::byte* cells :
         {static_cast<const std::byte*>(nullptr), static_cast<const std::byte*>(packed.data)}) {
      std::vector<std::int32_t> found = before;
      batch.y = found.data();
      EXPECT_EQ(test::mvm_plain_tiles(block.view, batch, cells, scratch.data), saturated);
      ASSERT_EQ(found, expected) << "rows " << rows << " cols " << cols << " lanes " << block.view.lanes << " vectors "
                                 << vectors << " packed " << (cells != nullptr);
    }
  }
}

}  // namespace
}  // namespace xw::analog
