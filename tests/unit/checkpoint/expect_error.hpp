// Checks code and text of an xw::Error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "arch/support/error.hpp"

namespace xw::test {

/// Fails unless `body` throws an Error of this code whose message contains `text`.
template <typename Body>
void expect_error(const Body& body, ErrorCode code, const std::string& text) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_STREQ(name(error.code()), name(code)) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
    return;
  }
  ADD_FAILURE() << "expected an error with \"" << text << "\"";
}

}  // namespace xw::test
