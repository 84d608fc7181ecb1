// Block images: layout, and one image for every error code.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/block_image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"

namespace xw::analog {
namespace {

constexpr std::uint32_t kRows = 512, kCols = 256, kLanes = 64;

std::uint32_t code(arch::DeviceError error) {
  return static_cast<std::uint32_t>(error);
}

ImageHeader sample_header() {
  ImageHeader header;
  header.rows = 100;
  header.cols = 70;
  header.tile_uid = 0x12345678;
  header.row0 = 300;
  header.col0 = 128;
  header.adc_shift = 26;
  header.adc_bits = 8;
  header.lanes = kLanes;
  header.read_sigma_q = 0x89ABCDEF;
  return header;
}

std::vector<std::byte> sample_image(const ImageHeader& header = sample_header()) {
  std::vector<std::byte> image(image_bytes(header.rows, header.cols, header.lanes));
  std::mt19937 rng(3);
  for (std::size_t i = 64; i < image.size(); ++i) image[i] = static_cast<std::byte>(rng() & 0xFF);
  seal_image(image, header);
  return image;
}

template <typename T>
void put(std::vector<std::byte>& image, std::uint32_t offset, T value) {
  std::memcpy(image.data() + offset, &value, sizeof(T));
}

void reseal(std::vector<std::byte>& image) {
  put(image, arch::kBlockImageHeaderHeaderCrcOffset, crc32(std::span<const std::byte>(image).first(60)));
}

std::uint32_t open(const std::vector<std::byte>& image, bool check_payload = true) {
  BlockView view;
  return open_image(image, kRows, kCols, kLanes, check_payload, view);
}

TEST(BlockImage, SizesByHand) {
  EXPECT_EQ(adc_offsets_offset(1), 128U);
  EXPECT_EQ(cells_offset(1), 192U);
  EXPECT_EQ(cells_offset(16), 192U);
  EXPECT_EQ(adc_offsets_offset(17), 192U);
  EXPECT_EQ(cells_offset(17), 320U);
  EXPECT_EQ(image_bytes(1, 1, 64), 256U);
  EXPECT_EQ(image_bytes(512, 512, 64), 64U + 2048U + 2048U + 262144U);
  EXPECT_EQ(image_bytes(3, 17, 16), 64U + 256U + 128U);  // 2 groups * 3 rows * 16 = 96
  EXPECT_EQ(image_bytes(1024, 1024, 64), 64U + 8192U + 1048576U);
}

TEST(BlockImage, RoundTrip) {
  const ImageHeader header = sample_header();
  const std::vector<std::byte> image = sample_image();
  BlockView view;
  ASSERT_EQ(open_image(image, kRows, kCols, kLanes, true, view), code(arch::DeviceError::kOk));
  EXPECT_EQ(view.rows, header.rows);
  EXPECT_EQ(view.cols, header.cols);
  EXPECT_EQ(view.lanes, header.lanes);
  EXPECT_EQ(view.tile_uid, header.tile_uid);
  EXPECT_EQ(view.row0, header.row0);
  EXPECT_EQ(view.col0, header.col0);
  EXPECT_EQ(view.adc_shift, header.adc_shift);
  EXPECT_EQ(view.adc_max, 127);
  EXPECT_EQ(view.read_sigma_q, header.read_sigma_q);
  EXPECT_EQ(static_cast<const void*>(view.column_tables), image.data() + 64);
  EXPECT_EQ(static_cast<const void*>(view.adc_offsets), image.data() + 64 + 320);
  EXPECT_EQ(static_cast<const void*>(view.cells), image.data() + 64 + 640);
}

TEST(BlockImage, OffsetsThatAreAllZeroAreNotThere) {
  std::vector<std::byte> image = sample_image();
  const auto offsets = image.begin() + static_cast<std::ptrdiff_t>(adc_offsets_offset(70));
  std::fill(offsets, offsets + 4 * 70, std::byte{0});
  BlockView view;
  seal_image(image, sample_header());
  ASSERT_EQ(open_image(image, kRows, kCols, kLanes, true, view), code(arch::DeviceError::kOk));
  EXPECT_EQ(view.adc_offsets, nullptr);
  offsets[4 * 69 + 3] = std::byte{0x80};  // the last column's lowest number
  seal_image(image, sample_header());
  ASSERT_EQ(open_image(image, kRows, kCols, kLanes, true, view), code(arch::DeviceError::kOk));
  ASSERT_NE(view.adc_offsets, nullptr);
  EXPECT_EQ(view.adc_offsets[69], INT32_MIN);
}

TEST(BlockImage, HeaderBytesAreTheRecord) {  // written out by hand from the record's table, independent of the offsets
  const std::vector<std::byte> image = sample_image();
  const std::uint8_t expected[] = {'X', 'W', 'B', '2', 100,  0, 70,   0,    0x78, 0x56, 0x34, 0x12, 0x2C, 1,
                                   128, 0,   26,  8,   64,   0, 0xEF, 0xCD, 0xAB, 0x89, 0,    0,    0,    0,
                                   64,  0,   0,   0,   0xC0, 2, 0,    0,    0xC0, 0x34, 0,    0};
  EXPECT_EQ(std::memcmp(image.data(), expected, sizeof(expected)), 0);  // 12800 bytes of cells: image of 0x34C0
  std::uint32_t sum = 0;
  for (std::size_t i = 64; i < image.size(); i += 4) {
    std::uint32_t word = 0;
    for (std::size_t byte = 4; byte-- > 0;) word = word << 8 | static_cast<std::uint32_t>(image[i + byte]);
    sum += word;
  }
  std::uint32_t stored = 0;
  std::memcpy(&stored, image.data() + 40, 4);
  EXPECT_EQ(stored, sum);
  for (std::size_t i = 44; i < 60; ++i) EXPECT_EQ(image[i], std::byte{0});
}

TEST(BlockImage, MagicIsChecked) {
  auto image = sample_image();
  put<std::uint32_t>(image, arch::kBlockImageHeaderMagicOffset, 0x49425758);
  EXPECT_EQ(open(image), code(arch::DeviceError::kImageMagic));
}

TEST(BlockImage, EveryHeaderBitIsCovered) {
  const auto good = sample_image();
  for (std::size_t bit = 32; bit < 512; ++bit) {
    auto image = good;
    image[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    ASSERT_EQ(open(image), code(arch::DeviceError::kImageHeaderCrc)) << "bit " << bit;
  }
}

TEST(BlockImage, ShapeAndLayoutAreChecked) {
  struct Damage {
    const char* what;
    std::function<void(std::vector<std::byte>&)> apply;
  };
  namespace a = arch;
  const Damage damages[] = {
      {"rows 0", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderRowsOffset, 0); }},
      {"rows above the device", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderRowsOffset, kRows + 1); }},
      {"rows that do not match the size", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderRowsOffset, 101); }},
      {"cols 0", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderColsOffset, 0); }},
      {"cols above the device", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderColsOffset, kCols + 1); }},
      {"cols that do not match the size", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderColsOffset, 200); }},
      {"col0 beyond 16 bits", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderCol0Offset, 65536 - 69); }},
      {"adc_shift 0", [](auto& i) { put<std::uint8_t>(i, a::kBlockImageHeaderAdcShiftOffset, 0); }},
      {"adc_shift 41", [](auto& i) { put<std::uint8_t>(i, a::kBlockImageHeaderAdcShiftOffset, 41); }},
      {"adc_bits 3", [](auto& i) { put<std::uint8_t>(i, a::kBlockImageHeaderAdcBitsOffset, 3); }},
      {"adc_bits 13", [](auto& i) { put<std::uint8_t>(i, a::kBlockImageHeaderAdcBitsOffset, 13); }},
      {"lanes 0", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderLanesOffset, 0); }},
      {"lanes of another device", [](auto& i) { put<std::uint16_t>(i, a::kBlockImageHeaderLanesOffset, 32); }},
      {"flags", [](auto& i) { put<std::uint32_t>(i, a::kBlockImageHeaderFlagsOffset, 1); }},
      {"tables_offset", [](auto& i) { put<std::uint32_t>(i, a::kBlockImageHeaderTablesOffsetOffset, 128); }},
      {"cells_offset", [](auto& i) { put<std::uint32_t>(i, a::kBlockImageHeaderCellsOffsetOffset, 64); }},
      {"image_bytes", [](auto& i) { put<std::uint32_t>(i, a::kBlockImageHeaderImageBytesOffset, 64); }},
      {"first reserved word", [](auto& i) { put<std::uint32_t>(i, a::kBlockImageHeaderReservedOffset, 1); }},
      {"last reserved word", [](auto& i) { put<std::uint32_t>(i, a::kBlockImageHeaderReservedOffset + 12, 1); }},
      {"64 bytes too many", [](auto& i) { i.resize(i.size() + 64); }},
      {"64 bytes too few", [](auto& i) { i.resize(i.size() - 64); }},
      {"not a multiple of 64", [](auto& i) { i.resize(i.size() - 1); }},
      {"shorter than a header", [](auto& i) { i.resize(32); }},
      {"empty", [](auto& i) { i.clear(); }},
  };
  for (const Damage& damage : damages) {
    auto image = sample_image();
    damage.apply(image);
    if (image.size() >= 64) reseal(image);
    EXPECT_EQ(open(image), code(arch::DeviceError::kImageShape)) << damage.what;
  }
}

TEST(BlockImage, LimitsAreInclusive) {
  ImageHeader header = sample_header();
  header.rows = kRows;
  header.cols = kCols;
  header.col0 = 65536 - kCols;
  header.row0 = 65535;
  header.adc_shift = 40;
  header.adc_bits = 12;
  EXPECT_EQ(open(sample_image(header)), code(arch::DeviceError::kOk));
  header.rows = header.cols = 1;
  header.adc_shift = 1;
  header.adc_bits = 4;
  EXPECT_EQ(open(sample_image(header)), code(arch::DeviceError::kOk));
}

TEST(BlockImage, PayloadSumIsChecked) {
  const auto good = sample_image();
  for (const std::size_t place : {std::size_t{64}, std::size_t{64 + 320}, good.size() - 1}) {
    auto image = good;
    image[place] ^= std::byte{0x10};
    EXPECT_EQ(open(image), code(arch::DeviceError::kImagePayloadSum)) << place;
    EXPECT_EQ(open(image, false), code(arch::DeviceError::kOk)) << "not asked for";
  }
}

TEST(BlockImage, RandomHeadersAreRejectedOrHarmless) {  // meant for the sanitizers: whatever opens can be executed
  std::mt19937 rng(12);
  int opened = 0;
  for (int round = 0; round < 20000; ++round) {
    auto image = sample_image();
    const unsigned damages = 1 + rng() % 3;
    for (unsigned i = 0; i < damages; ++i)
      image[4 + rng() % 56] = static_cast<std::byte>(rng() % 4 == 0 ? rng() % 256 : rng() % 3);
    if (rng() % 8 == 0) image.resize(64 * (rng() % (image.size() / 64 + 1)));
    if (image.size() >= 64) reseal(image);
    BlockView view;
    if (open_image(image, kRows, kCols, kLanes, rng() % 2 == 0, view) != 0) continue;
    ++opened;
    const std::vector<std::int8_t> x(view.rows, 1);
    std::vector<std::int32_t> y(view.cols);
    MvmBatch batch;
    batch.x = x.data();
    batch.y = y.data();
    batch.num_vectors = 1;
    tile_mvm(view, batch);
  }
  EXPECT_GT(opened, 100);
}

TEST(BlockImage, ViewIsUntouchedOnError) {
  auto image = sample_image();
  image[70] ^= std::byte{1};
  BlockView view;
  view.rows = 4711;
  EXPECT_NE(open_image(image, kRows, kCols, kLanes, true, view), 0U);
  EXPECT_EQ(view.rows, 4711U);
}

}  // namespace
}  // namespace xw::analog
