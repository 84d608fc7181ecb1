// The paths that the build passes to the tests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/paths.hpp"

namespace xw::test {

std::filesystem::path source_dir() {
  return XW_SOURCE_DIR;
}

std::string crossweave_command() {
  return "'" XW_CROSSWEAVE "'";
}

}  // namespace xw::test
