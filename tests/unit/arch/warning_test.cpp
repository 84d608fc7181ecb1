// Warnings reach the handler, or standard error without what a terminal obeys.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/warning.hpp"

#include <gtest/gtest.h>

namespace xw {
namespace {

TEST(Warning, GoesToTheHandler) {
  std::string heard;
  const WarningHandler before = set_warning_handler([&](const std::string& message) { heard += message; });
  warn("odd");
  set_warning_handler(before);
  EXPECT_EQ(heard, "odd");
}

TEST(Warning, IsPrintedEscapedWithoutAHandler) {
  const WarningHandler before = set_warning_handler({});
  testing::internal::CaptureStderr();
  warn("file \x1B[2J");
  const std::string printed = testing::internal::GetCapturedStderr();
  set_warning_handler(before);
  EXPECT_EQ(printed, "crossweave: warning: file \\x1b[2J\n");
}

}  // namespace
}  // namespace xw
