// The multiply-accumulate lanes against sums of products in C++.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "Vmac_lanes_16.h"
#include "Vmac_lanes_64.h"
#include "Vmac_lanes_fast_16.h"
#include "Vmac_lanes_fast_64.h"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Lanes16 {
  using Model = Vmac_lanes_16;
  static constexpr std::uint32_t kLanes = 16, kColumns = 16;
};
struct Lanes64 {
  using Model = Vmac_lanes_64;
  static constexpr std::uint32_t kLanes = 64, kColumns = 4;
};

/// Likewise in the form of models that simulate fast.
struct FastLanes16 : Lanes16 {
  using Model = Vmac_lanes_fast_16;
};
struct FastLanes64 : Lanes64 {
  using Model = Vmac_lanes_fast_64;
};

template <typename Config>
class MacLanesRtl : public testing::Test {
 protected:
  using Sums = std::vector<std::int32_t>;

  void beat(const std::vector<std::int8_t>& cells, std::int8_t x, bool first, bool last) {
    auto& top = *bench_.top;
    top.valid_i = 1;
    top.first_i = first;
    top.last_i = last;
    top.x_i = static_cast<std::uint8_t>(x);
    put(top.cells_i, cells);
    if (first) sums_.assign(Config::kLanes, 0);
    for (std::uint32_t lane = 0; lane < Config::kLanes; ++lane) sums_[lane] += cells[lane] * x;
    if (last) next_bank_ = sums_;
  }
  /// A cycle without a beat: the other inputs must not matter.
  void gap(std::mt19937& random) {
    auto& top = *bench_.top;
    top.valid_i = 0;
    top.first_i = random() % 2;
    top.last_i = random() % 2;
    top.x_i = static_cast<std::uint8_t>(random());
    put(top.cells_i, random_elements<std::int8_t>(random, Config::kLanes));
  }
  /// Reads a part of the bank in the coming cycle; what it holds before that cycle is expected.
  void read(std::uint32_t index) {
    put_number(bench_.top->index_i, index);
    bench_.top->read_i = 1;
    const auto begin = bank_.begin() + static_cast<std::ptrdiff_t>(index * Config::kColumns);
    if (!bank_.empty()) expected_ = Sums(begin, begin + Config::kColumns);
  }
  void tick() {
    bench_.tick();
    bench_.top->read_i = 0;
    bank_ = next_bank_;
    if (!expected_.empty()) {
      ASSERT_EQ(get<std::int32_t>(bench_.top->sums_o, Config::kColumns), expected_);
    }
  }

  static constexpr std::uint32_t kReads = Config::kLanes / Config::kColumns;
  Clocked<typename Config::Model> bench_;
  Sums sums_, bank_, next_bank_;  ///< empty: not known yet
  Sums expected_;                 ///< what sums_o shows
};
using Configs = testing::Types<Lanes16, Lanes64, FastLanes16, FastLanes64>;
TYPED_TEST_SUITE(MacLanesRtl, Configs);

TYPED_TEST(MacLanesRtl, SumsPassesOfAnyLengthWithGapsAndReadsAtAnyTime) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const unsigned gap_percent = seed % 4 * 30;
    for (unsigned pass = 0; pass < 60; ++pass) {
      const std::uint32_t rows = random() % 4 == 0 ? 1 : uniform(random, 2, 40);
      for (std::uint32_t row = 0; row < rows; ++row) {
        while (uniform(random, 0, 99) < gap_percent) {
          this->gap(random);
          if (random() % 2 == 0) this->read(uniform(random, 0, this->kReads - 1));
          this->tick();
          if (this->HasFatalFailure()) return;
        }
        this->beat(random_elements<std::int8_t>(random, TypeParam::kLanes), static_cast<std::int8_t>(random()),
                   row == 0, row + 1 == rows);
        // Also in the cycle of the last beat, which still shows the sums of the pass before.
        if (random() % 2 == 0) this->read(uniform(random, 0, this->kReads - 1));
        this->tick();
        if (this->HasFatalFailure()) return;
      }
    }
  }
}

TYPED_TEST(MacLanesRtl, LargestSums) {
  for (const int code : {-128, 127}) {
    for (const int x : {-128, 127}) {
      for (unsigned row = 0; row < 1024; ++row) {
        this->beat(std::vector<std::int8_t>(TypeParam::kLanes, static_cast<std::int8_t>(code)),
                   static_cast<std::int8_t>(x), row == 0, row == 1023);
        this->tick();
      }
      std::mt19937 random(1);
      for (std::uint32_t index = 0; index < this->kReads; ++index) {
        this->gap(random);
        this->read(index);
        this->tick();
        if (this->HasFatalFailure()) return;
      }
      EXPECT_EQ(this->expected_.front(), 1024 * code * x);
    }
  }
}

}  // namespace
}  // namespace xw::test
