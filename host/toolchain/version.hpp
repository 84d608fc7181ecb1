// Version of the toolchain, and of the program that it is a part of.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace xw::toolchain {

/// "1.2.3", of the CMake project.
extern const char* const kVersion;

/// Digits of the build ID that the linker wrote into what this code was linked into, the running program or a module that it has loaded (ELF
/// note NT_GNU_BUILD_ID): other code, other ID. Empty if it was linked without.
[[nodiscard]] std::string build_id();

}  // namespace xw::toolchain
