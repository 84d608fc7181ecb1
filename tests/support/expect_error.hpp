// What tests expect of errors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::test {

/// Texts that a message must contain, all of them: one text, or a list.
struct Parts {
  Parts(const char* part) : all{part} {}                    // NOLINT(google-explicit-constructor)
  Parts(std::string_view part) : all{std::string(part)} {}  // NOLINT(google-explicit-constructor)
  Parts(const std::string& part) : all{part} {}             // NOLINT(google-explicit-constructor)
  Parts(std::initializer_list<std::string_view> parts) : all(parts.begin(), parts.end()) {}
  std::vector<std::string> all;
};

/// Fails unless `body` throws an Error of this code whose message contains `parts`.
template <typename Body>
void expect_error(ErrorCode code, const Parts& parts, Body&& body) {
  try {
    std::forward<Body>(body)();
  } catch (const Error& error) {
    EXPECT_STREQ(name(error.code()), name(code)) << error.what();
    for (const std::string& part : parts.all) {
      EXPECT_NE(std::string_view(error.what()).find(part), std::string_view::npos)
          << "\"" << part << "\" is missing in: " << error.what();
    }
    return;
  }
  ADD_FAILURE() << "no error; expected " << name(code) << (parts.all.empty() ? "" : ": " + parts.all.front());
}

}  // namespace xw::test
