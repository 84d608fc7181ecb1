// The build ID of the running program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/version.hpp"

#include <gmock/gmock.h>

#include <cstdio>
#include <string>

namespace xw::toolchain {
namespace {

TEST(Version, TheBuildIdIsWhatReadelfFindsInThisProgram) {
  FILE* const pipe = ::popen("readelf -n /proc/$PPID/exe 2>/dev/null", "r");
  ASSERT_NE(pipe, nullptr);
  std::string notes;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) notes.push_back(static_cast<char>(c));
  if (::pclose(pipe) != 0) GTEST_SKIP() << "no readelf";
  const std::string label = "Build ID: ";
  const std::size_t at = notes.find(label);
  if (at == std::string::npos) {
    EXPECT_EQ(build_id(), "");
  } else {
    const std::size_t begin = at + label.size();
    EXPECT_EQ(build_id(), notes.substr(begin, notes.find('\n', begin) - begin));
  }
}

}  // namespace
}  // namespace xw::toolchain
