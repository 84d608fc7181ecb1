// The reference functions of the integer contract against hand-computed values and Random123.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/numerics.hpp"

#include <Random123/threefry.h>
#undef threefry2x32  // a macro of that header
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"
#include "models/analog/threefry.hpp"

namespace xw::analog {
namespace {

template <unsigned kRounds>
std::array<std::uint32_t, 2> random123(std::uint32_t k0, std::uint32_t k1, std::uint32_t c0, std::uint32_t c1) {
  const threefry2x32_ctr_t counter = {{c0, c1}};
  const threefry2x32_key_t key = {{k0, k1}};
  const threefry2x32_ctr_t out = threefry2x32_R(kRounds, counter, key);
  return {out.v[0], out.v[1]};
}

template <unsigned kRounds>
void expect_equals_random123() {
  std::mt19937 rng(kRounds);
  for (int i = 0; i < 20000; ++i) {
    const auto k0 = static_cast<std::uint32_t>(rng()), k1 = static_cast<std::uint32_t>(rng());
    const auto c0 = static_cast<std::uint32_t>(rng()), c1 = static_cast<std::uint32_t>(rng());
    ASSERT_EQ((threefry2x32<kRounds>(k0, k1, c0, c1)), (random123<kRounds>(k0, k1, c0, c1)))
        << k0 << ' ' << k1 << ' ' << c0 << ' ' << c1;
  }
}

TEST(Threefry, EqualsRandom123) {
  expect_equals_random123<13>();  // read noise
  expect_equals_random123<20>();  // programming noise
  expect_equals_random123<4>();
}

TEST(Threefry, EqualsPublishedAnswers) {  // known answers of Random123, threefry2x32, 20 rounds
  constexpr auto kZero = threefry2x32<20>(0, 0, 0, 0);
  static_assert(kZero[0] == 0x6b200159U && kZero[1] == 0x99ba4efeU);
  constexpr auto kOnes = threefry2x32<20>(~0U, ~0U, ~0U, ~0U);
  static_assert(kOnes[0] == 0x1cb996fcU && kOnes[1] == 0xbb002be7U);
}

TEST(ReadNoise, SourceIsTheSumOfEightBytes) {
  std::mt19937 rng(5);
  for (int i = 0; i < 1000; ++i) {
    const auto seed = static_cast<std::uint32_t>(rng()), tile = static_cast<std::uint32_t>(rng()),
               vector = static_cast<std::uint32_t>(rng());
    const auto row0 = static_cast<std::uint32_t>(rng() & 0xFFFF), column = static_cast<std::uint32_t>(rng() & 0xFFFF);
    const auto words = random123<13>(seed, tile, vector, row0 * 65536 + column);
    int sum = 0;
    for (const std::uint32_t word : words)
      sum += static_cast<int>(word % 256 + word / 256 % 256 + word / 65536 % 256 + word / 16777216);
    ASSERT_EQ(noise_h(seed, tile, vector, row0, column), sum - 1020);
  }
}

TEST(ReadNoise, RoundsHalfUpWithArithmeticShift) {
  EXPECT_EQ(read_noise(0, 1020), 0);
  EXPECT_EQ(read_noise(65536, 7), 7);
  EXPECT_EQ(read_noise(65536, -7), -7);
  EXPECT_EQ(read_noise(32768, 1), 1);    // 0.5 rounds up
  EXPECT_EQ(read_noise(32768, -1), 0);   // -0.5 rounds up to 0
  EXPECT_EQ(read_noise(32768, -3), -1);  // -1.5 rounds up to -1
  EXPECT_EQ(read_noise(32767, 1), 0);
  EXPECT_EQ(read_noise(4294967295U, 1020), 66846720);    // 66846719.98
  EXPECT_EQ(read_noise(4294967295U, -1020), -66846720);  // -66846719.98
}

TEST(ReadNoise, SigmaIsQuantized) {
  EXPECT_EQ(quantize_read_sigma(0.0), 0U);
  EXPECT_EQ(quantize_read_sigma(209.02), 65536U);
  EXPECT_EQ(quantize_read_sigma(400.0), 125416U);           // 400 * 65536 / 209.02 = 125415.75
  EXPECT_EQ(quantize_read_sigma(13698000.0), 4294862348U);  // 4294862348.10
  for (const double wrong : {-1.0, 1.4e7, static_cast<double>(INFINITY), static_cast<double>(NAN)}) {
    EXPECT_THROW(
        {
          try {
            (void)quantize_read_sigma(wrong);
          } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
            EXPECT_THAT(error.what(), testing::HasSubstr("read noise: sigma"));
            throw;
          }
        },
        Error)
        << wrong;
  }
}

TEST(Adc, ConvertsByHand) {
  bool saturated = true;
  EXPECT_EQ(adc_convert(100, 32768, 16, 127, saturated), 50);
  EXPECT_FALSE(saturated);
  EXPECT_EQ(adc_convert(101, 32768, 16, 127, saturated), 51);    // 50.5 rounds up
  EXPECT_EQ(adc_convert(-101, 32768, 16, 127, saturated), -50);  // -50.5 rounds up
  EXPECT_EQ(adc_convert(254, 32768, 16, 127, saturated), 127);
  EXPECT_FALSE(saturated);
  EXPECT_EQ(adc_convert(255, 32768, 16, 127, saturated), 127);  // 127.5 becomes 128: clamped
  EXPECT_TRUE(saturated);
  EXPECT_EQ(adc_convert(-255, 32768, 16, 127, saturated), -127);  // -127.5 becomes -127: not clamped
  EXPECT_FALSE(saturated);
  EXPECT_EQ(adc_convert(-256, 32768, 16, 127, saturated), -127);
  EXPECT_TRUE(saturated);
  EXPECT_EQ(adc_convert(1000000, 0, 40, 2047, saturated), 0);
  EXPECT_FALSE(saturated);
  EXPECT_EQ(adc_convert(1LL << 28, 65535, 40, 2047, saturated), 16);  // 15.9998
  EXPECT_EQ(adc_convert(-(1LL << 28), 65535, 1, 2047, saturated), -2047);
  EXPECT_TRUE(saturated);
}

TEST(Adc, IdealSettingIsCloseAndNormalized) {
  for (const double lambda : {0.01, 1.0, 3.0, 12.0, 14.0, 100.0}) {
    for (const int bits : {4, 8, 12}) {
      for (const int g_unit : {1, 96, 127}) {
        const AdcSetting adc = ideal_adc(lambda, 127, g_unit, bits);
        EXPECT_GE(adc.gain, 32768U);
        const double ideal = ((1 << (bits - 1)) - 1) / (lambda * 127 * g_unit);
        EXPECT_NEAR(std::ldexp(adc.gain, -adc.shift) / ideal, 1.0, 1.0 / 65536);
      }
    }
  }
  const AdcSetting adc = ideal_adc(14.0, 127, 96, 8);
  EXPECT_EQ(adc.shift, 26);
  EXPECT_NEAR(adc.gain, 49932, 1);  // 2^26 / 1344 = 49932.2
}

TEST(Adc, IdealSettingCarriesIntoTheExponent) {
  // A ratio just below a power of two: the gain would round to 65536.
  const AdcSetting adc = ideal_adc(1.0 / (1.0 - 1e-7), 127, 1, 8);
  EXPECT_EQ(adc.gain, 32768);
  EXPECT_EQ(adc.shift, 15);
}

TEST(Adc, RejectsImpossibleSettings) {
  EXPECT_THROW((void)ideal_adc(0.0, 127, 96, 8), Error);
  EXPECT_THROW((void)ideal_adc(-1.0, 127, 96, 8), Error);
  EXPECT_THROW((void)ideal_adc(NAN, 127, 96, 8), Error);
  EXPECT_THROW((void)ideal_adc(INFINITY, 127, 96, 8), Error);
  EXPECT_THROW((void)ideal_adc(14.0, 0, 96, 8), Error);
  EXPECT_THROW((void)ideal_adc(14.0, 127, 0, 8), Error);
  EXPECT_THROW((void)ideal_adc(14.0, 127, 96, 3), Error);
  EXPECT_THROW((void)ideal_adc(14.0, 127, 96, 13), Error);
  EXPECT_THROW((void)ideal_adc(1e9, 127, 96, 4), Error);    // needs a shift above 40
  EXPECT_THROW((void)ideal_adc(1e-9, 127, 96, 12), Error);  // needs a shift below 1
}

TEST(TileMvmReference, EqualsHandComputation) {
  // 3 rows, 3 columns, 2 lanes: cells are [group][row][lane]; the last lane of group 1 is unused.
  const std::int8_t cells[] = {1, -2, 3, 4, -127, 127, /* group 1 */ 10, 99, -10, 99, 0, 99};
  const std::uint16_t tables[] = {65535, 3, 32768, 10, 49152, 65535};
  const std::int8_t x[] = {10, -20, 127, 55, 1, 0, -1};  // stride 4: vectors {10,-20,127}, {1,0,-1}
  BlockView block;
  block.rows = block.cols = 3;
  block.lanes = 2;
  block.adc_shift = 16;
  block.adc_max = 127;
  block.column_tables = tables;
  block.cells = cells;
  std::int32_t y[] = {1000, 1000, 1000, 7, 1000, 1000, 1000};
  MvmBatch batch;
  batch.x = x;
  batch.x_stride = 4;
  batch.y = y;
  batch.y_stride = 4;
  batch.num_vectors = 2;
  // v0: s = {10 - 60 - 16129, -20 - 80 + 16129, 100 + 200} = {-16179, 16029, 300} -> {-127 s, 127 s, 225 -> 127 s}
  // v1: s = {1 + 127, -2 - 127, 10} = {128, -129, 10} -> {128 -> 127 s (127.998 + 0.5), -64.5 + 0.5 -> -64, 7.5 + 0.5 -> 8}
  EXPECT_EQ(tile_mvm_reference(block, batch), 4U);
  EXPECT_THAT(y, testing::ElementsAre(-381, 1270, 127 * 65535, 7, 381, -640, 8 * 65535));
  batch.accumulate = true;
  EXPECT_EQ(tile_mvm_reference(block, batch), 4U);
  EXPECT_THAT(y, testing::ElementsAre(-762, 2540, 2 * 127 * 65535, 7, 762, -1280, 16 * 65535));
}

TEST(TileMvmReference, OffsetsAreAddedBeforeTheGainAndTheClamp) {
  // 1 row of 1 in 7 columns; gain 2^15 over 2^16: half a code per unit of the sum.
  const std::int8_t cells[] = {1, 1, 1, 1, 1, 1, 1};
  const std::uint16_t tables[] = {32768, 1, 32768, 3, 32768, 1, 32768, 1, 32768, 1, 32768, 1, 32768, 1};
  const std::int32_t offsets[] = {0, 100, -101, 154, 155, INT32_MAX, INT32_MIN};
  const std::int8_t x[] = {100};
  BlockView block;
  block.rows = 1;
  block.cols = block.lanes = 7;
  block.adc_shift = 16;
  block.adc_max = 127;
  block.column_tables = tables;
  block.adc_offsets = offsets;
  block.cells = cells;
  std::int32_t y[7] = {};
  MvmBatch batch;
  batch.x = x;
  batch.x_stride = 1;
  batch.y = y;
  batch.y_stride = 7;
  batch.num_vectors = 1;
  // Sums 100, 200, -1, 254, 255 -> 50, 100, 0 (-0.5 + 0.5), 127, 128 -> 127; 2^31 - 1 + 100 wraps to -2^31 + 99, -2^31 + 100 does not.
  EXPECT_EQ(tile_mvm_reference(block, batch), 3U);
  EXPECT_THAT(y, testing::ElementsAre(50, 300, 0, 127, 127, -127, -127));
}

TEST(TileMvmReference, NoiseUsesThePlaceInTheTile) {
  const std::int8_t cells[] = {0, 0};
  const std::uint16_t tables[] = {65535, 1, 65535, 1};
  const std::int8_t x[] = {0, 0, 0};
  BlockView block;
  block.rows = 1;
  block.cols = block.lanes = 2;
  block.tile_uid = 77;
  block.row0 = 12;
  block.col0 = 500;
  block.adc_shift = 16;
  block.adc_max = 2047;
  block.read_sigma_q = 65536;  // n = h
  block.column_tables = tables;
  block.cells = cells;
  std::int32_t y[6] = {};
  MvmBatch batch;
  batch.x = x;
  batch.x_stride = 1;
  batch.y = y;
  batch.y_stride = 2;
  batch.num_vectors = 3;
  batch.vector_base = 0xFFFFFFFEU;  // wraps
  batch.chip_seed = 5;
  EXPECT_EQ(tile_mvm_reference(block, batch), 0U);
  for (std::uint32_t v = 0; v < 3; ++v) {
    for (std::uint32_t col = 0; col < 2; ++col) {
      const int h = noise_h(5, 77, 0xFFFFFFFEU + v, 12, 500 + col);
      EXPECT_EQ(y[2 * v + col], (h * 65535LL + 32768) >> 16);
      EXPECT_NE(h, noise_h(5, 77, 0xFFFFFFFEU + v, 0, 500 + col)) << "row0 must matter";
    }
  }
}

TEST(Kernels, SelectionRejectsUnknownNames) {
  const std::string before = selected_kernel();
  EXPECT_EQ(available_kernels().back(), "portable");
  try {
    select_kernel("abacus");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr("kernel 'abacus' is unknown"));
    EXPECT_THAT(error.what(), testing::HasSubstr("portable"));
  }
  EXPECT_EQ(selected_kernel(), before);
}

}  // namespace
}  // namespace xw::analog
