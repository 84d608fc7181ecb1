// What a command prints as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/app/command.hpp"

namespace xw::test {

/// The output of `crossweave arguments`, which has to succeed and to print JSON alone; null, with the test failed, if it does not succeed.
[[nodiscard]] inline nlohmann::json json_of(const std::string& arguments) {
  const Outcome outcome = crossweave(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  return outcome.status == 0 ? nlohmann::json::parse(outcome.output) : nlohmann::json();
}

}  // namespace xw::test
