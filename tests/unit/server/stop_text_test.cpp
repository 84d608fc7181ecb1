// Text that ends before a stop text, however it arrives.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/stop_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/random_numbers.hpp"

namespace xw::server {
namespace {

TEST(StopText, NothingOfAStopTextIsShown) {
  StopText text({"\n\n", "END"});
  EXPECT_EQ(text.push("a"), "a");
  EXPECT_EQ(text.push("b\n"), "b");
  EXPECT_EQ(text.push("c"), "\nc");
  EXPECT_EQ(text.push("EN"), "");
  EXPECT_EQ(text.push("Ex"), "ENEx") << "not the beginning of END after all";
  EXPECT_EQ(text.push("yE"), "y");
  EXPECT_EQ(text.push("NDz"), "");
  EXPECT_TRUE(text.found());
  EXPECT_EQ(text.push("more"), "");
  EXPECT_EQ(text.flush(), "");
}

TEST(StopText, WhatWasHeldBackComesAtTheEnd) {
  StopText text({"abc", ""});
  EXPECT_EQ(text.push("xab"), "x");
  EXPECT_EQ(text.flush(), "ab");
  EXPECT_FALSE(text.found());
  StopText none({});
  EXPECT_EQ(none.push("anything"), "anything");
}

/// By its definition, character by character.
std::string before_stop(const std::string& whole, const std::vector<std::string>& stops) {
  for (std::size_t end = 0; end <= whole.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (whole.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest != 0) return whole.substr(0, end - longest);
  }
  return whole;
}

TEST(StopText, RandomPiecesGiveWhatStandsBeforeTheFirstStopText) {
  xw::test::RandomNumbers random;
  const auto word = [&](std::uint32_t least, std::uint32_t most) {
    std::string text(random(least, most), ' ');
    for (char& c : text) c = static_cast<char>('a' + random(0, 1));
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::vector<std::string> stops{word(1, 4), word(1, 6)};
    const std::string whole = word(0, 20);
    const std::string expected = before_stop(whole, stops);
    StopText text(stops);
    std::string shown;
    for (std::size_t fed = 0; fed < whole.size() && !text.found();) {
      const std::size_t some = random(1, 4);
      shown += text.push(whole.substr(fed, some));
      fed += some;
      ASSERT_EQ(shown, expected.substr(0, shown.size())) << whole << ", " << stops[0] << ", " << stops[1];
    }
    EXPECT_EQ(text.found(), expected != whole);
    shown += text.flush();
    ASSERT_EQ(shown, expected) << whole << ", " << stops[0] << ", " << stops[1];
  }
}

}  // namespace
}  // namespace xw::server
