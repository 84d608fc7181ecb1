// Version of the toolchain.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace xw::toolchain {

/// "1.2.3", of the CMake project.
extern const char* const kVersion;

}  // namespace xw::toolchain
