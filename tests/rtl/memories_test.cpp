// XBUF and context memory against arrays.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "Vcontext_memory_16.h"
#include "Vcontext_memory_64.h"
#include "Vxbuf_16.h"
#include "Vxbuf_64.h"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

using Beat = std::vector<std::uint8_t>;
using Memory = std::vector<Beat>;

/// Parameters as tests/rtl/CMakeLists.txt gives them to the models.
struct Bytes16 {
  using Xbuf = Vxbuf_16;
  using ContextMemory = Vcontext_memory_16;
  static constexpr std::uint32_t kBytes = 16, kXbufBeats = 12, kCellBeats = 40, kTableBeats = 6;
};
struct Bytes64 {
  using Xbuf = Vxbuf_64;
  using ContextMemory = Vcontext_memory_64;
  static constexpr std::uint32_t kBytes = 64, kXbufBeats = 64, kCellBeats = 64, kTableBeats = 16;
};

template <typename Config>
class MemoriesRtl : public testing::Test {};
using Configs = testing::Types<Bytes16, Bytes64>;
TYPED_TEST_SUITE(MemoriesRtl, Configs);

[[nodiscard]] std::uint32_t other_than(std::mt19937& random, std::uint32_t address, std::uint32_t size) {
  return (address + uniform(random, 1, size - 1)) % size;
}

TYPED_TEST(MemoriesRtl, XbufKeepsBytesThatAreNotEnabledAndHoldsWhatWasRead) {
  using Config = TypeParam;
  constexpr std::uint32_t kBytes = Config::kBytes;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Clocked<typename Config::Xbuf> bench;
    auto& top = *bench.top;
    Memory memory(Config::kXbufBeats, Beat(kBytes));
    const auto write = [&](std::uint32_t address, std::uint64_t enable) {
      const Beat data = random_elements<std::uint8_t>(random, kBytes);
      put_number(top.write_addr_i, address);
      put_number(top.write_enable_i, enable);
      put(top.write_data_i, data);
      if (top.write_i == 0) return;
      for (std::uint32_t b = 0; b < kBytes; ++b) {
        if ((enable >> b & 1U) != 0) memory[address][b] = data[b];
      }
    };
    top.read_i = 0;
    top.write_i = 1;
    for (std::uint32_t address = 0; address < Config::kXbufBeats; ++address) {
      write(address, ~std::uint64_t{0});
      bench.tick();
    }
    Beat shown;
    for (unsigned cycle = 0; cycle < 2000; ++cycle) {
      const std::uint32_t read_address = uniform(random, 0, Config::kXbufBeats - 1);
      put_number(top.read_addr_i, read_address);
      top.read_i = random() % 3 != 0;
      if (top.read_i != 0) shown = memory[read_address];
      top.write_i = random() % 2;
      // Reads and writes of one address in one cycle do not occur.
      write(other_than(random, read_address, Config::kXbufBeats), std::uint64_t{random()} << 32U | random());
      bench.tick();
      if (!shown.empty()) {
        ASSERT_EQ(get<std::uint8_t>(top.read_data_o, kBytes), shown) << "cycle " << cycle;
      }
    }
  }
}

TYPED_TEST(MemoriesRtl, ContextMemoryHasIndependentCellsAndTables) {
  using Config = TypeParam;
  constexpr std::uint32_t kBytes = Config::kBytes;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Clocked<typename Config::ContextMemory> bench;
    auto& top = *bench.top;
    Memory cells(Config::kCellBeats), tables(Config::kTableBeats), offsets(Config::kTableBeats);
    Beat cells_shown, tables_shown, offsets_shown;
    unsigned num_reads = 0;
    for (unsigned cycle = 0; cycle < 4000; ++cycle) {
      const std::uint32_t cell_read = uniform(random, 0, Config::kCellBeats - 1);
      const std::uint32_t table_read = uniform(random, 0, Config::kTableBeats - 1);
      const std::uint32_t cell_write = other_than(random, cell_read, Config::kCellBeats);
      const std::uint32_t table_write = other_than(random, table_read, Config::kTableBeats);
      const Beat data = random_elements<std::uint8_t>(random, kBytes);
      put_number(top.cell_read_addr_i, cell_read);
      put_number(top.table_read_addr_i, table_read);
      put_number(top.cell_write_addr_i, cell_write);
      put_number(top.table_write_addr_i, table_write);
      put(top.write_data_i, data);
      top.cell_write_i = random() % 2;
      const bool writes_table = top.cell_write_i == 0 && random() % 2 == 0;
      top.offset_write_i = writes_table && random() % 2 == 0;
      top.table_write_i = writes_table && top.offset_write_i == 0;
      top.cell_read_i = random() % 2;
      top.table_read_i = random() % 2;
      if (top.cell_read_i != 0) cells_shown = cells[cell_read];
      if (top.table_read_i != 0) tables_shown = tables[table_read], offsets_shown = offsets[table_read];
      if (top.cell_write_i != 0) cells[cell_write] = data;
      if (top.table_write_i != 0) tables[table_write] = data;
      if (top.offset_write_i != 0) offsets[table_write] = data;
      bench.tick();
      // Addresses never written hold anything.
      if (!cells_shown.empty()) {
        ASSERT_EQ(get<std::uint8_t>(top.cells_o, kBytes), cells_shown) << "cycle " << cycle;
        ++num_reads;
      }
      if (!tables_shown.empty()) {
        ASSERT_EQ(get<std::uint8_t>(top.tables_o, kBytes), tables_shown) << "cycle " << cycle;
      }
      if (!offsets_shown.empty()) {
        ASSERT_EQ(get<std::uint8_t>(top.offsets_o, kBytes), offsets_shown) << "cycle " << cycle;
      }
    }
    EXPECT_GT(num_reads, 3000U);
  }
}

}  // namespace
}  // namespace xw::test
