// The block loader's answers to good and broken images, against open_image.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>

#include "arch/support/checksum.hpp"
#include "tests/rtl/engine_bench.hpp"

namespace xw::test {
namespace {

using arch::DeviceError;
using Image = std::vector<std::byte>;

template <typename Config>
class BlockLoadRtl : public testing::Test {};
using Configs = testing::Types<Engine16, Engine64>;
TYPED_TEST_SUITE(BlockLoadRtl, Configs);

template <typename Config>
analog::ImageHeader good_header() {
  analog::ImageHeader header;
  header.rows = 21;
  header.cols = 37;
  header.tile_uid = 77;
  header.row0 = 3;
  header.col0 = 5;
  header.adc_shift = 20;
  header.adc_bits = 8;
  header.lanes = Config::kLanes;
  header.read_sigma_q = 1234;
  return header;
}

void put_crc(Image& image) {
  const std::uint32_t crc = crc32(std::span(image).first(arch::kBlockImageHeaderHeaderCrcOffset));
  std::memcpy(image.data() + arch::kBlockImageHeaderHeaderCrcOffset, &crc, 4);
}

template <typename T>
std::function<void(Image&)> set(std::uint32_t offset, T value, bool with_crc = true) {
  return [=](Image& image) {
    std::memcpy(image.data() + offset, &value, sizeof value);
    if (with_crc) put_crc(image);
  };
}

/// Loads the image; the RTL must say what open_image says.
template <typename Config>
void expect_as_reference(EngineBench<Config>& bench, const Image& image, std::uint32_t length) {
  Image seen = image;
  seen.resize(std::size_t{length} * 64);
  analog::BlockView view;
  const std::uint32_t code = analog::open_image(seen, Config::kRows, Config::kCols, Config::kLanes, true, view);
  LoadCommand load = bench.place(seen, 0, 60);  // crosses a 4 KiB boundary soon
  const UnitEvents events = bench.load(load);
  EXPECT_EQ(events.errors, code == 0 ? 0U : 1U);
  if (code != 0) {
    EXPECT_EQ(events.code, code) << arch::error_name(DeviceError{code}) << " expected";
    EXPECT_EQ(events.detail, AxiReadMemory::kBase + 60 * 64);
  }
  const bool header_good = code == 0 || code == static_cast<std::uint32_t>(DeviceError::kImagePayloadSum);
  EXPECT_EQ(events.done, header_good ? 1U : 0U);
  EXPECT_TRUE(bench.memory.bursts.empty()) << "idle with bursts under way";
}

TYPED_TEST(BlockLoadRtl, ChecksWhatTheReferenceChecksInItsOrder) {
  using Config = TypeParam;
  namespace a = arch;
  const std::vector<std::function<void(Image&)>> faults = {
      [](Image&) {},
      set<std::uint32_t>(a::kBlockImageHeaderMagicOffset, 0x12345678),
      set<std::uint32_t>(a::kBlockImageHeaderMagicOffset, 0x12345678, false),
      set<std::uint32_t>(a::kBlockImageHeaderTileUidOffset, 78, false),
      set<std::uint32_t>(a::kBlockImageHeaderHeaderCrcOffset, 0, false),
      set<std::uint16_t>(a::kBlockImageHeaderRowsOffset, 0),
      set<std::uint16_t>(a::kBlockImageHeaderRowsOffset, 22),
      set<std::uint16_t>(a::kBlockImageHeaderRowsOffset, Config::kRows + 1),
      set<std::uint16_t>(a::kBlockImageHeaderRowsOffset, 0xFFFF),
      set<std::uint16_t>(a::kBlockImageHeaderRowsOffset, 0x0800 + 21),
      set<std::uint16_t>(a::kBlockImageHeaderColsOffset, 0),
      set<std::uint16_t>(a::kBlockImageHeaderColsOffset, Config::kCols + 1),
      set<std::uint16_t>(a::kBlockImageHeaderColsOffset, 0xFFFF),
      set<std::uint16_t>(a::kBlockImageHeaderCol0Offset, 0x10000 - 36),
      set<std::uint16_t>(a::kBlockImageHeaderCol0Offset, 0x10000 - 37),  // good
      set<std::uint8_t>(a::kBlockImageHeaderAdcShiftOffset, 0),
      set<std::uint8_t>(a::kBlockImageHeaderAdcShiftOffset, 41),
      set<std::uint8_t>(a::kBlockImageHeaderAdcShiftOffset, 40),  // good
      set<std::uint8_t>(a::kBlockImageHeaderAdcBitsOffset, 3),
      set<std::uint8_t>(a::kBlockImageHeaderAdcBitsOffset, 13),
      set<std::uint8_t>(a::kBlockImageHeaderAdcBitsOffset, 12),  // good
      set<std::uint16_t>(a::kBlockImageHeaderLanesOffset, Config::kLanes / 2),
      set<std::uint16_t>(a::kBlockImageHeaderLanesOffset, 0),
      set<std::uint32_t>(a::kBlockImageHeaderFlagsOffset, 1),
      set<std::uint32_t>(a::kBlockImageHeaderTablesOffsetOffset, 128),
      set<std::uint32_t>(a::kBlockImageHeaderCellsOffsetOffset, 64),
      set<std::uint32_t>(a::kBlockImageHeaderImageBytesOffset, 64),
      set<std::uint32_t>(a::kBlockImageHeaderReservedOffset, 1),
      set<std::uint32_t>(a::kBlockImageHeaderReservedOffset + 12, 0x80000000),
      set<std::uint32_t>(a::kBlockImageHeaderPayloadSumOffset, 0),
      [](Image& image) { image[64] ^= std::byte{1}; },     // a gain
      [](Image& image) { image[256] ^= std::byte{1}; },    // an offset
      [](Image& image) { image.back() ^= std::byte{1}; },  // a cell or padding
  };
  for (const unsigned stall_percent : {0U, 40U}) {
    EngineBench<Config> bench(100 + stall_percent);
    bench.memory.stall_percent = stall_percent;
    bench.memory.max_latency = stall_percent;
    for (std::size_t i = 0; i < faults.size(); ++i) {
      SCOPED_TRACE("fault " + std::to_string(i) + ", stall " + std::to_string(stall_percent));
      Image image = random_image(bench.random, good_header<Config>());
      const auto length = static_cast<std::uint32_t>(image.size() / 64);
      faults[i](image);
      expect_as_reference(bench, image, length);
      expect_as_reference(bench, random_image(bench.random, good_header<Config>()), length);  // and it still works
    }
    // The instruction's length is not that of the image.
    const Image image = random_image(bench.random, good_header<Config>());
    for (const std::size_t length : {image.size() / 64 - 1, image.size() / 64 + 1, std::size_t{1}}) {
      SCOPED_TRACE("length " + std::to_string(length));
      expect_as_reference(bench, image, static_cast<std::uint32_t>(length));
    }
  }
}

TYPED_TEST(BlockLoadRtl, RejectsImpossibleCommandsWithoutTouchingMemory) {
  using Config = TypeParam;
  EngineBench<Config> bench(200);
  const auto largest =
      static_cast<std::uint32_t>(analog::image_bytes(Config::kRows, Config::kCols, Config::kLanes) / 64);
  struct Case {
    LoadCommand command;
    DeviceError code;
    std::uint64_t detail;
  };
  const Case cases[] = {
      {{Config::kContexts, 0, 5}, DeviceError::kBadContext, Config::kContexts},
      {{255, 0, 5}, DeviceError::kBadContext, 255},
      {{0, 0, 0}, DeviceError::kBadLength, 0},
      {{0, 0, largest + 1}, DeviceError::kBadLength, largest + 1},
      {{0, 0, 0xFFFFFFFF}, DeviceError::kBadLength, 0xFFFFFFFF},
  };
  for (const Case& c : cases) {
    const UnitEvents events = bench.load(c.command);
    EXPECT_EQ(events.errors, 1U);
    EXPECT_EQ(events.code, static_cast<std::uint32_t>(c.code));
    EXPECT_EQ(events.detail, c.detail);
  }
  EXPECT_EQ(bench.memory.num_bursts, 0U);
}

TYPED_TEST(BlockLoadRtl, ReportsTheLineWithoutMemoryOrWithAFault) {
  using Config = TypeParam;
  EngineBench<Config> bench(300);
  bench.memory.max_latency = 10;
  const Image image = random_image(bench.random, good_header<Config>());
  const auto length = static_cast<std::uint32_t>(image.size() / 64);
  const std::uint64_t end = AxiReadMemory::kBase + bench.memory.bytes.size();
  const auto last_lines = static_cast<std::uint32_t>(bench.memory.bytes.size() / 64);
  // Header, tables or cells are missing.
  for (const std::uint32_t present : {0U, 1U, 2U, 5U, 8U, length - 1}) {
    SCOPED_TRACE("lines present " + std::to_string(present));
    std::memcpy(bench.memory.bytes.data() + std::size_t{last_lines - present} * 64, image.data(),
                std::size_t{present} * 64);
    const UnitEvents events = bench.load({0, last_lines - present, length});
    EXPECT_EQ(events.errors, 1U);
    EXPECT_EQ(events.code, static_cast<std::uint32_t>(DeviceError::kMemoryDecerr));
    EXPECT_EQ(events.detail, end);
    EXPECT_TRUE(bench.memory.bursts.empty());
  }
  const LoadCommand load = bench.place(image, 0, 3);
  for (const std::uint32_t line : {0U, 1U, 4U, 8U, length - 1}) {
    SCOPED_TRACE("faulty line " + std::to_string(line));
    bench.memory.slverr_line = AxiReadMemory::kBase + (3 + line) * 64;
    const UnitEvents events = bench.load(load);
    EXPECT_EQ(events.errors, 1U);
    EXPECT_EQ(events.code, static_cast<std::uint32_t>(DeviceError::kMemorySlverr));
    EXPECT_EQ(events.detail, *bench.memory.slverr_line);
    bench.memory.slverr_line.reset();
    EXPECT_EQ(bench.load(load).done, 1U);
  }
}

}  // namespace
}  // namespace xw::test
