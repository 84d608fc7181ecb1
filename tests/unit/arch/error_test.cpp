// Names and exit codes are part of the command's interface.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace {

using xw::ErrorCode;

const std::vector<ErrorCode> kAll = {
    ErrorCode::kInvalidArgument, ErrorCode::kFileNotFound,  ErrorCode::kIo,
    ErrorCode::kFormat,          ErrorCode::kUnsupported,   ErrorCode::kShapeMismatch,
    ErrorCode::kNotFinite,       ErrorCode::kCapacity,      ErrorCode::kContractMismatch,
    ErrorCode::kDeviceFault,     ErrorCode::kDeviceTimeout, ErrorCode::kInterrupted,
    ErrorCode::kInternal};

TEST(Error, KeepsCodeAndMessage) {
  const xw::Error error(ErrorCode::kCapacity, "chip: expected 3 tiles, found 2");
  EXPECT_EQ(error.code(), ErrorCode::kCapacity);
  EXPECT_STREQ(error.what(), "chip: expected 3 tiles, found 2");
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string> names;
  for (const ErrorCode code : kAll) names.insert(xw::name(code));
  EXPECT_EQ(names.size(), kAll.size());
  EXPECT_STREQ(xw::name(ErrorCode::kFormat), "format");
}

TEST(Error, ExitStatusFollowsTheTable) {
  EXPECT_EQ(xw::exit_status(ErrorCode::kInvalidArgument), 2);
  for (const ErrorCode code : {ErrorCode::kFileNotFound, ErrorCode::kIo, ErrorCode::kFormat, ErrorCode::kUnsupported,
                               ErrorCode::kShapeMismatch, ErrorCode::kNotFinite, ErrorCode::kContractMismatch}) {
    EXPECT_EQ(xw::exit_status(code), 3) << xw::name(code);
  }
  EXPECT_EQ(xw::exit_status(ErrorCode::kCapacity), 4);
  EXPECT_EQ(xw::exit_status(ErrorCode::kDeviceFault), 5);
  EXPECT_EQ(xw::exit_status(ErrorCode::kDeviceTimeout), 5);
  EXPECT_EQ(xw::exit_status(ErrorCode::kInterrupted), 130);
  EXPECT_EQ(xw::exit_status(ErrorCode::kInternal), 70);
}

}  // namespace
