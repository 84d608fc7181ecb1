// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/image_layout.hpp"

#include <gtest/gtest.h>

#include "models/analog/block_image.hpp"

namespace xw::program {
namespace {

TEST(ImageLayout, KnownSizes) {
  EXPECT_EQ(image_units(64, 16, 16), 1U + 2U + 16U);
  EXPECT_EQ(image_units(288, 320, 64), 1U + 40U + 5U * 288U);
  EXPECT_EQ(image_units(1, 1, 4), 4U);
  EXPECT_EQ(image_units(1024, 1024, 64), 1U + 128U + 16U * 1024U);
}

/// The host builds images of exactly the size that the code loads.
TEST(ImageLayout, AgreesWithTheImageBuilder) {
  for (const std::uint32_t lanes : {4U, 16U, 64U, 256U}) {
    for (std::uint32_t rows = 1; rows <= 1024; rows = rows * 3 / 2 + 1) {
      for (std::uint32_t cols = 1; cols <= 1024; cols = cols * 3 / 2 + 1) {
        ASSERT_EQ(image_units(rows, cols, lanes) * 64, analog::image_bytes(rows, cols, lanes))
            << rows << " x " << cols << " / " << lanes;
      }
    }
  }
}

}  // namespace
}  // namespace xw::program
