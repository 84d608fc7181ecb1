// Where the sources and the command of this build are. One object file knows it, so that every other test compiles to the
// same code in every folder and a compiler cache serves all of them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace xw::test {

/// The root of the sources, absolute.
std::filesystem::path source_dir();

/// The `crossweave` of this build, quoted for a shell. Tests that run it depend on its target.
std::string crossweave_command();

}  // namespace xw::test
