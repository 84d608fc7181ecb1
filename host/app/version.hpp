// Version of the toolchain.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace xw::app {

inline constexpr const char* kVersion = XW_VERSION;  // from the CMake project

}  // namespace xw::app
