// Lengths of reports: the usual ones, those that are asked for, and the model's context.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/program_report.hpp"

#include <gtest/gtest.h>

#include "arch/support/error.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/toolchain/compiled_model.hpp"

namespace xw::toolchain {
namespace {

using ProgramReport = test::CompiledModel;

/// The tiny model has 128 positions.
TEST_F(ProgramReport, LengthsAreWithinTheContext) {
  const auto program = program::Program::open(program_);
  EXPECT_EQ(static_report(program, {}).estimate->context, 128U);
  EXPECT_EQ(static_report(program, {}).estimate->prefill_tokens, 64U);
  EXPECT_EQ(static_report(program, {100, 3, 16, ""}).estimate->context, 100U);
  EXPECT_EQ(static_report(program, {100, 3, 16, ""}).estimate->prefill_tokens, 3U);
  test::expect_error(ErrorCode::kInvalidArgument, {"context: 129", "context of 128 tokens"}, [&] {
    (void)static_report(program, {129, {}, 16, ""});
  });
  test::expect_error(ErrorCode::kInvalidArgument, {"prefill tokens: 129", "context of 128 tokens"}, [&] {
    (void)static_report(program, {{}, 129, 16, ""});
  });
  test::expect_error(ErrorCode::kInvalidArgument, "at least 1", [] { check(ReportOptions{0, {}, 16, ""}); });
}

}  // namespace
}  // namespace xw::toolchain
