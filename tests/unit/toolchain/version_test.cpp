// The build ID of what the toolchain was linked into.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/version.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace xw::toolchain {
namespace {

TEST(Version, TheBuildIdIsWhatReadelfFindsInTheObjectWithThisCode) {
  // The program; in a build with shared libraries that of the toolchain.
  Dl_info object{};
  ASSERT_NE(::dladdr(reinterpret_cast<const void*>(&build_id), &object), 0);
  const std::string program = "/proc/" + std::to_string(::getpid()) + "/exe";
  const std::string file = std::string(object.dli_fname).find(".so") == std::string::npos ? program : object.dli_fname;
  FILE* const pipe = ::popen(("readelf -n '" + file + "' 2>/dev/null").c_str(), "r");
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
