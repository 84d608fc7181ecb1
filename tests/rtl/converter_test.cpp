// The converter pipeline against models/analog.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>

#include "Vconverter_1.h"
#include "Vconverter_4.h"
#include "arch/generated/xw_arch.hpp"
#include "models/analog/numerics.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Columns1 {
  using Model = Vconverter_1;
  static constexpr std::uint32_t kColumns = 1;
};
struct Columns4 {
  using Model = Vconverter_4;
  static constexpr std::uint32_t kColumns = 4;
};

constexpr std::uint64_t kLatency = 21;  // with and without noise

/// One entry of the tables: {adc_gain, out_scale}.
struct ColumnTable {
  std::uint16_t gain = 0, scale = 0;
};

struct Result {
  std::uint64_t cycle = 0;
  std::uint32_t vector = 0, col = 0, mask = 0, saturated = 0;
  std::vector<std::int32_t> y;
};

template <typename Config>
struct ConverterBench : Clocked<typename Config::Model> {
  static constexpr std::uint32_t kColumns = Config::kColumns;
  using Clocked<typename Config::Model>::top;

  explicit ConverterBench(unsigned seed) : random(seed) {
    top->valid_i = top->flush_i = 0;
    this->reset();
  }

  /// Settings of a block; nothing may be under way.
  void configure(std::uint32_t cols, std::uint32_t col0) {
    settings.rows = 1;
    settings.cols = cols;
    settings.lanes = 64;
    settings.tile_uid = static_cast<std::uint32_t>(random());
    settings.row0 = uniform(random, 0, 0xFFFF);
    settings.col0 = col0;
    settings.adc_shift = uniform(random, arch::kMinAdcShift, arch::kMaxAdcShift);
    const std::uint32_t adc_bits = uniform(random, arch::kMinAdcBits, arch::kMaxAdcBits);
    settings.adc_max = (1 << (adc_bits - 1)) - 1;
    settings.read_sigma_q = random() % 2 == 0 ? 0 : static_cast<std::uint32_t>(random()) >> uniform(random, 0, 20);
    top->adc_bits_i = static_cast<std::uint8_t>(adc_bits);
    chip_seed = static_cast<std::uint32_t>(random());
    vector_base = random() % 3 == 0 ? 0xFFFFFFF0U : static_cast<std::uint32_t>(random());  // wraps
    tables.resize(cols);
    for (ColumnTable& table : tables) {
      table = {static_cast<std::uint16_t>(random()), static_cast<std::uint16_t>(random())};
    }
    offsets.resize(cols);
    for (std::int32_t& offset : offsets) offset = static_cast<std::int32_t>(random()) >> uniform(random, 0, 31);
    drive_settings();
  }
  void drive_settings() {
    top->chip_seed_i = chip_seed;
    top->tile_uid_i = settings.tile_uid;
    top->vector_base_i = vector_base;
    top->row0_i = static_cast<std::uint16_t>(settings.row0);
    top->col0_i = static_cast<std::uint16_t>(settings.col0);
    top->read_sigma_i = settings.read_sigma_q;
    top->adc_shift_i = static_cast<std::uint8_t>(settings.adc_shift);
    top->cols_i = static_cast<std::uint16_t>(settings.cols);
  }

  /// Gives sums to the pipeline in the coming cycle.
  void input(std::uint32_t vector, std::uint32_t col, const std::vector<std::int32_t>& sums) {
    top->valid_i = 1;
    top->vector_i = static_cast<std::uint8_t>(vector);
    top->col_i = static_cast<std::uint16_t>(col);
    put(top->sums_i, sums);
    Result result{cycle + kLatency, vector, col, 0, 0, {}};
    for (std::uint32_t c = 0; c < kColumns; ++c) {
      result.y.push_back(0);
      if (col + c >= settings.cols) continue;
      const std::int32_t h =
          analog::noise_h(chip_seed, settings.tile_uid, vector_base + vector, settings.row0, settings.col0 + col + c);
      bool saturated = false;
      const std::int32_t code = analog::adc_convert(
          analog::with_offset(sums[c] + analog::read_noise(settings.read_sigma_q, h), offsets[col + c]),
          tables[col + c].gain, settings.adc_shift, settings.adc_max, saturated);
      result.y.back() = code * tables[col + c].scale;
      result.mask |= 1U << c;
      if (saturated) result.saturated |= 1U << c;
    }
    due.push_back(std::move(result));
  }
  void no_input() {
    top->valid_i = 0;
    top->vector_i = static_cast<std::uint8_t>(random());
    top->col_i = static_cast<std::uint16_t>(random() % 2048);
    put(top->sums_i, random_elements<std::int32_t>(random, kColumns));
  }

  /// One cycle, its results checked before the edge.
  void tick() {
    answer_lookup();
    this->settle();
    check();
    const bool looks_up = top->lookup_o != 0;
    const std::uint32_t col = top->lookup_col_o;
    Clocked<typename Config::Model>::tick();
    lookup = looks_up ? std::optional(col) : std::nullopt;
    ++cycle;
    top->valid_i = 0;
  }
  void check() {
    const bool is_due = !due.empty() && due.front().cycle == cycle;
    ASSERT_EQ(top->valid_o != 0, is_due) << "cycle " << cycle;
    ASSERT_EQ(top->busy_o != 0, !due.empty()) << "cycle " << cycle;
    if (is_due) {
      const Result& result = due.front();
      ASSERT_EQ(top->vector_o, result.vector);
      ASSERT_EQ(top->col_o, result.col);
      ASSERT_EQ(top->mask_o, result.mask);
      ASSERT_EQ(top->saturated_o, result.saturated) << "shift " << settings.adc_shift;
      const auto y = get<std::int32_t>(top->y_o, kColumns);
      for (std::uint32_t c = 0; c < kColumns; ++c) {
        if ((result.mask >> c & 1U) != 0) {
          ASSERT_EQ(y[c], result.y[c]) << "column " << result.col + c << ", shift " << settings.adc_shift;
        }
        num_saturated += result.saturated >> c & 1U;
      }
      due.pop_front();
      ++num_results;
    }
    const bool is_next = !due.empty() && due.front().cycle == cycle + 1;
    ASSERT_EQ(top->early_valid_o != 0, is_next) << "cycle " << cycle;
    if (is_next) {
      ASSERT_EQ(top->early_vector_o, due.front().vector);
      ASSERT_EQ(top->early_col_o, due.front().col);
    }
  }
  void answer_lookup() {
    std::vector<std::uint32_t> words = random_elements<std::uint32_t>(random, kColumns);
    std::vector<std::int32_t> given = random_elements<std::int32_t>(random, kColumns);
    for (std::uint32_t c = 0; lookup && c < kColumns; ++c) {
      const std::uint32_t col = *lookup + c;
      if (col >= tables.size()) continue;
      words[c] = tables[col].gain | std::uint32_t{tables[col].scale} << 16U;
      given[c] = offsets[col];
    }
    put(top->tables_i, words);
    put(top->offsets_i, given);
  }
  void drain() {
    for (std::uint64_t i = 0; i <= kLatency; ++i) {
      no_input();
      tick();
    }
  }

  std::mt19937 random;
  analog::BlockView settings;
  std::uint32_t chip_seed = 0, vector_base = 0;
  std::vector<ColumnTable> tables;
  std::vector<std::int32_t> offsets;
  std::deque<Result> due;
  std::optional<std::uint32_t> lookup;  ///< first column that was asked for in the last cycle
  std::uint64_t cycle = 0, num_results = 0, num_saturated = 0;
};

template <typename Config>
class ConverterRtl : public testing::Test {};
using Configs = testing::Types<Columns1, Columns4>;
TYPED_TEST_SUITE(ConverterRtl, Configs);

/// A sum whose scaled value is now tiny, now clamped, whatever gain and shift are; 32 bits hold it and its noise, though not the offset.
std::int32_t random_sum(std::mt19937& random) {
  return static_cast<std::int32_t>(random()) >> uniform(random, 2, 30);
}

TYPED_TEST(ConverterRtl, AgreesWithTheReferenceWithGapsAndConstantLatency) {
  using Bench = ConverterBench<TypeParam>;
  std::uint64_t num_saturated = 0, num_results = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Bench bench(seed);
    for (unsigned block = 0; block < 4; ++block) {
      const std::uint32_t cols = uniform(bench.random, 1, arch::kMaxCols);
      bench.configure(cols, uniform(bench.random, 0, 0x10000 - cols));
      const unsigned gap_percent = block * 30;
      for (unsigned i = 0; i < 60; ++i) {
        if (uniform(bench.random, 0, 99) < gap_percent) {
          bench.no_input();
        } else {
          std::vector<std::int32_t> sums(Bench::kColumns);
          for (std::int32_t& sum : sums) sum = random_sum(bench.random);
          bench.input(uniform(bench.random, 0, 255),
                      uniform(bench.random, 0, (cols - 1) / Bench::kColumns) * Bench::kColumns, sums);
        }
        bench.tick();
        if (this->HasFatalFailure()) return;
      }
      bench.drain();
      ASSERT_TRUE(bench.due.empty());
    }
    num_saturated += bench.num_saturated;
    num_results += bench.num_results;
  }
  EXPECT_GT(num_results, 3000U);
  EXPECT_GT(num_saturated, num_results / 20);
  EXPECT_LT(num_saturated, num_results * Bench::kColumns * 19 / 20);
}

TYPED_TEST(ConverterRtl, RoundsAndClampsAtTheEdges) {
  using Bench = ConverterBench<TypeParam>;
  Bench bench(7);
  bench.configure(Bench::kColumns, 0);
  bench.settings.read_sigma_q = 0;
  bench.tables.assign(Bench::kColumns, {1, 0xFFFF});  // gain 1
  for (std::uint32_t bits = arch::kMinAdcBits; bits <= arch::kMaxAdcBits; ++bits) {
    const std::int32_t adc_max = (1 << (bits - 1)) - 1;
    for (const std::uint32_t shift : {1U, 2U, 7U, 16U}) {
      bench.settings.adc_shift = shift;
      bench.settings.adc_max = adc_max;
      bench.top->adc_bits_i = static_cast<std::uint8_t>(bits);
      bench.drive_settings();
      const std::int32_t one = 1 << shift, half = one / 2;
      const std::int32_t edge = adc_max << shift;
      // Offsets at both ends of the field, too: with them the sums are those that make the same numbers.
      for (const std::int32_t offset : {0, 77, INT32_MAX, INT32_MIN}) {
        bench.offsets.assign(Bench::kColumns, offset);
        for (const std::int32_t total :
             {0, half - 1, half, -half, -half - 1, edge + half - 1, edge + half, edge + half + 1, -edge, -edge - half,
              -edge - half - 1, -edge - one, one, -one}) {
          const auto sum =
              static_cast<std::int32_t>(static_cast<std::uint32_t>(total) - static_cast<std::uint32_t>(offset));
          bench.input(3, 0, std::vector<std::int32_t>(Bench::kColumns, sum));
          const std::int32_t code = std::clamp((total + half) >> shift, -adc_max, adc_max);
          for (const std::int32_t y : bench.due.back().y) ASSERT_EQ(y, code * 0xFFFF) << "what is expected of the RTL";
          bench.tick();
          if (this->HasFatalFailure()) return;
        }
        bench.drain();
        if (this->HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(bench.num_saturated, 0U);
}

/// Whole blocks: sums from cells and inputs, results and saturations as tile_mvm_reference says.
TYPED_TEST(ConverterRtl, MakesTheOutputsOfTheReferenceBlockMvm) {
  using Bench = ConverterBench<TypeParam>;
  constexpr std::uint32_t kVectors = 3;
  for (unsigned seed = 101; seed <= 116; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Bench bench(seed);
    const std::uint32_t cols = uniform(bench.random, 1, 150);
    bench.configure(cols, uniform(bench.random, 0, 200));
    bench.settings.rows = uniform(bench.random, 1, 60);
    bench.settings.adc_shift = uniform(bench.random, 12, 26);
    bench.drive_settings();
    const std::uint32_t rows = bench.settings.rows, lanes = bench.settings.lanes;
    const std::uint32_t groups = (cols + lanes - 1) / lanes;
    const auto cells = random_elements<std::int8_t>(bench.random, std::size_t{groups} * rows * lanes);
    const auto x = random_elements<std::int8_t>(bench.random, std::size_t{kVectors} * rows);
    std::vector<std::int32_t> expected(kVectors * cols), y(kVectors * cols);
    analog::BlockView view = bench.settings;
    view.cells = cells.data();
    view.column_tables = &bench.tables.front().gain;
    view.adc_offsets = bench.offsets.data();
    analog::MvmBatch batch;
    batch.x = x.data();
    batch.x_stride = rows;
    batch.y = expected.data();
    batch.y_stride = cols;
    batch.num_vectors = kVectors;
    batch.vector_base = bench.vector_base;
    batch.chip_seed = bench.chip_seed;
    const std::uint64_t saturations = analog::tile_mvm_reference(view, batch);
    for (std::uint32_t vector = 0; vector < kVectors; ++vector) {
      for (std::uint32_t col = 0; col < cols; col += Bench::kColumns) {
        std::vector<std::int32_t> sums(Bench::kColumns);
        for (std::uint32_t c = 0; c < Bench::kColumns; ++c) {
          for (std::uint32_t row = 0; row < rows && col + c < cols; ++row) {
            sums[c] += cells[((col + c) / lanes * rows + row) * lanes + (col + c) % lanes] * x[vector * rows + row];
          }
        }
        bench.input(vector, col, sums);
        for (std::uint32_t c = 0; c < Bench::kColumns && col + c < cols; ++c) {
          y[vector * cols + col + c] = bench.due.back().y[c];  // what the RTL is compared with
        }
        bench.tick();
        if (this->HasFatalFailure()) return;
      }
    }
    bench.drain();
    EXPECT_EQ(y, expected);
    EXPECT_EQ(bench.num_saturated, saturations);
  }
}

TYPED_TEST(ConverterRtl, FlushAndResetInMidStreamForgetWhatIsUnderWay) {
  using Bench = ConverterBench<TypeParam>;
  for (unsigned seed = 201; seed <= 240; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Bench bench(seed);
    bench.configure(400, 0);
    for (std::uint32_t i = uniform(bench.random, 1, 30); i > 0; --i) {
      bench.input(1, 8, random_elements<std::int32_t>(bench.random, Bench::kColumns));
      bench.due.back().y.clear();
      bench.due.clear();  // not looked at
      static_cast<Clocked<typename TypeParam::Model>&>(bench).tick();
    }
    bench.top->valid_i = 0;
    if (seed % 2 == 0) {
      bench.reset();
    } else {
      bench.top->flush_i = 1;
      static_cast<Clocked<typename TypeParam::Model>&>(bench).tick();
      bench.top->flush_i = 0;
    }
    bench.drain();  // nothing may come
    if (this->HasFatalFailure()) return;
    bench.input(9, 4, std::vector<std::int32_t>(Bench::kColumns, 1000));
    bench.tick();
    bench.drain();
    EXPECT_EQ(bench.num_results, 1U);
  }
}

}  // namespace
}  // namespace xw::test
