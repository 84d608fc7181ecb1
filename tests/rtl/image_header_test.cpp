// The header of block images alone: sizes, descriptor and verdict against open_image.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

#include "Vimage_header_16.h"
#include "Vimage_header_64.h"
#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "models/analog/block_image.hpp"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

/// Parameters as tests/rtl/CMakeLists.txt gives them to the model.
struct Header16 {
  using Model = Vimage_header_16;
  static constexpr std::uint32_t kLanes = 16, kRows = 64, kCols = 64;
};
struct Header64 {
  using Model = Vimage_header_64;
  static constexpr std::uint32_t kLanes = 64, kRows = 96, kCols = 192;
};

using Header = std::array<std::byte, arch::kBlockImageHeaderBytes>;

template <typename Config>
struct HeaderBench : Clocked<typename Config::Model> {
  using Clocked<typename Config::Model>::top;
  HeaderBench() { this->reset(); }

  /// Shifts the header in, with random gaps, and takes the CRC; then the sizes are there.
  void take(const Header& header, std::uint32_t length, std::mt19937& random) {
    for (std::size_t at = 0; at < header.size();) {
      top->shift_i = random() % 3 != 0;
      std::memcpy(&top->data_i, header.data() + at, Config::kLanes);
      if (top->shift_i != 0) at += Config::kLanes;
      this->tick();
    }
    top->shift_i = 0;
    top->crc_i = 1;
    top->length_i = length;
    int cycles = 1;
    for (this->settle(); top->crc_done_o == 0; this->settle(), ++cycles) this->tick();
    EXPECT_EQ(cycles, 16);
    this->tick();
    top->crc_i = 0;
  }
  [[nodiscard]] std::uint32_t verdict() {
    top->check_i = 1;
    this->settle();
    const std::uint32_t code = top->error_o;
    this->tick();
    top->check_i = 0;
    return code;
  }
};

template <typename Config>
class ImageHeaderRtl : public testing::Test {};
using Configs = testing::Types<Header16, Header64>;
TYPED_TEST_SUITE(ImageHeaderRtl, Configs);

TYPED_TEST(ImageHeaderRtl, SaysWhatTheReferenceSays) {
  using Config = TypeParam;
  constexpr std::uint32_t kSeed = 11;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  HeaderBench<Config> bench;
  std::array<std::uint32_t, 256> seen{};
  for (int round = 0; round < 400; ++round) {
    analog::ImageHeader fields;
    fields.rows = static_cast<std::uint16_t>(uniform(random, 1, Config::kRows));
    fields.cols = static_cast<std::uint16_t>(uniform(random, 1, Config::kCols));
    fields.tile_uid = static_cast<std::uint32_t>(random());
    fields.row0 = static_cast<std::uint16_t>(random());
    fields.col0 = static_cast<std::uint16_t>(uniform(random, 0, 0x10000 - Config::kCols));
    fields.adc_shift = static_cast<std::uint8_t>(uniform(random, 1, 40));
    fields.adc_bits = static_cast<std::uint8_t>(uniform(random, 4, 12));
    fields.lanes = Config::kLanes;
    fields.read_sigma_q = static_cast<std::uint32_t>(random());
    std::vector<std::byte> image(analog::image_bytes(fields.rows, fields.cols, fields.lanes));
    for (std::byte& byte : image) byte = std::byte(random() & 0xFFU);
    analog::seal_image(image, fields);
    auto length = static_cast<std::uint32_t>(image.size() / 64);
    if (random() % 2 == 0) {  // something is wrong
      if (random() % 4 == 0) {
        length = length > 1 && random() % 2 == 0 ? length - 1 : length + 1;
        image.resize(std::size_t{length} * 64);
      } else {
        image[random() % arch::kBlockImageHeaderHeaderCrcOffset] ^= std::byte(1U << random() % 8);
        if (random() % 4 != 0) {
          const std::uint32_t crc = crc32(std::span(image).first(arch::kBlockImageHeaderHeaderCrcOffset));
          std::memcpy(image.data() + arch::kBlockImageHeaderHeaderCrcOffset, &crc, 4);
        }
      }
    }
    Header header{};
    std::memcpy(header.data(), image.data(), header.size());
    analog::BlockView view;
    std::uint32_t expected = analog::open_image(image, Config::kRows, Config::kCols, Config::kLanes, true, view);
    if (expected == static_cast<std::uint32_t>(arch::DeviceError::kImagePayloadSum)) expected = 0;  // not the header's
    if (round % 5 == 4) {  // another header is dropped in mid-stream, as after a fault
      bench.top->shift_i = 1;
      bench.tick();
      bench.top->shift_i = 0;
      bench.top->crc_i = 1;
      for (std::uint32_t i = uniform(random, 0, 14); i > 0; --i) bench.tick();
      bench.top->crc_i = 0;
      if (round % 2 == 0) bench.reset();
    }
    bench.take(header, length, random);
    ASSERT_EQ(bench.verdict(), expected) << "round " << round;
    ++seen[expected];
    if (expected != 0) continue;
    std::uint32_t sum = 0;
    std::memcpy(&sum, header.data() + arch::kBlockImageHeaderPayloadSumOffset, 4);
    EXPECT_EQ(bench.top->payload_sum_o, sum);
    std::uint16_t rows = 0, cols = 0;
    std::memcpy(&rows, header.data() + arch::kBlockImageHeaderRowsOffset, 2);
    std::memcpy(&cols, header.data() + arch::kBlockImageHeaderColsOffset, 2);
    const std::uint32_t beats = (cols + Config::kLanes - 1) / Config::kLanes * rows;
    EXPECT_EQ(bench.top->cell_beats_o, beats);
    EXPECT_EQ(bench.top->table_beats_o, (cols + 15U) / 16 * (64 / Config::kLanes));
    EXPECT_EQ(bench.top->tail_beats_o * Config::kLanes, (beats * Config::kLanes + 63) / 64 * 64);
    EXPECT_EQ(bench.top->descriptor_o[0] & 0x7FFU, rows);
    EXPECT_EQ(bench.top->descriptor_o[0] >> 11U & 0x7FFU, cols);
  }
  EXPECT_GT(seen[0], 50U);
  for (const auto code :
       {arch::DeviceError::kImageMagic, arch::DeviceError::kImageHeaderCrc, arch::DeviceError::kImageShape}) {
    EXPECT_GT(seen[static_cast<std::uint32_t>(code)], 0U) << arch::error_name(code);
  }
}

}  // namespace
}  // namespace xw::test
