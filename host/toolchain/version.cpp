// Version of the toolchain: the only file that knows it, so that a new one compiles nothing else.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/version.hpp"

namespace xw::toolchain {

const char* const kVersion = XW_VERSION;

}  // namespace xw::toolchain
