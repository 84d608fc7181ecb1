// Lines of reports, whatever the names in them are.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/text_format.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace xw::report {
namespace {

TEST(Line, NamesFromFilesCannotMoveTheCursorOrForgeALine) {
  std::ostringstream out;
  line(out, "\n%s has %d tiles", "m\x1b[2J\n\r\u202Eodel", 3);
  EXPECT_EQ(out.str(), "\nm\\x1b[2J\\n\\r\\u{202e}odel has 3 tiles\n");
}

TEST(Line, OfAnyLength) {
  std::ostringstream out;
  const std::string name(10'000, 'n');
  line(out, "%s", name.c_str());
  EXPECT_EQ(out.str(), name + "\n");
}

TEST(Scaled, ThreeDigitsWithAPrefix) {
  EXPECT_EQ(scaled(0.086128104, "s"), "86.1 ms");
  EXPECT_EQ(scaled(4.2e-5, "s"), "42 us");
  EXPECT_EQ(scaled(1.5, "W"), "1.5 W");
}

}  // namespace
}  // namespace xw::report
