// Offsets of converters on every device: at the ends of their field and where the converter clamps.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "arch/generated/xw_arch.hpp"
#include "models/analog/block_image.hpp"
#include "tests/conformance/backends.hpp"
#include "tests/conformance/hand_made.hpp"

namespace xw::test {
namespace {

class Offsets : public testing::TestWithParam<Backend> {};

TEST_P(Offsets, AreAddedBeforeTheGainAtTheEndsOfTheirFieldAndAroundTheClamp) {
  HandMade made(GetParam());
  constexpr std::uint32_t kCols = HandMade::kCols, kRows = HandMade::kRows;
  constexpr std::int64_t kAdcMax = 127;
  std::vector<std::int64_t> expected(std::size_t{HandMade::kVectors} * kCols);
  std::uint64_t saturations = 0;
  std::uint32_t next = 0;
  for (std::size_t engine = 0; engine < 2; ++engine) {
    analog::ImageHeader& header = made.headers[engine];
    header.read_sigma_q = 0;
    std::vector<std::byte>& image = made.images[engine];
    for (std::uint32_t col = 0; col < kCols; ++col) {
      std::uint16_t table[2] = {};
      std::memcpy(table, image.data() + arch::kBlockImageHeaderBytes + std::size_t{4} * col, sizeof table);
      const std::int64_t gain = table[0], half = std::int64_t{1} << (header.adc_shift - 1);
      std::int64_t sums[HandMade::kVectors] = {};
      for (std::uint32_t v = 0; v < HandMade::kVectors; ++v) {
        for (std::uint32_t row = 0; row < kRows; ++row) {
          const std::size_t place = (std::size_t{col / header.lanes} * kRows + row) * header.lanes + col % header.lanes;
          const auto cell = static_cast<std::int8_t>(image[analog::cells_offset(kCols) + place]);
          sums[v] += cell * made.x[std::size_t{v} * kRows + row];
        }
      }
      // The smallest totals of the codes 127 and 128, and of -127 and -128, and their neighbours.
      const auto smallest = [&](std::int64_t code) {
        const std::int64_t scaled = (code << header.adc_shift) - half;
        return scaled >= 0 ? (scaled + gain - 1) / gain : -(-scaled / gain);
      };
      const std::int64_t totals[] = {smallest(127),  smallest(127) - 1,  smallest(128),  smallest(128) - 1,
                                     smallest(-127), smallest(-127) - 1, smallest(-128), smallest(-128) - 1};
      std::int32_t offset = 0;
      switch (next++ % 11) {
        case 8:
          offset = INT32_MAX;
          break;
        case 9:
          offset = INT32_MIN;
          break;
        case 10:
          break;
        default:
          offset = static_cast<std::int32_t>(totals[(next - 1) % 11] - sums[0]);
      }
      std::memcpy(image.data() + analog::adc_offsets_offset(kCols) + std::size_t{4} * col, &offset, sizeof offset);
      for (std::uint32_t v = 0; v < HandMade::kVectors; ++v) {
        std::int64_t total = sums[v] + offset;
        if (total > INT32_MAX) total -= std::int64_t{1} << 32;
        if (total < INT32_MIN) total += std::int64_t{1} << 32;
        const std::int64_t code = (total * gain + half) >> header.adc_shift;
        saturations += code < -kAdcMax || code > kAdcMax ? 1 : 0;
        expected[std::size_t{v} * kCols + col] += std::clamp(code, -kAdcMax, kAdcMax) * table[1];
      }
    }
    analog::seal_image(image, header);
  }
  made.load();
  const device::RunStats stats = made.device->run(made.arguments);
  const std::vector<std::int32_t> y = made.read_y();
  EXPECT_EQ(std::vector<std::int64_t>(y.begin(), y.end()), expected);
  EXPECT_EQ(stats.adc_saturations, saturations);
  EXPECT_GT(saturations, 0U);
  EXPECT_LT(saturations, std::uint64_t{2} * HandMade::kVectors * kCols) << "the case needs codes inside the range";
}

INSTANTIATE_TEST_SUITE_P(Backends, Offsets, testing::ValuesIn(backends_for(hand_made_emulator())),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace xw::test
