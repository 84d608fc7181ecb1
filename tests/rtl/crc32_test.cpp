// The RTL's CRC-32 against zlib's.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "Vcrc32.h"
#include "tests/rtl/clocked.hpp"

namespace xw::test {
namespace {

class Crc32Rtl : public testing::Test {
 protected:
  void SetUp() override {
    bench_.top->clear_i = 0;
    bench_.top->valid_i = 0;
    bench_.reset();
  }
  void word(std::uint32_t value) {
    bench_.top->valid_i = 1;
    bench_.top->word_i = value;
    bench_.tick();
    bench_.top->valid_i = 0;
    crc_ = crc32(crc_, reinterpret_cast<const Bytef*>(&value), sizeof value);
  }
  void clear() {
    bench_.top->clear_i = 1;
    bench_.tick();
    bench_.top->clear_i = 0;
    crc_ = 0;
  }

  Clocked<Vcrc32> bench_;
  uLong crc_ = 0;
};

TEST_F(Crc32Rtl, IsZeroOfNothing) {
  EXPECT_EQ(bench_.top->crc_o, 0U);
}

TEST_F(Crc32Rtl, KnownValue) {
  // The check value of CRC-32 is that of "123456789"; of its first eight characters it is this.
  for (const std::uint32_t value : {0x34333231U, 0x38373635U}) word(value);
  EXPECT_EQ(bench_.top->crc_o, 0x9AE0DAAFU);
}

TEST_F(Crc32Rtl, AgreesWithZlibWithGapsAndClears) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (unsigned step = 0; step < 1000; ++step) {
      if (random() % 50 == 0) {
        // A word in the cycle of a clear is not counted.
        bench_.top->valid_i = random() % 2;
        bench_.top->word_i = static_cast<std::uint32_t>(random());
        clear();
        bench_.top->valid_i = 0;
      } else if (random() % 3 == 0) {
        bench_.top->word_i = static_cast<std::uint32_t>(random());
        bench_.tick();
      } else {
        word(static_cast<std::uint32_t>(random()));
      }
      ASSERT_EQ(bench_.top->crc_o, crc_) << "step " << step;
    }
  }
}

TEST_F(Crc32Rtl, ResetInMidStreamForgets) {
  word(0x12345678);
  EXPECT_NE(bench_.top->crc_o, 0U);
  bench_.reset();
  EXPECT_EQ(bench_.top->crc_o, 0U);
  crc_ = 0;
  word(0x9ABCDEF0);
  EXPECT_EQ(bench_.top->crc_o, crc_);
}

}  // namespace
}  // namespace xw::test
