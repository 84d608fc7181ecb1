// Parses and checks [emulator].
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstdint>
#include <string>

#include "arch/description/description.hpp"
#include "arch/description/table_reader.hpp"
#include "arch/generated/xw_arch.hpp"

namespace xw::arch {

namespace {

constexpr std::uint64_t kMostLanes = 256;
constexpr std::uint64_t kMostOutstanding = 256;
constexpr std::uint64_t kMostLatency = 100'000;
constexpr std::uint64_t kPageBytes = 4096;  // allocation granularity of devices
constexpr std::uint64_t kMostMemory = std::uint64_t{1} << 48;
constexpr std::uint64_t kWordsPerAlignment = kMemoryAlignment / 4;

std::uint32_t small(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

void require_multiple(const TableReader& table, std::string_view key, std::uint64_t value, std::uint64_t of,
                      const std::string& what) {
  if (value % of != 0) table.reject(key, "a multiple of " + what, std::to_string(value));
}

void require_power_of_two(const TableReader& table, std::string_view key, std::uint64_t value) {
  if (!std::has_single_bit(value)) table.reject(key, "a power of two", std::to_string(value));
}

}  // namespace

EmulatorDescription parse_emulator(std::string_view toml_text, const std::string& origin) {
  TableReader document(toml_text, origin);
  if (document.has("chip")) static_cast<void>(document.table("chip"));
  TableReader table = document.table("emulator");
  document.finish();

  EmulatorDescription emulator;
  emulator.name = table.identifier("name");
  emulator.doc = table.text("doc", "");
  emulator.num_engines = small(table.integer("num_engines", 1, kMaxEngines));
  emulator.lanes = small(table.integer("lanes", 4, kMostLanes));
  emulator.block_rows = small(table.integer("block_rows", 1, kMaxRows));
  emulator.block_cols = small(table.integer("block_cols", 1, kMaxCols));
  emulator.contexts = small(table.integer("contexts", 2, std::uint64_t{kMvmContext.max()} + 1));
  emulator.xbuf_bytes = small(table.integer("xbuf_bytes", kMemoryAlignment, std::uint64_t{kMvmXbufOffset.max()} + 1));
  emulator.ybuf_words = small(table.integer("ybuf_words", kWordsPerAlignment, std::uint64_t{kMvmYbufOffset.max()} + 1));
  emulator.max_batch = small(table.integer("max_batch", 1, kMaxBatch));
  emulator.adc_columns_per_cycle = small(table.integer("adc_columns_per_cycle", 1, emulator.lanes));
  emulator.data_width_bits = small(table.integer("data_width_bits", 32, 1024));
  emulator.max_outstanding = small(table.integer("max_outstanding", 1, kMostOutstanding));
  emulator.clock_mhz = table.real("clock_mhz", {0, 10'000, true});
  emulator.memory_latency_cycles = small(table.integer("memory_latency_cycles", 0, kMostLatency));
  emulator.memory_bytes_per_cycle = table.real("memory_bytes_per_cycle", {0, 128, true});
  emulator.memory_bytes = table.integer("memory_bytes", kPageBytes, kMostMemory);
  table.finish();

  require_power_of_two(table, "lanes", emulator.lanes);
  require_power_of_two(table, "data_width_bits", emulator.data_width_bits);
  require_multiple(table, "block_cols", emulator.block_cols, emulator.lanes,
                   "lanes = " + std::to_string(emulator.lanes));
  require_multiple(table, "xbuf_bytes", emulator.xbuf_bytes, kMemoryAlignment, std::to_string(kMemoryAlignment));
  require_multiple(table, "ybuf_words", emulator.ybuf_words, kWordsPerAlignment, std::to_string(kWordsPerAlignment));
  require_multiple(table, "memory_bytes", emulator.memory_bytes, kPageBytes, std::to_string(kPageBytes));
  if (emulator.lanes % emulator.adc_columns_per_cycle != 0) {
    table.reject("adc_columns_per_cycle", "a divisor of lanes = " + std::to_string(emulator.lanes),
                 std::to_string(emulator.adc_columns_per_cycle));
  }
  if (emulator.xbuf_bytes < emulator.block_rows) {
    table.reject("xbuf_bytes", "at least block_rows = " + std::to_string(emulator.block_rows),
                 std::to_string(emulator.xbuf_bytes));
  }
  if (emulator.ybuf_words < emulator.block_cols) {
    table.reject("ybuf_words", "at least block_cols = " + std::to_string(emulator.block_cols),
                 std::to_string(emulator.ybuf_words));
  }
  if (emulator.memory_bytes_per_cycle * 8 > emulator.data_width_bits) {
    table.reject("memory_bytes_per_cycle",
                 "at most data_width_bits / 8 = " + std::to_string(emulator.data_width_bits / 8),
                 std::to_string(emulator.memory_bytes_per_cycle));
  }
  emulator.text = std::string(toml_text);
  return emulator;
}

}  // namespace xw::arch
