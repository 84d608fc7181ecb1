// Options of the device xrt.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/expect_error.hpp"

namespace xw::xrt_device {
namespace {

TEST(XrtOptions, EveryKeySetsItsOption) {
  const Options options = parse_options("xclbin=a/b.xclbin,index=3,timeout=2.5");
  EXPECT_EQ(options.xclbin, "a/b.xclbin");
  EXPECT_EQ(options.index, 3U);
  EXPECT_EQ(options.timeout, 2.5);
  EXPECT_EQ(parse_options("bdf=0000:3b:00.1").bdf, "0000:3b:00.1");
  EXPECT_TRUE(parse_options("start=registers").registers);
  EXPECT_FALSE(parse_options("start=queue").registers);
  EXPECT_TRUE(parse_options("").xclbin.empty());
  EXPECT_FALSE(parse_options("").timeout.has_value());
}

TEST(XrtOptions, TheEnvironmentSaysHowRunsStartWhereNothingElseDoes) {
  ::setenv(kStartVariable, "registers", 1);
  EXPECT_TRUE(parse_options("").registers);
  EXPECT_FALSE(parse_options("start=queue").registers);
  ::setenv(kStartVariable, "soon", 1);
  test::expect_error(ErrorCode::kInvalidArgument, "XW_XRT_START: expected queue or registers, found 'soon'",
                     [] { (void)parse_options(""); });
  ::unsetenv(kStartVariable);
  EXPECT_FALSE(parse_options("").registers);
}

TEST(XrtOptions, WhatIsWrongIsNamed) {
  const auto refuse = [](const char* text, const char* message) {
    test::expect_error(ErrorCode::kInvalidArgument, message, [&] { (void)parse_options(text); });
  };
  refuse("card=1", "xclbin, index, bdf, timeout, start");
  refuse("index", "found 'index'");
  refuse("index=256", "index: expected an integer of 0..255, found '256'");
  refuse("index=-1", "index: expected");
  refuse("timeout=0", "timeout: expected seconds above 0");
  refuse("timeout=nan", "timeout: expected seconds above 0");
  refuse("start=now", "start: expected queue or registers, found 'now'");
  refuse("xclbin=", "xclbin: expected a file");
  refuse("bdf=card", "bdf: expected domain:bus:device.function");
  refuse("index=1,index=1", "index is given twice");
  refuse("index=1,bdf=0000:3b:00.1", "index or bdf, not both");
}

}  // namespace
}  // namespace xw::xrt_device
