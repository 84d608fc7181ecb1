// The YBUF bank against an array of words.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "Vybuf_16.h"
#include "Vybuf_4.h"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Words4 {
  using Model = Vybuf_4;
  static constexpr std::uint32_t kRows = 12, kWords = 4, kColumns = 4;
};
struct Words16 {
  using Model = Vybuf_16;
  static constexpr std::uint32_t kRows = 32, kWords = 16, kColumns = 4;
};

struct Update {
  std::uint32_t row = 0, slot = 0;
  bool operator==(const Update&) const = default;
};

template <typename Config>
struct YbufBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  using Row = std::vector<std::uint32_t>;

  explicit YbufBench(unsigned seed) : random(seed) {
    top->early_valid_i = top->update_i = top->read_valid_i = top->accumulate_i = 0;
    this->reset();
  }

  [[nodiscard]] Update random_update() {
    return {uniform(random, 0, Config::kRows - 1), uniform(random, 0, Config::kWords / Config::kColumns - 1)};
  }

  /// One cycle: the update that was announced in the last one, perhaps the next announcement.
  void cycle(const std::optional<Update>& announce) {
    put_number(top->early_addr_i, announce ? announce->row : uniform(random, 0, Config::kRows - 1));
    top->early_valid_i = announce.has_value();
    const Update update = announced.value_or(random_update());
    const std::uint32_t mask = uniform(random, 0, (1U << Config::kColumns) - 1);
    const Row values = random_elements<std::uint32_t>(random, Config::kColumns);
    top->update_i = announced.has_value();
    put_number(top->update_addr_i, update.row);
    put_number(top->update_slot_i, update.slot);
    put_number(top->mask_i, mask);
    put(top->values_i, values);
    this->settle();
    ASSERT_EQ(top->read_ready_o != 0, !announce.has_value()) << "reads wait while updates are announced";
    const bool accepted = top->read_valid_i != 0 && top->read_ready_o != 0;
    const Row expected = accepted ? rows[top->read_addr_i] : Row();  // as before the update of this cycle
    if (announced) {
      ++num_updates;
      for (std::uint32_t c = 0; c < Config::kColumns; ++c) {
        std::uint32_t& word = rows[update.row][update.slot * Config::kColumns + c];
        if ((mask >> c & 1U) != 0) word = values[c] + (top->accumulate_i != 0 ? word : 0);
      }
    }
    this->tick();
    ASSERT_EQ(top->read_valid_o != 0, accepted);
    if (accepted) {
      ASSERT_EQ(get<std::uint32_t>(top->read_data_o, Config::kWords), expected);
      ++num_reads;
      top->read_valid_i = 0;
    }
    announced = announce;
  }
  void maybe_read(unsigned percent) {
    if (top->read_valid_i != 0 || uniform(random, 0, 99) >= percent) return;  // stays until it is accepted
    top->read_valid_i = 1;
    put_number(top->read_addr_i, uniform(random, 0, Config::kRows - 1));
  }
  /// Overwrites all words.
  void fill() {
    top->accumulate_i = 0;
    for (std::uint32_t row = 0; row < Config::kRows; ++row) {
      rows[row].resize(Config::kWords);
      for (std::uint32_t slot = 0; slot < Config::kWords / Config::kColumns; ++slot) write_all({row, slot});
    }
  }
  void write_all(const Update& update) {
    top->early_valid_i = 1;
    put_number(top->early_addr_i, update.row);
    this->tick();
    top->early_valid_i = 0;
    top->update_i = 1;
    put_number(top->update_addr_i, update.row);
    put_number(top->update_slot_i, update.slot);
    put_number(top->mask_i, (1U << Config::kColumns) - 1);
    const Row values = random_elements<std::uint32_t>(random, Config::kColumns);
    put(top->values_i, values);
    std::copy(values.begin(), values.end(),
              rows[update.row].begin() + static_cast<std::ptrdiff_t>(update.slot * Config::kColumns));
    this->tick();
    top->update_i = 0;
  }

  std::mt19937 random;
  std::vector<Row> rows = std::vector<Row>(Config::kRows);
  std::optional<Update> announced;  ///< in the last cycle
  std::uint64_t num_reads = 0, num_updates = 0;
};

template <typename Config>
class YbufRtl : public testing::Test {};
using Configs = testing::Types<Words4, Words16>;
TYPED_TEST_SUITE(YbufRtl, Configs);

TYPED_TEST(YbufRtl, UpdatesAndReadsAtTheSameTime) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    YbufBench<TypeParam> bench(seed);
    bench.fill();
    for (unsigned command = 0; command < 30; ++command) {
      bench.top->accumulate_i = bench.random() % 2;
      const unsigned update_percent = uniform(bench.random, 20, 100), read_percent = uniform(bench.random, 0, 100);
      for (unsigned i = 0; i < 60; ++i) {
        std::optional<Update> announce;
        if (uniform(bench.random, 0, 99) < update_percent) announce = bench.random_update();
        // The engine never updates the same words in two cycles in a row.
        if (announce == bench.announced) announce.reset();
        bench.maybe_read(read_percent);
        bench.cycle(announce);
        if (this->HasFatalFailure()) return;
      }
      bench.cycle(std::nullopt);  // the last update, before accumulate_i may change
      if (this->HasFatalFailure()) return;
    }
    EXPECT_GT(bench.num_updates, 500U);
    EXPECT_GT(bench.num_reads, 100U);
  }
}

TYPED_TEST(YbufRtl, ReadsAtFullRateWithoutUpdates) {
  YbufBench<TypeParam> bench(50);
  bench.fill();
  for (std::uint32_t row = 0; row < TypeParam::kRows; ++row) {
    bench.top->read_valid_i = 1;
    put_number(bench.top->read_addr_i, row);
    bench.cycle(std::nullopt);
    if (this->HasFatalFailure()) return;
  }
  EXPECT_EQ(bench.num_reads, TypeParam::kRows);
}

TYPED_TEST(YbufRtl, ResetForgetsAReadButNoWord) {
  YbufBench<TypeParam> bench(60);
  bench.fill();
  bench.top->read_valid_i = 1;
  put_number(bench.top->read_addr_i, 3);
  bench.tick();
  ASSERT_NE(bench.top->read_valid_o, 0);
  bench.top->read_valid_i = 0;
  bench.reset();
  EXPECT_EQ(bench.top->read_valid_o, 0);
  for (std::uint32_t row = 0; row < TypeParam::kRows; ++row) {
    bench.top->read_valid_i = 1;
    put_number(bench.top->read_addr_i, row);
    bench.cycle(std::nullopt);
    if (this->HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace xw::test
